"""Where freed memory goes: it stays with the process, or back to the system. Linux with glibc.

What goes back has to be taken anew for the next picture, and the system clears it page by page
first; what stays is missed elsewhere. On other systems nothing here has any effect.
"""

import ctypes
import sys

# glibc's malloc.h; a parameter of mallopt is an int.
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
LARGEST_INT = 2**31 - 1


def keep_freed_memory(most: int = LARGEST_INT) -> None:
    """Let freed memory stay with the process.

    Args:
        most: bytes of a block, and of what is free at the end of the memory, beyond which it goes
            back all the same.
    """
    if _has("mallopt"):
        library = ctypes.CDLL(None)
        library.mallopt(M_MMAP_THRESHOLD, most)
        library.mallopt(M_TRIM_THRESHOLD, most)


def share_one_arena() -> None:
    """Let threads yet to be started take memory where the first one does.

    With arenas of their own they keep what cannot be given back: the threads of libvips 10 to 40 MB
    after a dozen PNGs of 144 million pixels, in place of 4.
    """
    if _has("mallopt"):
        ctypes.CDLL(None).mallopt(M_ARENA_MAX, 1)


def give_freed_memory_back() -> None:
    """Give back all that is free, wherever it lies."""
    if _has("malloc_trim"):
        ctypes.CDLL(None).malloc_trim(0)


def _has(function: str) -> bool:
    return sys.platform == "linux" and hasattr(ctypes.CDLL(None), function)
