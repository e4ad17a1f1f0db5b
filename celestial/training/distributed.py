"""Training in several processes, on one machine or many, as torchrun starts them."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import distributed

from celestial.common.console import UserError


@dataclass(frozen=True)
class Processes:
    """All processes of a training, and which of them this one is.

    Attributes:
        rank: number of this process, from 0.
        count: of all processes, on all machines.
    """

    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this is the one that prints, and writes results."""
        return self.rank == 0

    def partition(self, indices: np.ndarray) -> np.ndarray:
        """Return this process's part of some indices; the parts in the order of ranks are all."""
        return np.array_split(indices, self.count)[self.rank]

    def gather(self, part: torch.Tensor) -> torch.Tensor:
        """Return the parts of all processes one after the other; they may differ in length."""
        if self.count == 1:
            return part
        parts = [None] * self.count
        distributed.all_gather_object(parts, part.cpu())
        return torch.cat(parts).to(part.device)

    def total(self, value: float) -> float:
        """Return the sum of a number over all processes."""
        return float(self.gather(torch.tensor([value], dtype=torch.float64)).sum())

    def average(self, tensors: list[torch.Tensor]) -> None:
        """Put the mean over all processes into tensors of equal type and device, in place."""
        if self.count == 1 or not tensors:
            return
        flat = torch.cat([tensor.flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        parts = (flat / self.count).split([tensor.numel() for tensor in tensors])
        for tensor, part in zip(tensors, parts, strict=True):
            tensor.copy_(part.view_as(tensor))

    def from_first(self, value: object) -> object:
        """Return the value that the first process has."""
        if self.count == 1:
            return value
        values = [value]
        distributed.broadcast_object_list(values)
        return values[0]

    def own_folder(self, folder: Path) -> Path:
        """Return a folder below `folder` for what only this process needs."""
        return folder if self.count == 1 else folder / f"part_{self.rank}_of_{self.count}"


ALONE = Processes()


def join(batch_size: int) -> Processes:
    """Join the other processes where torchrun started this one; only the first one prints then.

    Args:
        batch_size: of all processes together.

    Raises:
        UserError: a batch is too small to be shared, or restarts would end in waiting for ever.
    """
    if not distributed.is_torchelastic_launched():
        return ALONE
    processes = Processes(int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"]))
    if not processes.first:
        sys.stdout = open(os.devnull, "w")  # noqa: PTH123, SIM115 (open until the process ends)
        os.environ["TQDM_DISABLE"] = "1"
    _require_store_of_each_start()
    if batch_size < 2 * processes.count:
        raise UserError(f"--batch-size {batch_size} is too small for {processes.count} processes: "
                        "it is shared, and each needs two pictures", status=2)
    return processes


def _require_store_of_each_start() -> None:
    """Raise UserError where processes on several machines could not meet again after a restart."""
    environment = os.environ
    if (int(environment.get("TORCHELASTIC_MAX_RESTARTS", 0)) > 0
            and environment.get("TORCHELASTIC_USE_AGENT_STORE") == "True"
            and environment["LOCAL_WORLD_SIZE"] != environment["WORLD_SIZE"]):
        raise UserError("with --max-restarts on several machines torchrun needs "
                        "TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 in its environment, or the processes "
                        "wait for the lost ones; set it before torchrun on each machine", status=2)


def start(processes: Processes, device: torch.device) -> torch.device:
    """Let the processes find each other; return the device of this one.

    Processes on CUDA take a card each; they use gloo as well, for what they gather on the CPU.
    """
    if processes.count == 1:
        return device
    if device.type == "cuda" and device.index is None:
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
    backend = "gloo" if device.type == "cpu" else "cpu:gloo,cuda:nccl"
    if os.environ["LOCAL_WORLD_SIZE"] != os.environ["WORLD_SIZE"]:
        distributed.init_process_group(backend)
        return device
    # torchrun keeps its store after a restart. Each start has a prefix of its own there, because
    # otherwise the new processes would read what the lost ones left.
    store, rank, count = next(distributed.rendezvous("env://"))
    own = distributed.PrefixStore(f"start {_restarts()}", store)
    distributed.init_process_group(backend, store=own, rank=rank, world_size=count)
    return device


def restarted() -> bool:
    """Say whether torchrun has started the processes anew after one of them was lost."""
    return _restarts() > 0


def _restarts() -> int:
    return int(os.environ.get("TORCHELASTIC_RESTART_COUNT", 0))


def finish(processes: Processes) -> None:
    """Leave the group of processes."""
    if processes.count > 1:
        distributed.destroy_process_group()
