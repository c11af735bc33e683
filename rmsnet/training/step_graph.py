"""Training steps as a CUDA graph."""

from collections.abc import Callable

import torch
from torch import Tensor

from rmsnet.training.inputs import Batch


class StepGraph:
    """Some steps recorded once as a CUDA graph and replayed: one launch instead of a thousand.

    The first calls take the steps as they are, on a stream of its own, because a recording must find everything that
    is allocated lazily (constants, the libraries' memory) in place; they are steps of the training like any other.

    Args:
        batches: like those that will follow, one batch behind the other.
        rates: (steps,).
    """

    WARM_UP = 3
    """Steps, at least."""

    def __init__(self, batches: Batch, rates: Tensor) -> None:
        self.rates = torch.empty_like(rates)
        # (steps, …): a batch then lies as if it were alone.
        self.batches = tuple(
            torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor in _by_step(batches, len(rates))
        )
        self.result = torch.zeros(len(rates), 4, device=rates.device)
        self.warm_up = self.WARM_UP
        self.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.graph, self.recorded = torch.cuda.CUDAGraph(), False

    def __call__(self, batches: Batch, rates: Tensor, step: Callable[[Batch, Tensor], Tensor]) -> Tensor:
        """One step after the other; (steps, 4) what `step` gives, overwritten by the next call.

        The step is not kept here: whoever owns the graph would be held by it, and its memory on the GPU with it.
        """
        self.rates.copy_(rates)
        for static, tensor in zip(self.batches, _by_step(batches, len(rates)), strict=True):
            static.copy_(tensor)
        if self.warm_up > 0:
            self.warm_up -= len(rates)
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                self._all(step)
            torch.cuda.current_stream().wait_stream(self.stream)
            return self.result
        if not self.recorded:
            with torch.cuda.graph(self.graph):
                self._all(step)
            self.recorded = True
        self.graph.replay()
        return self.result

    def _all(self, step: Callable[[Batch, Tensor], Tensor]) -> None:
        for number, batch in enumerate(zip(*self.batches, strict=True)):
            self.result[number] = step(batch, self.rates[number])


def _by_step(batches: Batch, steps: int) -> list[Tensor]:
    """(T, steps · B) rows as (steps, T, B); (steps · B,) as (steps, B)."""
    return [tensor.view(*tensor.shape[:-1], steps, -1).movedim(-2, 0) for tensor in batches]
