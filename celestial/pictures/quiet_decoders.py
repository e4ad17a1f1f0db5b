"""Importing this silences a process for good: for the server that forks the decoders.

Where a script is stopped while decoders start, they find the script gone and complain with a
traceback on its terminal. Libraries in C print their warnings there as well.
"""

import os

os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
