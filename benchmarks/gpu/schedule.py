"""The paper's whole schedule by `rmsnet.training.loop.train`: how many seconds, and where they go."""

import time
from pathlib import Path
from unittest import mock

import torch

from benchmarks.gpu.banks import made_bank
from benchmarks.gpu.clock import clocked, since
from benchmarks.gpu.record import Record
from benchmarks.gpu.settings import Settings
from rmsnet.features.bank import FrameBank
from rmsnet.network.devices import choose_precision
from rmsnet.training import loop
from rmsnet.training import trainer as module
from rmsnet.training.distributed import World
from rmsnet.training.history import Epoch
from rmsnet.training.inputs import BankFeatures
from rmsnet.training.sampling import EpochSampler
from rmsnet.training.trainer import Trainer

MODEL = "model"
"""Where the trained model lies for the sections behind."""

PROFILED = 2
"""Epochs whose parts are timed, after one that warms up."""


def run(record: Record, device: torch.device, settings: Settings, work: Path) -> None:
    started = time.perf_counter()
    banks = (
        made_bank(settings.games, settings.frames, settings.width, device, 1, settings.every),
        made_bank(settings.valid_games, settings.frames, settings.width, device, 2, settings.every),
    )
    sizes = " + ".join(f"{bank.features.nbytes / 1e9:.1f}" for bank in banks)
    record.row(
        "games to train and validate on, made up",
        f"{settings.games} + {settings.valid_games}",
        "",
        f"{sizes} GB of float32 in {since(started, device):.0f} s",
    )
    whole(record, banks, device, settings, work)
    parts(record, banks, device, settings, work)


def whole(
    record: Record, banks: tuple[FrameBank, FrameBank], device: torch.device, settings: Settings, work: Path
) -> None:
    """From the call to the model's folder."""
    done: list[Epoch] = []
    outside_epochs = {
        "features to the device": (loop, "BankFeatures"),
        "tables of clips, network": (loop, "Trainer"),
        "checkpoints": (Trainer, "save"),
    }
    with clocked(outside_epochs, device) as spent:
        started = time.perf_counter()
        loop.train(*banks, settings.train, work / MODEL, device=device.type, on_epoch=done.append)
        total = since(started, device)
    params = settings.train
    clips = params.foreground_clips + params.background_clips
    training = sum(clips / epoch.clips_per_second for epoch in done)
    validation = sum(epoch.seconds for epoch in done) - training
    record.row(
        f"{len(done)} epochs of {clips:,} clips, all of `train`",
        total,
        "s",
        f"{params.epochs} epochs of the paper's 50",
    )
    record.row("of it training: sampling, gathering, steps", training, "s")
    record.row("of it validation", validation, "s", f"{1000 * validation / len(done):.0f} ms an epoch")
    for name, seconds in spent.items():
        record.row(f"of it {name}", seconds, "s")
    record.row("of it everything else", total - training - validation - sum(spent.values()), "s")
    steady = done[1:] or done
    record.row(
        "speed of training from the second epoch on",
        clips * len(steady) / sum(clips / epoch.clips_per_second for epoch in steady),
        "clips/s",
    )
    epoch = sum(epoch.seconds for epoch in steady) / len(steady)
    record.row("an epoch with its validation", epoch, "s", f"50 of them: {50 * epoch:.1f} s")
    record.row(
        "validation Average-mAP, best",
        max(epoch.valid_average_map for epoch in done),
        "",
        "made-up events: it learns, no more",
    )
    if device.type == "cuda":
        record.row("memory of the GPU, at most", torch.cuda.max_memory_allocated() / 1e9, "GB")


def parts(
    record: Record, banks: tuple[FrameBank, FrameBank], device: torch.device, settings: Settings, work: Path
) -> None:
    """An epoch taken apart; the device is waited for between the parts, so their sum is more than the whole."""
    precision = choose_precision("auto", device)
    started = time.perf_counter()
    inputs = BankFeatures(*banks, precision, device)
    record.row("features to the device, once more", since(started, device), "s")
    started = time.perf_counter()
    trainer = Trainer(*banks, inputs, settings.train, device, precision, World())
    record.row("tables of clips, network, once more", since(started, device), "s")
    trainer.run_epoch(1, lambda clips: None)
    names = {
        "drawing the clips": (EpochSampler, "epoch"),
        "their rows, masked": (module, "clip_rows"),
        "validation": (Trainer, "_judge"),
        "validation: network on the clips": (module, "score_clips"),
        "validation: events from scores": (module, "decode"),
        "validation: Average-mAP": (module, "average_map"),
    }
    with clocked(names, device) as spent:
        epochs = [trainer.run_epoch(2 + number, lambda clips: None) for number in range(PROFILED)]
    for name, seconds in spent.items():
        record.row(f"an epoch: {name}", 1000 * seconds / PROFILED, "ms")
    rest = sum(epoch.seconds for epoch in epochs) - sum(spent[name] for name in list(names)[:3])
    steps = -(-len(trainer.sampler) // settings.train.batch_size)
    record.row("an epoch: steps", 1000 * rest / PROFILED, "ms", f"{steps} of {1e6 * rest / PROFILED / steps:.0f} µs")
    with mock.patch.object(Trainer, "_judge", return_value=0.0):
        started = time.perf_counter()
        trainer.run_epoch(2 + PROFILED, lambda clips: None)
        record.row("an epoch without validation, nothing waited for", 1000 * since(started, device), "ms")
    started = time.perf_counter()
    trainer.save(work / "checkpoint", "", epochs)
    record.row("an epoch: checkpoint", 1000 * since(started, device), "ms")
