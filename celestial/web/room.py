"""Limits the pictures under way, over all models and visitors of a server."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class BusyError(Exception):
    """More pictures are under way than there is room for; the text says whose pictures."""


class Room:
    """Places for pictures under way; one visitor may hold half, so that others find some."""

    def __init__(self, places: int):
        self.places = places
        self.most_each = max(1, places // 2)
        self.held: Counter[str] = Counter()
        self.lock = threading.Lock()

    @contextmanager
    def hold(self, visitor: str, wanted: int) -> Iterator[int]:
        """Hold places while the block runs; yield how many: at least one, at most `wanted`.

        Raises:
            BusyError: there is none, or the visitor holds as many as one may.
        """
        with self.lock:
            free = self.places - self.held.total()
            left = self.most_each - self.held[visitor]
            count = min(wanted, free, left)
            if count < 1:
                raise BusyError("too many pictures are waiting; try again soon" if free < 1 else
                                "too many of your pictures are waiting; try again soon")
            self.held[visitor] += count
        try:
            yield count
        finally:
            with self.lock:
                self.held[visitor] -= count
                if not self.held[visitor]:
                    del self.held[visitor]  # else every visitor ever seen stays in the memory
