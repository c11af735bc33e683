"""One training on several processes, as `torchrun` starts them; alone, everything here does nothing.

The gradients of a step are summed by one collective over all of them. PyTorch's DistributedDataParallel would wrap a
module's forward; the trainer's is a function of the weights (`rmsnet.network.spectral`), and what a process may
have of a batch is any number of clips, computed in any number of parts, none included.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from rmsnet.errors import CheckFailed, UserError

T = TypeVar("T")


@dataclass(frozen=True)
class World:
    """The processes of a training.

    Attributes:
        rank: number of this one, 0, 1, …
        size: how many there are.
    """

    rank: int = 0
    size: int = 1

    @property
    def leads(self) -> bool:
        """Whether this process writes what is written once."""
        return self.rank == 0

    def sum(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all processes."""
        if self.size == 1:
            return
        flat = torch.cat([tensor.reshape(-1) for tensor in tensors])
        with _all_alive():
            dist.all_reduce(flat)
        start = 0
        for tensor in tensors:
            tensor.copy_(flat[start : start + tensor.numel()].view_as(tensor))
            start += tensor.numel()

    def gather(self, value: T) -> list[T]:
        """What each process has, by rank."""
        if self.size == 1:
            return [value]
        values: list[T | None] = [None] * self.size
        with _all_alive():
            dist.all_gather_object(values, value)
        return values  # type: ignore[return-value]  # all of them are filled


@contextmanager
def _all_alive() -> Iterator[None]:
    """Around a collective: it fails where another process has died.

    Raises:
        CheckFailed: it did.
    """
    try:
        yield
    except RuntimeError as error:
        reason = str(error).strip().partition("\n")[0].partition(". ")[0]
        raise CheckFailed(
            f"another process of this training has ended ({reason}); what it said is above; run the same command again "
            "to continue after the last whole epoch"
        ) from None


def leads() -> bool:
    """Whether this is the first process of `torchrun`, or the only one."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def processes(device: torch.device) -> Iterator[World]:
    """The processes that `torchrun` has started, connected; each computes on a GPU of its own.

    Raises:
        UserError: there are more of them on this machine than it has GPUs.
    """
    size = int(os.environ.get("WORLD_SIZE", "1"))
    if size == 1:
        yield World()
        return
    if device.type == "cuda":
        here, found = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
        if here > found:
            raise UserError(
                f"{here} processes for {found} GPU of this machine: start one for each, or use --device cpu"
            )
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
    try:
        yield World(dist.get_rank(), dist.get_world_size())
    finally:
        dist.destroy_process_group()
