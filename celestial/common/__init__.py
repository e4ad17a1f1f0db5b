"""What every room uses: the terminal, files written whole or not at all, folders near and far.

in: options, paths, tables; out: the same, checked and written whole, or one sentence that says
why not.

console: Gives every script its common options, run header, RESULT line and ending.
home: Gives libraries a home folder where the user has none, as in containers and services.
import_errors: Says in one sentence why an import failed and how to correct that.
files: Writes files whole or not at all, and walks folders in a fixed order.
file_names: Shows file names on one line, cuts them to what disks allow, and keeps outputs apart.
left_behind: Tells which files in a folder are no pictures: hidden ones, a system's, earlier
    answers.
class_names: Checks class folders: some hold a dataset's splits, some have names that look alike.
tables: Writes and reads CSV tables in which spreadsheets find no formula.
translations: Reads the classes' names in Chinese and Korean from names.csv.
remote_folders: Reads and writes folders on a disk, in S3 or in Google Cloud Storage, with
    pyarrow.
ordered_work: Runs work ahead and returns it in order, so that decoding, the network and drawing
    overlap.
locks: Lets one process at a time into a block, and the next one in even if that one is killed.
"""
