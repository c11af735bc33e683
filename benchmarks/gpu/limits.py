"""What the card can do, measured: arithmetic, memory, and the very products of a piece of work."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_map
from torch.utils.flop_counter import flop_registry

from benchmarks.gpu.clock import recorded, seconds_of

FLOP = {**flop_registry, torch.ops.aten._addmm_activation: flop_registry[torch.ops.aten.addmm]}


def product_rate(rows: int, dtype: torch.dtype, device: torch.device, budget: float, tf32: bool = False) -> float:
    """FLOP/s of a large square product of random numbers."""
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = tf32
    one, two = (torch.randn(rows, rows, device=device).to(dtype) for _ in range(2))
    out = torch.empty_like(one)
    seconds = seconds_of(lambda: torch.mm(one, two, out=out), device, budget)
    torch.backends.cuda.matmul.allow_tf32 = before
    return 2 * rows**3 / seconds


def convolution_rate(pictures: int, side: int, dtype: torch.dtype, device: torch.device, budget: float) -> float:
    """FLOP/s of the 3 × 3 convolution that a ResNet does most, channels last."""
    channels = 256
    layer = torch.nn.Conv2d(channels, channels, 3, padding=1, bias=False).to(device, dtype)
    layer.to(memory_format=torch.channels_last)
    x = torch.randn(pictures, channels, side, side, device=device).to(dtype).to(memory_format=torch.channels_last)
    with torch.inference_mode():
        seconds = seconds_of(lambda: layer(x), device, budget)
    return 2 * pictures * side**2 * channels**2 * 9 / seconds


def copy_rate(numbers: int, device: torch.device, budget: float) -> float:
    """Bytes/s of a copy on the device, read and written ones counted."""
    one = torch.randn(numbers, device=device)
    two = torch.empty_like(one)
    return 8 * numbers / seconds_of(lambda: two.copy_(one), device, budget)


class Products(TorchDispatchMode):
    """The matrix products and convolutions of what runs in this mode.

    Attributes:
        flop: their floating-point operations, a product and a sum counted as two.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flop = 0
        self._calls: list[tuple[Callable[..., Any], Any, Any]] = []

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        out = function(*args, **kwargs)
        if function.overloadpacket in FLOP:
            self.flop += FLOP[function.overloadpacket](*args, **kwargs, out_val=out)
            self._calls.append((function, tree_map(_description, args), tree_map(_description, kwargs)))
        return out

    def __len__(self) -> int:
        return len(self._calls)

    def alone(self, device: torch.device) -> Callable[[], object]:
        """The same products of random numbers, one after the other and nothing else; on a GPU as a graph."""
        made = [(function, tree_map(_made, args), tree_map(_made, kwargs)) for function, args, kwargs in self._calls]

        def work() -> None:
            for function, args, kwargs in made:
                function(*args, **kwargs)

        return recorded(work, device)


class _Description:
    """A tensor's shape, strides, type and place."""

    def __init__(self, tensor: Tensor) -> None:
        self.shape, self.stride, self.dtype, self.device = tensor.shape, tensor.stride(), tensor.dtype, tensor.device


def _description(value: Any) -> Any:
    return _Description(value) if isinstance(value, Tensor) else value


def _made(value: Any) -> Any:
    if not isinstance(value, _Description):
        return value
    numbers = 1 + sum((size - 1) * stride for size, stride in zip(value.shape, value.stride, strict=True))
    return torch.randn(numbers, device=value.device).to(value.dtype).as_strided(value.shape, value.stride)
