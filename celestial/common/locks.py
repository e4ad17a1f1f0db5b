"""One process at a time: a wait that ends even if the process that is waited for is killed."""

import errno
import getpass
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

# What a file system without locks answers: NFS without its lock daemon, some of FUSE, Windows.
NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}


@contextmanager
def only_one(lock: Path, waiting: str) -> Iterator[None]:
    """Wait until no other process or thread is in such a block with the same file `lock`.

    The operating system frees the lock of a process that is killed, and forked processes do not
    inherit it. Where the file system has no locks, nobody waits. filelock would put a file there
    for a lock (`fallback_to_soft`), and the file of a killed process could be waited for for ever.

    Args:
        lock: any file; made where there is none, and left there (but on Windows).
        waiting: is printed where another one is in it.

    Raises:
        OSError: the file cannot be made or opened.
        RuntimeError: this thread is in such a block already.
    """
    held = FileLock(lock, fallback_to_soft=False)
    try:
        try:
            held.acquire(blocking=False)
        except Timeout:
            print(waiting, flush=True)
            held.acquire()
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
    try:
        yield
    finally:
        held.release()


def lock_for(folder: Path) -> Path:
    """Return a lock of this user for a folder in which no file is to be left."""
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()  # not each has a name
    key = hashlib.sha256(f"{user} {folder.resolve()}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"celestial-{key}.lock"
