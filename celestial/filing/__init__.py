"""From answers to tables and folders of pictures.

in: files and what a model answers for each; out: a table with a row for every file.

listing: Lists the files of a folder that are to be classified.
summary_table: The table of answers: its rows, what an earlier run left of it, and what of it is
    printed.
"""
