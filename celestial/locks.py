"""One process at a time: a wait that ends even if the process that is waited for is killed."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

if os.name == "nt":
    import msvcrt
else:
    import fcntl


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Wait until no other process is in such a block with the same file `lock`.

    Where the disk knows no locks, nobody waits.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("ab") as file:
        _wait_for(file)
        yield


def _wait_for(file: BinaryIO) -> None:
    if os.name != "nt":
        with suppress(OSError):
            fcntl.lockf(file, fcntl.LOCK_EX)  # unlike flock's, workers do not inherit this lock
        return
    while True:
        try:
            return msvcrt.locking(file.fileno(), msvcrt.LK_LOCK, 1)
        except OSError as error:
            if error.errno != errno.EDEADLOCK:  # which says that it was in vain for ten seconds
                return
