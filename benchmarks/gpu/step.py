"""A training step of the paper's size: its time on the device, what it is made of, and the card's limits."""

from functools import cache
from pathlib import Path
from unittest import mock

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.gpu.banks import made_bank
from benchmarks.gpu.clock import recorded, seconds_of
from benchmarks.gpu.limits import Products, copy_rate, product_rate
from benchmarks.gpu.record import Record
from benchmarks.gpu.settings import Settings
from rmsnet.network import spectral
from rmsnet.network.devices import choose_precision
from rmsnet.training.distributed import World
from rmsnet.training.inputs import BankFeatures, Batch
from rmsnet.training.sampling import clip_rows
from rmsnet.training.trainer import Trainer

SLOWEST = 25
"""Kernels of a step that are listed."""

GAMES = 60
"""Enough that its features, 0.7 GB in bfloat16, are in no cache."""


def run(record: Record, device: torch.device, settings: Settings, work: Path) -> None:
    arithmetic, memory = limits(record, device, settings)
    games = min(settings.games, GAMES)
    banks = (
        made_bank(games, settings.frames, settings.width, device, 1, settings.every),
        made_bank(1, settings.frames, settings.width, device, 2, settings.every),
    )
    precision = choose_precision("auto", device)
    params = settings.train
    trainer = Trainer(*banks, BankFeatures(*banks, precision, device), params, device, precision, World())
    trainer.rate.fill_(0.01)
    clips = trainer.sampler.epoch(0, 1)[: params.batch_size]
    batch = clip_rows(clips, params.clip_frames).T.contiguous(), clips.label, clips.event_index / params.clip_frames

    with Products() as products:
        trainer._compute(batch)
    alone = seconds_of(products.alone(device), device, settings.seconds)
    step = seconds_of(recorded(lambda: trainer._compute(batch), device), device, settings.seconds)
    eager = seconds_of(lambda: trainer._compute(batch), device, settings.seconds)
    weights = sum(weight.numel() for weight in trainer.weights.values())
    features = batch[0].numel() * settings.width * precision.itemsize
    moved = features + 4 * 4 * weights  # weights and momentum are read and written
    record.row("precision of a step", str(precision).removeprefix("torch."), "", f"{params.batch_size} clips")
    record.row("step, recorded as a graph", 1e6 * step, "µs", f"{params.batch_size / step:,.0f} clips/s at most")
    record.row("step, launched kernel by kernel", 1e6 * eager, "µs")
    record.row(
        "its products alone, one after the other in a graph",
        1e6 * alone,
        "µs",
        f"{len(products)} products, {products.flop / 1e9:.2f} GFLOP, {alone / step:.0%} of the step",
    )
    record.row(
        "their arithmetic at the rate of a large product",
        1e6 * products.flop / arithmetic,
        "µs",
        f"{products.flop / arithmetic / step:.1%} of the step",
    )
    record.row(
        "features, weights and momentum at the memory's rate",
        1e6 * moved / memory,
        "µs",
        f"{moved / 1e6:.1f} MB, {moved / memory / step:.1%} of the step",
    )
    variants(record, trainer, batch, device, settings)
    if device.type == "cuda":
        kernels(record, trainer, batch)


def limits(record: Record, device: torch.device, settings: Settings) -> tuple[float, float]:
    """FLOP/s of a large product in bfloat16, and bytes/s of a copy."""
    budget = settings.seconds / 3
    arithmetic = product_rate(settings.matrix, torch.bfloat16, device, budget)
    record.row(f"product of {settings.matrix} × {settings.matrix} matrices, bfloat16", arithmetic / 1e12, "TFLOP/s")
    for name, tf32 in (("float32", False), ("float32 as TF32", True)):
        rate = product_rate(settings.matrix, torch.float32, device, budget, tf32)
        record.row(f"the same, {name}", rate / 1e12, "TFLOP/s")
    memory = copy_rate(16 * settings.matrix**2, device, budget)
    record.row("copy within the device's memory, read and written", memory / 1e9, "GB/s")
    return arithmetic, memory


def variants(record: Record, trainer: Trainer, batch: Batch, device: torch.device, settings: Settings) -> None:
    """The same step with its convolutions computed in other ways, which give the same function."""
    for name, attribute, value in (
        ("rows of the constant matrices padded to 16 bytes", "_products", aligned_products),
        ("direct convolutions (cuDNN, channels last)", "_convolution", direct_convolution),
    ):
        with mock.patch.object(spectral, attribute, value):
            seconds = seconds_of(recorded(lambda: trainer._compute(batch), device), device, settings.seconds)
        record.row(f"step with {name}", 1e6 * seconds, "µs")


original_products = spectral._products


@cache
def aligned_products(frames: int, kernel: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, ...]:
    def aligned(matrix: Tensor) -> Tensor:
        rows, columns = matrix.shape
        padded = matrix.new_zeros(rows, -(-columns // 8) * 8)
        padded[:, :columns] = matrix
        return padded[:, :columns]

    return tuple(aligned(matrix) for matrix in original_products(frames, kernel, dtype, device))


def direct_convolution(x: Tensor, taps: Tensor, bias: Tensor) -> Tensor:
    """`spectral._convolution` as a convolution over the first side of one picture (1, Cin, T, B), channels last."""
    picture = x[None].permute(0, 3, 1, 2)
    weight = taps.to(x.dtype).permute(2, 1, 0)[..., None].contiguous(memory_format=torch.channels_last)
    y = F.conv2d(picture, weight, padding=(len(taps) // 2, 0))
    return F.relu(y[0].permute(1, 2, 0) + bias.to(x.dtype), inplace=True)


def kernels(record: Record, trainer: Trainer, batch: Batch, steps: int = 10) -> None:
    """What runs on the GPU in a step, by time."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        for _ in range(steps):
            trainer._compute(batch)
        torch.cuda.synchronize()
    events = (event for event in profiled.key_averages() if event.device_type == DeviceType.CUDA)
    found = [event for event in events if not event.is_user_annotation]
    found.sort(key=lambda event: -event.self_device_time_total)
    record.row("kernels of a step", sum(event.count for event in found) / steps)
    record.row("their time, gaps not counted", sum(event.self_device_time_total for event in found) / steps, "µs")
    lines = [
        f"{event.self_device_time_total / steps:7.1f} µs {event.count / steps:5.1f} × {event.key[:110]}"
        for event in found[:SLOWEST]
    ]
    record.put(texts={"Kernels of a step by time": "\n".join(lines)})
