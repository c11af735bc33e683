"""A training step of the paper's size: its time on the device, what it is made of, and the card's limits."""

from collections.abc import Callable
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
from rmsnet.network import spectral, unfolded
from rmsnet.network.devices import choose_precision
from rmsnet.network.model import CONV1_CHANNELS, KERNEL, RMSNet
from rmsnet.training.distributed import World
from rmsnet.training.inputs import BankFeatures, Batch
from rmsnet.training.learner import Learner, VectorLearner
from rmsnet.training.sampling import clip_rows
from rmsnet.training.trainer import STEPS_BETWEEN_REPORTS, Trainer

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
    clips = trainer.sampler.epoch(0, 1)[: params.batch_size]
    batch = clip_rows(clips, params.clip_frames).T.contiguous(), clips.label, clips.event_index / params.clip_frames
    rate = torch.tensor(0.01, device=device)

    def step() -> None:
        trainer.learner.step(batch, rate)

    number = STEPS_BETWEEN_REPORTS if device.type == "cuda" else 1

    def several() -> None:
        for _ in range(number):
            step()

    with Products() as products:
        step()
    alone = seconds_of(products.alone(device), device, settings.seconds)
    seconds = seconds_of(recorded(step, device), device, settings.seconds)
    together = seconds_of(recorded(several, device), device, settings.seconds) / number
    eager = seconds_of(step, device, settings.seconds)
    weights = sum(weight.numel() for weight in trainer.learner.weights.values())
    features = batch[0].numel() * settings.width * precision.itemsize
    moved = features + 4 * 4 * weights  # weights and momentum are read and written
    record.row("precision of a step", str(precision).removeprefix("torch."), "", f"{params.batch_size} clips")
    record.row("step, recorded as a graph", 1e6 * seconds, "µs", f"{params.batch_size / seconds:,.0f} clips/s at most")
    record.row(
        f"step of a graph of {number}, as `train` records them",
        1e6 * together,
        "µs",
        f"{params.batch_size / together:,.0f} clips/s at most",
    )
    record.row("step, launched kernel by kernel", 1e6 * eager, "µs")
    record.row(
        "its products alone, one after the other in a graph",
        1e6 * alone,
        "µs",
        f"{len(products)} products, {products.flop / 1e9:.2f} GFLOP, {alone / together:.0%} of the step",
    )
    record.row(
        "their arithmetic at the rate of a large product",
        1e6 * products.flop / arithmetic,
        "µs",
        f"{products.flop / arithmetic / together:.1%} of the step",
    )
    record.row(
        "features, weights and momentum at the memory's rate",
        1e6 * moved / memory,
        "µs",
        f"{moved / 1e6:.1f} MB, {moved / memory / together:.1%} of the step",
    )
    variants(record, trainer, batch, rate, device, settings)
    convolutions(record, trainer, device, settings)
    if device.type == "cuda":
        kernels(record, step)


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


class ByAutograd(Learner):
    """The way of a CPU, but that it does not wait for the gradient's norm: a graph can record it."""

    _descend = VectorLearner._descend


def variants(
    record: Record, trainer: Trainer, batch: Batch, rate: Tensor, device: torch.device, settings: Settings
) -> None:
    """The same step in other ways, which give the same function."""
    network = RMSNet(settings.width, len(trainer.bank.classes), trainer.params.dropout).to(device)
    learner = ByAutograd(network, trainer.inputs, trainer.params, trainer.precision, World())
    for name, convolution in (
        ("products of frequencies", spectral._convolution),
        ("direct convolutions (cuDNN, channels last)", direct_convolution),
    ):
        with mock.patch.object(spectral, "_convolution", convolution):
            seconds = seconds_of(recorded(lambda: learner.step(batch, rate), device), device, settings.seconds)
        record.row(f"step by autograd with {name}, recorded as a graph", 1e6 * seconds, "µs")


def direct_convolution(x: Tensor, taps: Tensor, bias: Tensor) -> Tensor:
    """`spectral._convolution` as a convolution over the first side of one picture (1, Cin, T, B), channels last."""
    y = F.conv2d(picture(x), kernel(taps.to(x.dtype)), padding=(len(taps) // 2, 0))
    return F.relu(y[0].permute(1, 2, 0) + bias.to(x.dtype), inplace=True)


def picture(x: Tensor) -> Tensor:
    """(T, B, C) as (1, C, T, B) with channels last, the same memory."""
    return x[None].permute(0, 3, 1, 2)


def kernel(taps: Tensor) -> Tensor:
    """(K, Cin, Cout) as (Cout, Cin, K, 1), channels last: copied."""
    return taps.permute(2, 1, 0)[..., None].contiguous(memory_format=torch.channels_last)


def convolutions(record: Record, trainer: Trainer, device: torch.device, settings: Settings) -> None:
    """The first convolution with its ReLU, and its gradients, by products and by cuDNN, whose taps lie as it likes."""
    frames, batch, reach = trainer.params.clip_frames, trainer.params.batch_size, unfolded.REACH
    x = torch.randn(frames + 2 * reach, batch, CONV1_CHANNELS, device=device).to(trainer.precision)
    taps = torch.randn(KERNEL, CONV1_CHANNELS, CONV1_CHANNELS, device=device).to(trainer.precision)
    bias = torch.zeros(CONV1_CHANNELS, device=device, dtype=trainer.precision)
    images, weight = picture(x[reach:-reach]), kernel(taps)
    side_by_side = unfolded.windows(x)
    padding = (reach, 0)

    def product() -> Tensor:
        return torch._addmm_activation(bias, unfolded.windows(x), taps.flatten(0, 1))

    def product_gradients() -> tuple[Tensor, Tensor]:
        of_taps = side_by_side.T @ x[reach:-reach].view(-1, CONV1_CHANNELS)
        return of_taps, unfolded.windows(x, backwards=True) @ taps.transpose(1, 2).flatten(0, 1)

    def cudnn() -> Tensor:
        return F.relu(F.conv2d(images, weight, bias, padding=padding), inplace=True)

    def cudnn_gradients() -> tuple[Tensor, ...]:
        found: tuple[Tensor, ...] = torch.ops.aten.convolution_backward(
            images, images, weight, None, (1, 1), padding, (1, 1), False, (0, 0), 1, (True, True, False)
        )
        return found

    for name, work in (
        ("as a product", product),
        ("by cuDNN", cudnn),
        ("gradients as products", product_gradients),
        ("gradients by cuDNN", cudnn_gradients),
    ):
        with torch.inference_mode():
            seconds = seconds_of(recorded(work, device), device, settings.seconds / 3)
        record.row(f"the first convolution: {name}", 1e6 * seconds, "µs")


def kernels(record: Record, step: Callable[[], None], steps: int = 10) -> None:
    """What runs on the GPU in a step, by time."""
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiled:
        for _ in range(steps):
            step()
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
