"""Which process learns from which pictures, where each picture lies with one process alone."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from celestial.training.distributed import Processes


@dataclass(frozen=True)
class StridedSampler:
    """Gives every picture to one process, and takes of each batch the pictures of this process.

    Picture p belongs to the process of rank p modulo their count, as with torch's
    DistributedSampler. Unlike that one, this repeats and leaves out nothing to make the parts of a
    batch equal: a part may be small or empty, because `ClassifierLoss` divides by the whole batch.

    Attributes:
        processes: all of them, and which of them this one is.
        pictures: how many there are.
    """

    processes: Processes
    pictures: int

    @property
    def own(self) -> np.ndarray:
        """The pictures that belong to this process, int (N,), rising."""
        return np.arange(self.processes.rank, self.pictures, self.processes.count)

    def batches(self, wholes: Iterable[np.ndarray]) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield this process's part of each batch, and the whole batch.

        Args:
            wholes: the batches of an epoch as `epoch_batches` numbers them, int (M,) each.

        Yields:
            int (N,) and int (M,), the former in the order of the latter.
        """
        for whole in wholes:
            owner = whole % self.pictures % self.processes.count
            yield whole[owner == self.processes.rank], whole

    def rows(self, part: np.ndarray) -> np.ndarray:
        """Return where in `own` the pictures of a part stand, int (N,)."""
        return part % self.pictures // self.processes.count
