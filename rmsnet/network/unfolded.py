"""The network's forward and backward pass for training on a GPU, in as few and as large products as can be.

A GPU is fast where much is asked of it at once; 64 clips are little, and what a step takes is the number of its
operations. So the K frames that a convolution sees are laid side by side: `windows` makes (T · B, K · Cin) of
(T, B, Cin), and a convolution, its bias and its ReLU are one product with the taps as they lie, (K · Cin, Cout). So is
the taps' gradient; the input's is the same convolution with the taps turned round. Five times the multiplications of
`rmsnet.network.spectral`, in a third of the operations. The backward pass is written out: autograd would need twice as
many.

All weights lie in one vector, and so do their gradients: what is done to each of them is done to all at once.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from rmsnet.network import spectral
from rmsnet.network.model import KERNEL, RMSNet

REACH = KERNEL // 2
"""Frames that a tap of a convolution is away from its centre, at most."""

WORD = torch.int64
"""What frames are copied in: eight bytes at a time instead of the two of a bfloat16."""


@dataclass(frozen=True)
class WeightVector:
    """All weights of a network in one vector, which they are views of; so are those of any vector like it.

    Attributes:
        weights: (N,) float32, the network's own memory.
        shapes: of its parts, in their order: the matrices, then the biases. The two heads lie together.
    """

    weights: Tensor
    shapes: Mapping[str, tuple[int, ...]]

    def parts(self, vector: Tensor) -> dict[str, Tensor]:
        """The parts of a vector as `forward` multiplies them; "heads": the rows of the classes, then the offset's."""
        sizes = [math.prod(shape) for shape in self.shapes.values()]
        flat = torch.split(vector, sizes)
        return {name: part.view(shape) for (name, shape), part in zip(self.shapes.items(), flat, strict=True)}

    def named(self, vector: Tensor) -> dict[str, Tensor]:
        """The parts of a vector by the names and in the shapes of `rmsnet.network.spectral.trainable_weights`."""
        parts = self.parts(vector)
        for kind in ("weight", "bias"):
            heads = parts.pop(f"heads.{kind}")
            parts |= {f"fc_cls.{kind}": heads[:-1], f"fc_regr.{kind}": heads[-1:]}
        return parts


def weight_vector(network: RMSNet) -> WeightVector:
    """The network's weights as one vector; what changes it changes the network."""
    leaves = {name: leaf.detach() for name, leaf in spectral.trainable_weights(network).items()}
    for kind in ("weight", "bias"):
        leaves[f"heads.{kind}"] = torch.cat([leaves.pop(f"fc_cls.{kind}"), leaves.pop(f"fc_regr.{kind}")])
    order = sorted(leaves, key=lambda name: name.endswith("bias"))
    vector = WeightVector(
        torch.cat([leaves[name].reshape(-1) for name in order]), {name: tuple(leaves[name].shape) for name in order}
    )
    named = vector.named(vector.weights)
    for name, parameter in network.named_parameters():
        parameter.data = named[name].permute(2, 1, 0) if named[name].ndim == 3 else named[name]
    return vector


@dataclass(frozen=True)
class Passed:
    """A forward pass: what it found, and what its backward pass needs.

    Attributes:
        outputs: (B, C + 2) class logits and, last, the offset before its sigmoid.
        clips: (T, B, width) what was scored.
        windows1: (T · B, 9 · 256) what the first convolution multiplied.
        convolved: (T · B, 256) what it gave.
        windows2: (T · B, 9 · 256) what the second one multiplied.
        peak: (B, 128) the maximum over time after dropout.
        frame: (B, 128) the first frame that has it.
        hidden: (B, 64) the hidden layer.
        dropout: the rate.
    """

    outputs: Tensor
    clips: Tensor
    windows1: Tensor
    convolved: Tensor
    windows2: Tensor
    peak: Tensor
    frame: Tensor
    hidden: Tensor
    dropout: float


@torch.no_grad()
def forward(weights: Mapping[str, Tensor], clips: Tensor, dropout: float = 0.0) -> Passed:
    """Score time-major clips (T, B, width) with the parts of a weight vector, all of one type."""
    frames, batch, width = clips.shape
    fc1, taps1, taps2 = weights["fc1.weight"], weights["conv1.weight"], weights["conv2.weight"]
    x, inner = _padded(clips, len(fc1))
    torch.addmm(weights["fc1.bias"], clips.view(-1, width), fc1.T, out=inner)
    windows1 = windows(x)
    x, convolved = _padded(clips, taps1.shape[2])
    torch._addmm_activation(weights["conv1.bias"], windows1, taps1.flatten(0, 1), out=convolved)
    windows2 = windows(x)
    y = torch._addmm_activation(weights["conv2.bias"], windows2, taps2.flatten(0, 1))
    if dropout:
        y, _ = torch.native_dropout(y, dropout, True)
    peak, frame = y.view(frames, batch, -1).max(dim=0)
    hidden = torch._addmm_activation(weights["fc2.bias"], peak, weights["fc2.weight"].T)
    outputs = torch.addmm(weights["heads.bias"], hidden, weights["heads.weight"].T)
    return Passed(outputs, clips, windows1, convolved, windows2, peak, frame, hidden, dropout)


@torch.no_grad()
def backward(weights: Mapping[str, Tensor], passed: Passed, gradient: Tensor, into: Mapping[str, Tensor]) -> Tensor:
    """From the gradient of the outputs (B, C + 2) to that of the weights, written to `into`.

    Returns:
        (T · B, 256) the gradient of the first layer's output; times its weights it is that of the clips.
    """
    frames, _, width = passed.clips.shape
    taps1, taps2 = weights["conv1.weight"], weights["conv2.weight"]

    _linear(gradient, passed.hidden, into, "heads")
    gradient = _of_relu(gradient @ weights["heads.weight"], passed.hidden)  # (B, 64)
    _linear(gradient, passed.peak, into, "fc2")
    gradient = _of_relu(gradient @ weights["fc2.weight"], passed.peak)  # (B, 128)
    if passed.dropout:
        gradient = gradient / (1 - passed.dropout)

    # Behind the maximum one frame of a clip and channel has it all.
    y, inner = _padded(passed.clips, taps2.shape[2])
    y[REACH : REACH + frames].scatter_(0, passed.frame[None], gradient[None])
    _sum(gradient, into["conv2.bias"])
    torch.mm(passed.windows2.T, inner, out=into["conv2.weight"].flatten(0, 1))
    of_convolved = windows(y, backwards=True) @ taps2.transpose(1, 2).flatten(0, 1)  # (T · B, 256)

    y, inner = _padded(passed.clips, taps1.shape[2])
    _of_relu(of_convolved, passed.convolved, inner)
    _sum(inner, into["conv1.bias"])
    torch.mm(passed.windows1.T, inner, out=into["conv1.weight"].flatten(0, 1))
    of_frames = windows(y, backwards=True) @ taps1.transpose(1, 2).flatten(0, 1)  # (T · B, 256)
    _linear(of_frames, passed.clips.view(-1, width), into, "fc1")
    return of_frames


def windows(padded: Tensor, backwards: bool = False) -> Tensor:
    """(T · B, 9 · C): side by side the nine frames of (T + 8, B, C) around each of the T in its middle."""
    words = padded.view(WORD)
    frames = len(padded) - 2 * REACH
    order = reversed(range(KERNEL)) if backwards else range(KERNEL)
    beside = torch.cat([words[first : first + frames] for first in order], dim=2)
    return beside.view(padded.dtype).flatten(0, 1)


def _padded(clips: Tensor, channels: int) -> tuple[Tensor, Tensor]:
    """Zeros for as many frames as the clips have and those that taps reach beyond, and a view of the former.

    (T + 8, B, channels) and (T · B, channels).
    """
    frames, batch, _ = clips.shape
    padded = clips.new_zeros(frames + 2 * REACH, batch, channels)
    return padded, padded[REACH : REACH + frames].view(-1, channels)


def _of_relu(gradient: Tensor, output: Tensor, into: Tensor | None = None) -> Tensor:
    """The gradient of what ReLU turned into `output`."""
    into = torch.empty_like(gradient) if into is None else into
    passed: Tensor = torch.ops.aten.threshold_backward.grad_input(gradient, output, 0, grad_input=into)
    return passed


def _linear(gradient: Tensor, x: Tensor, into: Mapping[str, Tensor], layer: str) -> None:
    """Of a linear layer's weights, from the gradient of its outputs (N, out) and its inputs (N, in)."""
    torch.mm(gradient.T, x, out=into[f"{layer}.weight"])
    _sum(gradient, into[f"{layer}.bias"])


def _sum(x: Tensor, into: Tensor) -> None:
    """The sum of the rows of (N, C). As a product: a GPU's own sum keeps few of its processors busy."""
    torch.mm(_ones(len(x), x.dtype, x.device), x, out=into[None])


@cache
def _ones(length: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.ones(1, length, dtype=dtype, device=device)
