"""A training step as a CUDA graph."""

from collections.abc import Callable

import torch
from torch import Tensor

from rmsnet.training.inputs import Batch


class StepGraph:
    """A step recorded once as a CUDA graph and replayed: one launch instead of a hundred.

    The first calls run the step as it is, on a stream of its own, because a recording must find everything that is
    allocated lazily (momentum, constants) in place; they are steps of the training like any other.
    """

    WARM_UP = 3

    def __init__(self, batch: Batch) -> None:
        self.static = tuple(torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor in batch)
        self.calls = 0
        self.stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch leaves it untyped
        self.graph = torch.cuda.CUDAGraph()
        self.result = torch.empty(0)

    def __call__(self, batch: Batch, compute: Callable[[Batch], Tensor]) -> Tensor:
        """One step on a batch; what `compute` gives, overwritten by the next call.

        The step is not kept here: whoever owns the graph would be held by it, and its memory on the GPU with it.
        """
        for static, tensor in zip(self.static, batch, strict=True):
            static.copy_(tensor)
        self.calls += 1
        if self.calls <= self.WARM_UP:
            self.stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(self.stream):
                result = compute(self.static)  # type: ignore[arg-type]  # three of them
            torch.cuda.current_stream().wait_stream(self.stream)
            return result
        if self.calls == self.WARM_UP + 1:
            with torch.cuda.graph(self.graph):
                self.result = compute(self.static)  # type: ignore[arg-type]  # three of them
        self.graph.replay()
        return self.result
