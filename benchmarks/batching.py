"""Whether requests that wait are worth one forward pass together: what a request takes of the processor, alone and so.

    python -m benchmarks.batching [requests] [frames …]

A model of random weights and the paper's size (512 features, 3 classes), one thread. Together, requests of one length
lie behind each other in one pass, whose clips across two of them are dropped; decoding and drift remain those of each
request. HTTP is not in it, so that what is gained here is more than clients would see. Time of the processor, so that
other programs do not count.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from benchmarks.serving import WIDTH
from rmsnet.features.profile import bank_profile
from rmsnet.files import write_json
from rmsnet.network.dense import dense_scores
from rmsnet.network.model import RMSNet
from rmsnet.network.model_files import save_model
from rmsnet.params import TrainParams
from rmsnet.spotting.decoding import clip_scores, decode
from rmsnet.spotting.half_spotter import HalfSpotter, open_half_spotter
from rmsnet.spotting.inference import half_bank
from rmsnet.training.loop import model_config
from tests.builders import bank

TOGETHER = (1, 4, 16)
ROUNDS = 3

Halves = list["np.ndarray"]


def main(requests: int, lengths: list[int]) -> None:
    torch.set_num_threads(1)
    spotter = loaded_spotter()
    numbers = [n for n in TOGETHER if n <= requests]
    print("| frames of a request | " + " | ".join(f"{n} in a pass" for n in numbers) + " |")
    print("|---" * (1 + len(numbers)) + "|")
    for frames in lengths:
        random = np.random.default_rng(0)
        halves = [random.normal(size=(frames, WIDTH)).astype(np.float32) for _ in range(numbers[-1])]
        # One after the other, again and again: what else the machine does falls upon all of them.
        rounds = [[cost(spotter, halves, n, requests) for n in numbers] for _ in range(ROUNDS)]
        seconds = np.median(rounds, axis=0)
        cells = " | ".join(f"{1000 * one:.2f} ms ({seconds[0] / one:.2f}×)" for one in seconds)
        print(f"| {frames} | {cells} |", flush=True)


def loaded_spotter() -> HalfSpotter:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made = bank([1000] * 4, width=WIDTH)
        (folder / "model").mkdir()
        save_model(folder / "model", RMSNet(WIDTH, 3), model_config(TrainParams(), made, "random"))
        write_json(folder / "model" / "profile.json", bank_profile(made))
        return open_half_spotter(folder / "model")


def cost(spotter: HalfSpotter, halves: Halves, together: int, requests: int) -> float:
    """Seconds of the processor that a request takes."""
    started = time.process_time()
    for _ in range(requests // together):
        answer_together(spotter, halves[:together])
    return (time.process_time() - started) / (requests // together * together)


def forward(spotter: HalfSpotter, features: "np.ndarray") -> tuple[torch.Tensor, torch.Tensor]:
    with torch.inference_mode():
        return dense_scores(spotter.model.network, torch.from_numpy(features), spotter.model.clip_frames)


def answer_together(spotter: HalfSpotter, halves: Halves) -> None:
    """One pass over halves of one length."""
    logits, offset = forward(spotter, np.concatenate(halves))
    clips, frames = len(halves[0]) - spotter.model.clip_frames + 1, len(halves[0])
    for half, start in zip(halves, range(0, len(logits), frames), strict=True):
        finish(spotter, half, (logits[start : start + clips], offset[start : start + clips]))


def finish(spotter: HalfSpotter, half: "np.ndarray", scored: tuple[torch.Tensor, torch.Tensor]) -> None:
    """What is left of a request when its clips are scored."""
    model, clips = spotter.model, len(scored[0])
    of_half = half_bank(model, half)
    number = np.zeros(clips, np.int64)
    logits, offset = (part.numpy() for part in scored)
    scores = clip_scores(of_half, number, np.arange(clips), logits, offset, model.clip_frames, model.regression)
    decode(scores, of_half, model.clip_frames, model.spot)
    spotter.drift(half)


if __name__ == "__main__":
    main(int((sys.argv[1:2] or ["200"])[0]), [int(text) for text in sys.argv[2:]] or [120, 600, 5400])
