"""Silences stderr of the process that imports it: the server that forks the decoders.

If a script is stopped while decoders start, they would print tracebacks on its terminal, because
the script is gone. C libraries would print their warnings there as well.
"""

import os

os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
