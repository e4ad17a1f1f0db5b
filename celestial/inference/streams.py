"""Sends several batches through a network at once, each in a thread of its own."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from celestial.common.ordered_work import in_order

if TYPE_CHECKING:
    import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def stream_count(device: "torch.device") -> int:
    """Return how many batches should be under way: on a CPU one for each thread torch may use.

    Each stream then computes with one thread, so that it waits neither for other streams nor for
    the decoders on the same cores.
    """
    import torch  # here, because an engine without it uses this module as well

    return torch.get_num_threads() if device.type == "cpu" else 1


def start_stream(device: "torch.device") -> None:
    """Set up the thread that calls this for computing a batch at a time."""
    import torch

    if device.type == "cpu":
        torch.set_num_threads(1)


def in_streams(function: Callable[[Item], Result], items: Iterable[Item], count: int,
               start: Callable[[], None]) -> Iterator[tuple[Item, Result]]:
    """Apply a function to each item; yield the items with their results, in order.

    Args:
        function: is called in any of the threads.
        items: taken while the threads compute, one more at a time than there are threads.
        count: of the threads.
        start: is called once in each thread.
    """
    with ThreadPoolExecutor(count, initializer=start) as executor:
        for item, future in in_order(partial(executor.submit, function), items, count + 1):
            yield item, future.result()
