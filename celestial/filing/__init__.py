"""From answers to tables and folders of pictures.

in: files, what a model answers for each, what a person corrects; out: tables with a row for every
file, and folders of pictures, one a class.

listing: Lists the files of a folder that are to be classified.
summary_table: The table of answers: its rows, what an earlier run left of it, and what of it is
    printed.
metadata: Takes metadata out of JPEG, PNG and WebP files without encoding the picture again.
collecting: Files pictures whose answer a person has corrected, and keeps the table of corrections.
"""
