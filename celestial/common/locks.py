"""One process at a time: a wait that ends even if the process that is waited for is killed."""

import errno
import getpass
import hashlib
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

if os.name == "nt":
    import msvcrt
else:
    import fcntl


@contextmanager
def only_one(lock: Path, waiting: str) -> Iterator[None]:
    """Wait until no other process is in such a block with the same file `lock`.

    Where the disk knows no locks, nobody waits.

    Args:
        lock: any file; made where there is none, and left there.
        waiting: is printed where another process is in it.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("ab") as file:
        if not _is_free(file):
            print(waiting, flush=True)
            _wait_for(file)
        yield


def lock_for(folder: Path) -> Path:
    """Return a lock of this user for a folder in which no file is to be left."""
    user = os.getuid() if hasattr(os, "getuid") else getpass.getuser()  # not each has a name
    key = hashlib.sha256(f"{user} {folder.resolve()}".encode()).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"celestial-{key}.lock"


def _is_free(file: BinaryIO) -> bool:
    """Take the lock if it is free, and say whether it was; where there are no locks it is."""
    try:
        if os.name == "nt":
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            # unlike flock's, workers do not inherit this lock
            fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EACCES, errno.EAGAIN)
    return True


def _wait_for(file: BinaryIO) -> None:
    if os.name != "nt":
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_EX)
        return
    while True:
        try:
            return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        except OSError as error:
            if error.errno != errno.EDEADLOCK:  # which says that it was in vain for ten seconds
                return
