"""From the features of 100 games to events and their score, with the model that `schedule` has left."""

import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.gpu.banks import made_bank
from benchmarks.gpu.clock import clocked, since
from benchmarks.gpu.record import Record
from benchmarks.gpu.schedule import MODEL
from benchmarks.gpu.settings import Settings
from rmsnet.evaluation import judge, resample
from rmsnet.features.bank import FrameBank
from rmsnet.network.model import RMSNet
from rmsnet.network.model_files import SpottingModel, load_model
from rmsnet.params import STRONG, SpotParams
from rmsnet.spotting import inference
from rmsnet.training.loop import model_config

RUNS = 2
"""The second counts: the first one loads what a device needs."""

RESAMPLES = 1000


def run(record: Record, device: torch.device, settings: Settings, work: Path) -> None:
    bank = made_bank(settings.valid_games, settings.frames, settings.width, device, 2, settings.every)
    frames = len(bank.features)
    record.row("frames", frames, "", f"{settings.valid_games} games, {frames / bank.frame_rate / 3600:.0f} hours")
    model = trained(work, bank, settings, device)
    spotted(record, "clip by clip, stride T (the paper's)", model, bank, SpotParams(), device)
    spotted(record, "stride 1, votes", model, bank, SpotParams(**STRONG["spot"]), device)


def trained(work: Path, bank: FrameBank, settings: Settings, device: torch.device) -> SpottingModel:
    """The model of `schedule`; random weights where that was not run."""
    if (work / MODEL).exists():
        return load_model(work / MODEL, device)
    network = RMSNet(settings.width, len(bank.classes)).to(device).eval()
    return SpottingModel(network, model_config(settings.train, bank, "random"))


def spotted(
    record: Record, name: str, model: SpottingModel, bank: FrameBank, params: SpotParams, device: torch.device
) -> None:
    parts = {
        "network": (inference, "score_bank"),
        "events from scores, on the processor": (inference, "decode"),
    }
    for _ in range(RUNS):
        started = time.perf_counter()
        with clocked(parts, device) as spent:
            found = inference.spot_bank(model, bank, params)
        total = since(started, device)
    frames = len(bank.features)
    record.row(f"{name}: from features in memory to events", total, "s", f"{frames / total:,.0f} frames/s")
    for part, seconds in spent.items():
        record.row(f"{name}: {part}", seconds, "s", f"{frames / seconds:,.0f} frames/s")
    started = time.perf_counter()
    judged = judge(
        bank.truth,
        found,
        game_of_half=np.arange(len(bank.halves)) // 2,
        classes=len(bank.classes),
        frame_rate=bank.frame_rate,
    )
    average_map = judged.scores().average_map
    record.row(
        f"{name}: Average-mAP, on the processor",
        time.perf_counter() - started,
        "s",
        f"{average_map:.3f} of {len(found.half):,} events",
    )
    started = time.perf_counter()
    resample(judged, RESAMPLES)
    record.row(f"{name}: {RESAMPLES} resamples of the games", time.perf_counter() - started, "s")
