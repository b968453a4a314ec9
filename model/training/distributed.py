"""Several processes that train one model, started by ``torchrun``; and one process alone, the usual case.

Every process holds the whole model and all the data, and takes its share of each batch
(``torch.nn.parallel.DistributedDataParallel``, which averages the gradients). The first one writes the run folder.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from model.training.machine import free_memory

_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Team:
    """The process with this ``rank`` among ``size``, and the ``device`` it computes on."""

    rank: int = 0
    size: int = 1
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))

    @property
    def leads(self) -> bool:
        """Whether this process is the one that writes."""
        return self.rank == 0

    def part(self, indices: np.ndarray) -> np.ndarray:
        """This process's share of the examples of a batch; may be empty if there are fewer examples than processes."""
        return indices[self.rank :: self.size]

    def wrapped(self, module: nn.Module) -> nn.Module:
        """``module``, wrapped so that ``backward`` leaves the mean of all processes' gradients."""
        if self.size == 1:
            return module
        from torch.nn.parallel import DistributedDataParallel

        return DistributedDataParallel(module, device_ids=[self.device] if self.device.type == "cuda" else None)

    def sums(self, *values: float) -> list[float]:
        """The sum of each value over all processes."""
        if self.size == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        dist.all_reduce(total)
        return total.tolist()

    def from_leader(self, make: Callable[[], _Value]) -> _Value:
        """The result of ``make`` in the first process, returned in all of them.

        Raises:
            ValueError: if ``make`` raised it there.
        """
        if self.size == 1:
            return make()
        made: list[object] = [None, None]
        if self.leads:
            try:
                made[0] = make()
            except ValueError as error:
                made[1] = str(error)
        dist.broadcast_object_list(made, device=self.device)
        if made[1] is not None:
            raise ValueError(made[1])
        return made[0]  # type: ignore[return-value]

    def require_same(self, value: str, what: str) -> None:
        """
        Raises:
            ValueError: ``value`` is not the same in all processes.
        """
        others = self.sums(float(self.from_leader(lambda: value) != value))[0]
        if others:
            raise ValueError(f"{what} is not the same in all processes; {others:.0f} differ from the first")

    def free_memory(self) -> int | None:
        """Bytes of free memory on the device; None if not known."""
        return torch.cuda.mem_get_info(self.device)[0] if self.device.type == "cuda" else free_memory()

    def seed(self, *numbers: int) -> None:
        """Seed torch with ``numbers``, differently in each process, so that each drops different elements."""
        torch.manual_seed(int(np.random.SeedSequence([*numbers, self.rank]).generate_state(1, np.uint64)[0]) >> 1)


ALONE = Team()


@contextmanager
def joined(device: str) -> Iterator[Team]:
    """The team for which ``torchrun`` started this process, according to its environment; otherwise a team of one.

    ``device`` is ``cpu``, ``cuda`` or ``auto``, which takes a GPU if there is one. The processes communicate through
    NCCL on GPUs and through Gloo on CPUs.

    Raises:
        ValueError: there is no GPU, or none for this process.
    """
    rank, size = (int(os.environ.get(name, usual)) for name, usual in (("RANK", 0), ("WORLD_SIZE", 1)))
    place = _device(device, int(os.environ.get("LOCAL_RANK", 0)))
    if size == 1:
        yield Team(device=place)
        return
    dist.init_process_group("nccl" if place.type == "cuda" else "gloo")
    try:
        yield Team(rank, size, place)
    finally:
        dist.destroy_process_group()


def _device(device: str, local_rank: int) -> torch.device:
    if device == "cpu" or (device == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ValueError("PyTorch finds no GPU here; leave --device out, or give --device cpu")
    if local_rank >= (count := torch.cuda.device_count()):
        raise ValueError(f"there are {count} GPUs here; start at most {count} processes (--nproc-per-node)")
    torch.cuda.set_device(local_rank)
    return torch.device("cuda", local_rank)
