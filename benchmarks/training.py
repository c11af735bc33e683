"""Speed of a training step and of dense inference, each against a reference measured in the same run.

    python -m benchmarks.training [--threads N] [--rounds N] [--kernels NAME]

Before it the parts of a step are put beside what this machine's products and memory allow (training_floor.py).
Each candidate of the training step has a process of its own, as it would where it is used. Rounds of all candidates
alternate and the fastest round of each counts. Time is the process's CPU time divided by the threads, so that other
work on the machine disturbs less. Random features: speed does not depend on their values.

With `--kernels avx2` every candidate runs as on a processor that has no more than AVX2, PyTorch too.
"""

import argparse
import multiprocessing
import os
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from benchmarks import training_floor
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.network import kernels, spectral
from rmsnet.network.dense import dense_scores
from rmsnet.network.devices import choose_precision, prepare_memory
from rmsnet.network.model import RMSNet, rms_loss
from rmsnet.params import TrainParams
from rmsnet.spots import Truth
from rmsnet.training.clips import training_clips
from rmsnet.training.loop import train
from rmsnet.training.sampling import EpochSampler, clip_rows
from rmsnet.training.trainer import STEPS_BETWEEN_REPORTS

T, BATCH, STEPS = 41, 64, STEPS_BETWEEN_REPORTS


def synthetic_bank(halves: int = 20, frames: int = 5400, width: int = 512) -> FrameBank:
    """Random features; an event every 200 frames."""
    random = np.random.default_rng(0)
    features = random.normal(size=(halves * frames, width)).astype(np.float32)
    half, frame = (grid.reshape(-1) for grid in np.meshgrid(np.arange(halves), np.arange(100, frames - 100, 200)))
    truth = Truth(half, 500 * frame + 500, random.integers(3, size=len(half)), np.ones(len(half), bool))
    where = tuple(BankHalf(f"game {number // 2}", number % 2 + 1, number * frames, frames) for number in range(halves))
    info = {"simulated": True, "dataset": "random", "features": {"name": "random"}, "data_hash": ""}
    return FrameBank(features, where, truth, ("card", "subs", "soccer"), 2.0, 0.5, info)


def sampler_of(bank: FrameBank) -> EpochSampler:
    foreground, background = training_clips(bank, T)
    return EpochSampler(
        foreground,
        background,
        classes=3,
        clip_frames=T,
        foreground_clips=30_000,
        background_clips=10_000,
        masking_probability=1 / 3,
        masking_max_offset=0.5,
    )


class Windows(Dataset):
    """The textbook's way: slice a window from an array, replace frames where it is masked."""

    def __init__(self, bank: FrameBank) -> None:
        self.features, self.clips = bank.features, sampler_of(bank).epoch(0, 1)

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, int, float]:
        clips = self.clips
        start, event = int(clips.first_frame[number]), int(clips.event_index[number])
        window = self.features[start : start + T].copy()
        if clips.masked[number]:
            other = int(clips.replacement[number])
            window[:event] = self.features[other : other + event]
        return torch.from_numpy(window), int(clips.label[number]), event / T


def textbook() -> Iterator[None]:
    bank = synthetic_bank()
    network = RMSNet()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    steps = 0
    while True:
        for clips, label, offset in DataLoader(Windows(bank), BATCH, shuffle=True):
            logits, found = network(clips)
            loss, _, _ = rms_loss(logits, found, label, offset.float(), 10.0)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
            steps += 1
            if steps % STEPS == 0:
                yield


def ceiling() -> Iterator[None]:
    prepare_memory()
    weights = spectral.trainable_weights(RMSNet())
    optimizer = torch.optim.SGD(weights.values(), lr=torch.tensor(0.01), momentum=0.9, weight_decay=1e-4, fused=True)
    clips = torch.randn(T, BATCH, 512).to(choose_precision("auto", torch.device("cpu")))
    label, offset = torch.randint(4, (BATCH,)), torch.rand(BATCH)
    while True:
        for _ in range(STEPS):
            logits, found = spectral.forward(weights, clips, 0.1)
            optimizer.zero_grad(set_to_none=True)
            rms_loss(logits, found, label, offset, 10.0)[0].backward()
            optimizer.step()
        yield


def ours() -> Iterator[None]:
    """All of `rmsnet.training.loop.train`: stopped whenever it reports clips, 25 steps after the last time."""
    go, reported = threading.Semaphore(0), threading.Semaphore(0)

    def on_clips(clips: int) -> None:
        if clips:  # none are left to report when an epoch ends
            reported.release()
            go.acquire()

    prepare_memory()  # before there is a thread, whose memory would be its own
    bank, folder = synthetic_bank(), tempfile.TemporaryDirectory()
    arguments = bank, bank, TrainParams(), Path(folder.name, "model")
    threading.Thread(target=train, args=arguments, kwargs={"on_clips": on_clips}, daemon=True).start()
    while True:
        if not reported.acquire(timeout=300):
            raise RuntimeError("the training has stopped; what it said is above")
        yield
        go.release()


ONLY_AVX2 = {"ATEN_CPU_CAPABILITY": "avx2", "ONEDNN_MAX_CPU_ISA": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
"""What keeps PyTorch and its libraries from later instructions."""

CANDIDATES = {"ceiling": ceiling, "ours": ours, "textbook float32": textbook}


SPAWN = multiprocessing.get_context("spawn")


def start(name: str, threads: int) -> None:
    """In a candidate's process: make it and let it warm up."""
    global rounds_of
    torch.set_num_threads(threads)
    rounds_of = CANDIDATES[name]()
    next(rounds_of)


def seconds_of_a_round() -> float:
    started = time.process_time()
    next(rounds_of)
    return time.process_time() - started


def fastest(rounds: int, threads: int) -> dict[str, float]:
    """Clips per second of each candidate's fastest round."""
    processes = {name: ProcessPoolExecutor(1, SPAWN, start, (name, threads)) for name in CANDIDATES}
    best = dict.fromkeys(CANDIDATES, 0.0)
    for _ in range(rounds):
        for name, process in processes.items():
            seconds = process.submit(seconds_of_a_round).result()
            best[name] = max(best[name], STEPS * BATCH * threads / seconds)
    for process in processes.values():
        process.shutdown()
    return best


def dense(rounds: int, threads: int) -> None:
    network, features = RMSNet().eval(), torch.randn(5400, 512)
    with torch.inference_mode():
        times: dict[str, list[float]] = {"dense": [], "naive": []}
        for _ in range(rounds):
            started = time.process_time()
            together = dense_scores(network, features, T)[0]
            times["dense"].append((time.process_time() - started) / threads)
            started = time.process_time()
            alone = network(features.unfold(0, T, 1)[:256].transpose(1, 2))[0]
            times["naive"].append((time.process_time() - started) / threads * len(together) / 256)
    error = float((together[:256] - alone).abs().max())
    fast, slow = min(times["dense"]), min(times["naive"])
    print(f"half of 45 min at stride 1: dense {fast:.2f} s, naive {slow:.2f} s: {slow / fast:.1f}x; error {error:.1e}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--kernels", help="one of " + ", ".join([*kernels.PATHS, kernels.PYTORCH]))
    options = parser.parse_args()
    if options.kernels:  # for the processes of the candidates
        os.environ["RMSNET_KERNELS"] = options.kernels
    if options.kernels == "avx2":
        os.environ.update(ONLY_AVX2)
    with ProcessPoolExecutor(1, SPAWN) as process:
        table, floor, _ = process.submit(training_floor.report, options.threads).result()
    print(table, "\n")
    torch.set_num_threads(options.threads)
    speed = fastest(options.rounds, options.threads)
    for name, clips in speed.items():
        print(f"{name:18} {clips:7,.0f} clips/s")
    bank = synthetic_bank()
    started = time.process_time()
    sampler = sampler_of(bank)
    built = time.process_time()
    clip_rows(sampler.epoch(0, 1), T).T.contiguous()
    drawn = time.process_time() - built
    print(f"drawing an epoch of 40,000 clips: {1000 * drawn:.0f} ms (tables: {1000 * (built - started):.0f} ms, once)")
    of_ceiling, of_textbook = (speed["ours"] / speed[name] for name in ("ceiling", "textbook float32"))
    print(f"ours / ceiling {of_ceiling:.0%}, ours / textbook {of_textbook:.1f}x")
    at_most = BATCH / floor
    print(f"floor {1e3 * floor:.1f} ms a step, {at_most:,.0f} clips/s: ours reaches {speed['ours'] / at_most:.0%}")
    dense(options.rounds, options.threads)


if __name__ == "__main__":
    main()
