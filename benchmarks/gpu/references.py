"""The same training written without us: the textbook's loop, and the best that PyTorch offers.

None of them measures the gradient's norm, validates or writes anything: that is to their advantage.
"""

import multiprocessing
import time
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from benchmarks.gpu.banks import made_bank
from benchmarks.gpu.clock import recorded, since, wait
from benchmarks.gpu.correctness import sampler_of
from benchmarks.gpu.record import Record
from benchmarks.gpu.settings import Settings
from benchmarks.gpu.step import GAMES
from benchmarks.training import Windows
from rmsnet.features.bank import FrameBank
from rmsnet.network.model import RMSNet, rms_loss
from rmsnet.params import TrainParams
from rmsnet.training.sampling import clip_rows

COMPILED_SECONDS = 90
"""A compiled candidate, at most."""

Step = Callable[[Tensor, Tensor, Tensor], Tensor]
"""Rows (B, T), classes and offsets of a batch to its loss."""


def run(record: Record, device: torch.device, settings: Settings, work: Path) -> None:
    bank, features = bank_and_features(device, settings)
    step = step_of(features, settings.train, device)
    compare(record, "features on the GPU, autocast to bfloat16, fused SGD", resident(step, bank, device, settings))
    graphed = in_graph(step, settings.train, device)
    compare(record, "the same in a CUDA graph", resident(graphed, bank, device, settings))
    compare(record, "textbook: Dataset of slices, DataLoader, float32", textbook(bank, device, settings, 0))
    if settings.workers:
        name = f"textbook with {settings.workers} worker processes, pinned memory"
        compare(record, name, textbook(bank, device, settings, settings.workers))
    if settings.compiled:
        alone(record, "as the second, compiled", compiled, device, settings)


def compiled(record: Record, name: str, device: torch.device, settings: Settings) -> None:
    bank, features = bank_and_features(device, settings)
    started = time.perf_counter()
    step = in_graph(step_of(features, settings.train, device, compiled=True), settings.train, device)
    record.row("torch.compile takes", since(started, device), "s", "once, before the first step")
    compare(record, name, resident(step, bank, device, settings))


def alone(record: Record, name: str, work: Callable[..., None], device: torch.device, settings: Settings) -> None:
    """Measure in a new Python: what a compiler breaks there costs this row alone, and it has forked from nothing."""
    process = multiprocessing.get_context("spawn").Process(target=work, args=(record, name, device, settings))
    process.start()
    process.join(COMPILED_SECONDS)
    if process.exitcode != 0:
        late = process.exitcode is None
        process.kill()
        record.row(name, f"stopped after {COMPILED_SECONDS} s" if late else f"ended with status {process.exitcode}")


def bank_and_features(device: torch.device, settings: Settings) -> tuple[FrameBank, Tensor]:
    """Some games, and their features on the device."""
    bank = made_bank(min(settings.games, GAMES), settings.frames, settings.width, device, 1, settings.every)
    return bank, torch.from_numpy(bank.features).to(device).to(torch.bfloat16)


def compare(record: Record, name: str, speed: float) -> None:
    ours = record.value("schedule", "speed of training from the second epoch on")
    record.row(name, speed, "clips/s", "" if ours is None else f"ours is {ours / speed:.1f} times as fast")


def network_and_optimizer(width: int, device: torch.device) -> tuple[RMSNet, torch.optim.SGD]:
    network = RMSNet(width).to(device)
    fused = device.type == "cuda"
    return network, torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4, fused=fused)


def textbook(bank: FrameBank, device: torch.device, settings: Settings, workers: int) -> float:
    """Clips/s."""
    network, optimizer = network_and_optimizer(settings.width, device)
    loader = DataLoader(
        Windows(bank),
        settings.train.batch_size,
        shuffle=True,
        num_workers=workers,
        pin_memory=workers > 0,
        drop_last=True,
        timeout=30 if workers else 0,
    )
    clips_seen, started = 0, 0.0
    for number, (clips, label, offset) in enumerate(loader):
        if number == 5:
            wait(device)
            clips_seen, started = 0, time.perf_counter()
        clips, label, offset = (part.to(device, non_blocking=True) for part in (clips, label, offset))
        logits, found = network(clips)
        loss, _, _ = rms_loss(logits, found, label, offset.float(), 10.0)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()
        clips_seen += len(label)
        if number > 5 and time.perf_counter() - started > settings.seconds:
            break
    return clips_seen / since(started, device)


def step_of(features: Tensor, params: TrainParams, device: torch.device, compiled: bool = False) -> Step:
    """A step on a batch of rows of features that lie on the device."""
    network, optimizer = network_and_optimizer(features.shape[1], device)

    def loss_of(clips: Tensor, label: Tensor, offset: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            logits, found = network(clips)
        return rms_loss(logits, found, label, offset, params.regression_weight)[0]

    loss_of = torch.compile(loss_of, fullgraph=True) if compiled else loss_of

    def step(rows: Tensor, label: Tensor, offset: Tensor) -> Tensor:
        loss = loss_of(features[rows], label, offset)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return step


def in_graph(step: Step, params: TrainParams, device: torch.device) -> Step:
    """The step recorded once; batches are copied to where it reads them."""
    size = params.batch_size
    rows = torch.zeros(size, params.clip_frames, dtype=torch.int64, device=device)
    label, offset = torch.zeros(size, dtype=torch.int64, device=device), torch.zeros(size, device=device)
    loss = torch.zeros((), device=device)
    replay = recorded(lambda: loss.copy_(step(rows, label, offset)), device)

    def graphed(*batch: Tensor) -> Tensor:
        for place, tensor in zip((rows, label, offset), batch, strict=True):
            place.copy_(tensor)
        replay()
        return loss

    return graphed


def resident(step: Step, bank: FrameBank, device: torch.device, settings: Settings) -> float:
    """Clips/s of a step on the sampler's clips; losses are looked at when an epoch is over."""
    params = settings.train
    sampler = sampler_of(bank, params, device)
    size = params.batch_size
    clips_seen, number, started = 0, 0, 0.0
    while number < 2 or time.perf_counter() - started < settings.seconds:
        if number == 1:  # the first epoch warms up
            clips_seen, started = 0, time.perf_counter()
        clips = sampler.epoch(0, number)
        rows = clip_rows(clips, params.clip_frames)
        offset = clips.event_index / params.clip_frames
        losses = torch.zeros(len(clips) // size, device=device)
        for batch in range(len(losses)):
            part = slice(batch * size, (batch + 1) * size)
            losses[batch] = step(rows[part], clips.label[part], offset[part])
        losses.mean().item()
        clips_seen += len(losses) * size
        number += 1
    return clips_seen / since(started, device)
