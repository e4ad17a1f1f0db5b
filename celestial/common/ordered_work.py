"""Runs work ahead and returns it in order, so that decoding, the network and drawing overlap."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")


def in_order(start: Callable[[Item], Future], items: Iterable[Item], ahead: int,
             give_up: Callable[[Future], object] = Future.cancel
             ) -> Iterator[tuple[Item, Future]]:
    """Start work on each item and yield the item with its future, in the order of the items.

    Args:
        start: begins the work on one item.
        items: any number of them; each is taken only when the work on it can start.
        ahead: items under way at a time.
        give_up: is called for each future under way when the caller stops before the end.
    """
    items = iter(items)
    waiting = deque((item, start(item)) for item in islice(items, ahead))
    try:
        while waiting:
            yield waiting.popleft()
            waiting.extend((item, start(item)) for item in islice(items, 1))
    finally:
        for _, future in waiting:
            give_up(future)
