"""Draws and writes cards in the processes that decode, while the network computes."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, wait
from concurrent.futures import TimeoutError as FuturesTimeout
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TypeVar

from pebble import ProcessExpired

from celestial.common.ordered_work import in_order
from celestial.drawing.cards import UNDRAWN, Card, write_card
from celestial.pictures.decoder_pool import SECONDS, in_process

Item = TypeVar("Item")
Job = tuple[Item, Card | None, Path]
AHEAD = 8  # cards for each process that may wait to be drawn


def write_cards(jobs: Iterable[Job], workers: int) -> Iterator[tuple[Item, str]]:
    """Write a card for each item, in order; where the card is None, none is written.

    Args:
        jobs: (item, its card, where it is written).
        workers: processes that draw, those of `decoder_pool`.

    Yields:
        The item, and why its card cannot be written, or an empty text.

    Raises:
        OSError: the disk is full, so that nothing else could be written either.
    """
    # We wait, because cancelling would kill a process that writes, and leave half a file behind.
    under_way = in_order(partial(_start, workers), jobs, AHEAD * workers, give_up=_await)
    with closing(under_way):  # at once, while the processes can still finish what they write
        for (item, _, _), future in under_way:
            try:
                undrawn = future.result()
            except FuturesTimeout:
                undrawn = f"{UNDRAWN}: it takes more than {SECONDS} seconds"
            except ProcessExpired:
                undrawn = f"{UNDRAWN}: the process that drew it was ended"
            yield item, undrawn


def _await(future: Future) -> None:
    wait([future], timeout=1)


def _start(workers: int, job: Job) -> Future:
    _, card, path = job
    if card is not None:
        return in_process(workers, write_card, card, path)
    nothing_to_do = Future()
    nothing_to_do.set_result("")
    return nothing_to_do
