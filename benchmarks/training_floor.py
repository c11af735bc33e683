"""The parts of a training step beside what the machine allows: the rates of its products and its memory."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from rmsnet.network import kernels, spectral
from rmsnet.network.devices import choose_precision, prepare_memory
from rmsnet.network.model import RMSNet, rms_loss

T, BATCH, WIDTH = 41, 64, 512
CONV1, CONV2 = 256, 128  # channels out of the first layer and the convolutions
PRODUCTS, HALVES, FOLDED = 67, 21 * 23 + 20 * 22, 23 * 5 + 22 * 4
"""Real products of all frequencies; multiplications of a transform, and of the taps' to the responses, a number."""


@dataclass(frozen=True)
class Part:
    """Some of a step.

    Attributes:
        work: does it once.
        operations: multiplications and additions that its algorithm needs.
        numbers: that it must read or write at least.
        bytes_each: of a number.
    """

    work: Callable[[], object]
    operations: float
    numbers: float
    bytes_each: int


def rates(dtype: torch.dtype) -> dict[str, float]:
    """GFLOP/s of PyTorch's products: those of a step, and a large one."""
    shapes = {
        "first layer": (torch.randn(T * BATCH, WIDTH), torch.randn(WIDTH, CONV1)),
        "its gradient": (torch.randn(CONV1, T * BATCH), torch.randn(T * BATCH, WIDTH)),
        "67 frequencies": (torch.randn(PRODUCTS, BATCH, CONV1), torch.randn(PRODUCTS, CONV1, CONV1)),
        "2048 x 2048": (torch.randn(2048, 2048), torch.randn(2048, 2048)),
    }
    found = {}
    for name, (left, right) in shapes.items():
        left, right = left.to(dtype), right.to(dtype)
        found[name] = 2 * left.numel() * right.shape[-1] / seconds(lambda a=left, b=right: a @ b) / 1e9
    return found


def copy_rate(numbers: int) -> float:
    """GB/s, read and written, of copying so many float32."""
    source, target = torch.randn(numbers), torch.empty(numbers)
    return 8 * numbers / seconds(lambda: target.copy_(source)) / 1e9


def seconds(work: Callable[[], object], rounds: int = 15) -> float:
    """Processor time of the fastest of some rounds, of all threads together divided by their number."""
    work()
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best / torch.get_num_threads()


def parts(dtype: torch.dtype) -> dict[str, Part]:
    """Of a step: those of the compiled path, or the whole convolutions where PyTorch computes them."""
    size = dtype.itemsize
    weights = spectral.trainable_weights(RMSNet())
    bank, rows = torch.randn(100_000, WIDTH).to(dtype), torch.randint(100_000, (T * BATCH,))
    clips, x = torch.randn(T, BATCH, WIDTH).to(dtype), torch.randn(T, BATCH, CONV1).to(dtype)
    label, offset = torch.randint(4, (BATCH,)), torch.rand(BATCH)
    momenta = [torch.zeros_like(leaf) for leaf in weights.values()]
    gradients = [torch.full_like(leaf, 1e-9) for leaf in weights.values()]
    count = sum(leaf.numel() for leaf in weights.values())
    number = T * BATCH  # of frames

    def first_layer() -> None:
        leaf = weights["fc1.weight"]
        y = F.linear(clips, leaf.to(dtype), weights["fc1.bias"].to(dtype))
        torch.autograd.grad(y, (leaf, weights["fc1.bias"]), x)

    def heads() -> None:
        peak = torch.rand(BATCH, CONV2, requires_grad=True)
        hidden = F.relu(F.linear(peak, weights["fc2.weight"], weights["fc2.bias"]))
        logits = F.linear(hidden, weights["fc_cls.weight"], weights["fc_cls.bias"])
        found = F.linear(hidden, weights["fc_regr.weight"], weights["fc_regr.bias"])
        rms_loss(logits, found.squeeze(1), label, offset, 10.0)[0].backward()

    def optimiser() -> None:
        with torch.no_grad():
            torch.nn.utils.get_total_norm(gradients)
            torch._fused_sgd_(
                list(weights.values()),
                gradients,
                momenta,
                weight_decay=1e-4,
                momentum=0.9,
                lr=1e-9,
                dampening=0.0,
                nesterov=False,
                maximize=False,
                is_first_step=False,
            )

    first = 4 * number * WIDTH * CONV1
    return {
        "gather": Part(lambda: bank.index_select(0, rows), 0, 2 * number * WIDTH, size),
        "first layer": Part(first_layer, first, 2 * number * WIDTH, size),
        **_convolutions(x, weights, dtype),
        "heads, loss": Part(heads, 6 * BATCH * CONV2 * 64, 0, 4),
        "norm, optimiser": Part(optimiser, 0, 6 * count, 4),
    }


def _convolutions(x: Tensor, weights: dict[str, Tensor], dtype: torch.dtype) -> dict[str, Part]:
    size, taps = dtype.itemsize, weights["conv1.weight"].detach()
    last = weights["conv2.weight"].detach()
    bias = torch.zeros(CONV1)
    product = 2 * PRODUCTS * BATCH * CONV1 * CONV1
    frames, spectra = T * BATCH * CONV1, 45 * BATCH * CONV1
    transform = 2 * HALVES * BATCH * CONV1
    if kernels.chosen(dtype) == kernels.PYTORCH:
        leaves = [leaf.requires_grad_() for leaf in (x, taps, last)]

        def both() -> None:
            y = spectral._convolution(x, taps, bias)
            peak = spectral._peak(y, last, bias[:CONV2], 0.1)
            torch.autograd.grad(peak.sum(), leaves)

        return {"convolutions": Part(both, 4.5 * product + 6 * transform, 10 * (frames + spectra), size)}
    compiled = kernels.kernels(kernels.chosen(dtype))
    shape, narrow = (T, BATCH, CONV1), (T, BATCH, CONV2)
    of_x, of_y = compiled.frequencies(x, 1), compiled.frequencies(x, -1)
    packed, packed_last = compiled.pack(taps), compiled.pack(last)
    products = compiled.multiply(of_x, packed, x.shape, CONV1, 1)
    of_last = compiled.multiply(of_x, packed_last, x.shape, CONV2, 1)
    _, frame = compiled.peak(of_last, narrow, bias[:CONV2], 0.1)
    chosen, gradient = compiled.pack(last, transposed=True, folded=False), torch.randn(BATCH, CONV2)
    responses = 2 * FOLDED * CONV1 * CONV1

    def packing() -> None:
        for transposed in (False, True):
            compiled.pack(taps, transposed=transposed)
            compiled.pack(last, transposed=transposed, folded=not transposed)

    def multiplying() -> None:
        compiled.multiply(of_x, packed, x.shape, CONV1, 1)
        compiled.multiply(of_y, packed, x.shape, CONV1, -1)
        compiled.multiply(of_x, packed_last, x.shape, CONV2, 1)

    def transforming() -> None:
        compiled.frequencies(x, 1)
        compiled.frequencies(x, 1)
        compiled.frequencies(x, -1, active=x)
        compiled.frames(products, shape, bias)
        compiled.frames(products, shape)
        compiled.peak(of_last, narrow, bias[:CONV2], 0.1)

    return {
        "transforms, maximum": Part(transforming, 5.5 * transform, 5.5 * (frames + spectra), size),
        "products": Part(multiplying, 2.5 * (product + responses), 5 * spectra, size),
        "taps' gradient": Part(
            lambda: compiled.taps_gradient(of_x, of_y, x.shape, CONV1), product + responses, 2 * spectra, size
        ),
        "packing of taps": Part(packing, 0, 4 * (taps.numel() + last.numel()), 4),
        "sparse gradients": Part(
            lambda: compiled.sparse_gradients(gradient, frame, x, chosen), 36 * BATCH * CONV1 * CONV2, 2 * frames, size
        ),
    }


def report(threads: int) -> tuple[str, float, float]:
    """The table, and a step's floor and the sum of its parts in seconds."""
    prepare_memory()
    dtype = choose_precision("auto", torch.device("cpu"))
    torch.set_num_threads(1)
    rate, copied = rates(dtype), copy_rate(T * BATCH * CONV1)
    best = max(rate.values())
    torch.set_num_threads(threads)
    lines = [f"kernels: {kernels.chosen(dtype)}, {dtype}, {threads} thread(s); these rates are of one:"]
    lines += [f"  {name:20} {gflops:8.0f} GFLOP/s" for name, gflops in rate.items()]
    lines += [f"  {'copy of 2.7 MB':20} {copied:8.1f} GB/s", ""]
    lines += [f"{'part of a step':20} {'ms':>6} {'floor':>6} {'share':>6} {'MFLOP':>7} {'MB':>6}"]
    floor = total = 0.0
    for name, part in parts(dtype).items():
        arithmetic = part.operations / threads / best / 1e9
        memory = part.numbers * part.bytes_each / threads / copied / 1e9
        least, took = max(arithmetic, memory), seconds(part.work)
        floor, total = floor + least, total + took
        lines.append(
            f"{name:20} {1e3 * took:6.2f} {1e3 * least:6.2f} {least / took:6.0%} {part.operations / 1e6:7.0f} "
            f"{part.numbers * part.bytes_each / 1e6:6.1f}"
        )
    lines.append(f"{'together':20} {1e3 * total:6.2f} {1e3 * floor:6.2f} {floor / total:6.0%}")
    return "\n".join(lines), floor, total
