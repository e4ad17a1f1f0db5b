"""From answers to tables and folders of pictures.

in: files, what a model answers for each, what a person corrects; out: tables with a row for every
file, and folders of pictures, one a class.

listing: Lists the files of a folder that are to be classified, and keeps filed ones out of it.
summary_table: The table of answers: its rows, what an earlier run left of it, and what of it is
    printed.
contact_sheet: Draws what lies beside the table of answers: the contact sheet, and what cleaning
    changed.
sorting: Sorts pictures into a folder for each class, as hard links or copies; none is moved away.
metadata: Takes metadata out of JPEG, PNG and WebP files without encoding the picture again.
collecting: Files pictures whose answer a person has corrected, and keeps the table of corrections.
corrected_table: Reads a table of answers that a person has corrected, and files its pictures.
"""
