"""What every room uses: the terminal, files written whole or not at all, folders near and far.

in: options, paths, tables; out: the same, checked and written whole, or one sentence that says
why not.

class_names: Folders that are no classes although they stand where classes do, and classes that
    look alike.
console: The common command-line options, the run header, the last RESULT line, and how a script
    ends.
file_names: Names of files: shown on one line, cut to what disks allow, never two outputs under
    one.
files: Writing files whole or not at all, and walking folders in a fixed order.
home: A home folder for the libraries, where the user has none: in containers, in services.
import_errors: What a failed import says to a user: what is missing or does not fit, and how to
    mend it.
left_behind: What lies in folders and is no picture: hidden files, what systems leave, earlier
    answers.
locks: One process at a time: a wait that ends even if the process that is waited for is killed.
ordered_work: Work that runs ahead and comes back in order: decoding, the network and drawing
    overlap.
remote_folders: Folders on a disk, in S3 or in Google Cloud Storage, through pyarrow's file
    systems.
tables: Tables: CSV that spreadsheets open rightly and in which they find no formula.
translations: The classes' names in Chinese and Korean, from names.csv.
"""
