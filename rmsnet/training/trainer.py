"""The state that an epoch changes, and the epoch: balanced, masked clips, SGD, Average-mAP on the validation split."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from rmsnet.documents import read_document
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation import average_map
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.files import write_tensors
from rmsnet.network import spectral
from rmsnet.network.model import RMSNet
from rmsnet.params import SpotParams, TrainParams
from rmsnet.reading.tensors import read_metadata, read_tensors
from rmsnet.spots import Predictions
from rmsnet.spotting.decoding import decode
from rmsnet.spotting.scoring import score_clips
from rmsnet.training.ancestor import Ancestor
from rmsnet.training.clips import training_clips
from rmsnet.training.distributed import World
from rmsnet.training.history import Epoch
from rmsnet.training.inputs import Batch, Inputs
from rmsnet.training.learner import Learner, VectorLearner
from rmsnet.training.sampling import EpochSampler, clip_rows
from rmsnet.training.step_graph import StepGraph

STEPS_BETWEEN_REPORTS = 25
"""Steps that a GPU is given at once, too: one launch for all of them, where they are recorded."""


HALVES_AT_ONCE = {"cpu": 4, "cuda": 32}
"""Halves of the validation split whose features are in memory at a time; few would leave a GPU waiting for work."""


def learning_rate(step: int, steps_per_epoch: int, epochs: int, peak: float) -> float:
    """The rate of a step (0, 1, …): a line from 0 to the peak in epoch one, then half a cosine down to 0."""
    if step < steps_per_epoch:
        return peak * (step + 1) / steps_per_epoch
    done = (step + 1 - steps_per_epoch) / (steps_per_epoch * (epochs - 1))
    return peak * 0.5 * (1 + math.cos(math.pi * done))


def network_of(bank: FrameBank, params: TrainParams) -> dict[str, Any]:
    """What the weights of a checkpoint are weights of, however they are trained."""
    return {"classes": ", ".join(bank.classes), "features": bank.width, "backbone": params.backbone}


class Trainer:
    """The state that an epoch changes: weights, momentum, their running average, and the best weights so far."""

    def __init__(
        self,
        bank: FrameBank,
        valid_bank: FrameBank,
        inputs: Inputs,
        params: TrainParams,
        device: torch.device,
        precision: torch.dtype,
        world: World,
        ancestor: Ancestor | None = None,
    ) -> None:
        self.bank = bank
        self.valid_bank = valid_bank
        self.inputs = inputs
        self.params = params
        self.device = device
        self.precision = precision
        self.world = world
        foreground, background = training_clips(
            bank, params.clip_frames, params.uniform_offsets, params.drop_halftime_substitutions
        )
        self.sampler = EpochSampler(
            foreground,
            background,
            classes=len(bank.classes),
            clip_frames=params.clip_frames,
            foreground_clips=params.foreground_clips,
            background_clips=params.background_clips,
            masking_probability=params.masking_probability,
            masking_max_offset=params.masking_max_offset,
            masking_side=params.masking_side,
            device=device,
        )
        with _seeded(params.seed << 20, device):
            self.network = RMSNet(inputs.width, len(bank.classes), params.dropout).to(device)
        if ancestor is not None:
            ancestor.put_into(self.network, bank.classes)
        self.learner = (VectorLearner if device.type == "cuda" else Learner)(
            self.network, inputs, params, precision, world
        )
        self.best = self._snapshot()
        self.recording = device.type == "cuda" and inputs.recordable and world.size == 1
        self.graphs: dict[int, StepGraph] = {}

    def _snapshot(self) -> dict[str, Tensor]:
        """A copy of the weights to judge and to keep: the averaged ones where there is an average."""
        return _copy(self.learner.average or self.learner.weights)

    def keep_best(self) -> None:
        self.best = self._snapshot()

    def best_network(self) -> RMSNet:
        _put(self.learner.weights, self.best)
        return self.network.eval()

    def run_epoch(self, number: int, on_clips: Callable[[int], object]) -> Epoch:
        """Train on one epoch's clips, then judge the network on the validation split."""
        started = time.perf_counter()
        params = self.params
        clips = self.sampler.epoch(params.seed, number)
        rows = clip_rows(clips, params.clip_frames, params.masking_side).T.contiguous()  # (T, clips)
        offset = clips.event_index / params.clip_frames
        size = params.batch_size
        steps = -(-len(clips) // size)
        rates = [
            learning_rate((number - 1) * steps + step, steps, params.epochs, params.learning_rate)
            for step in range(steps)
        ]
        rate_of_step = torch.tensor(rates, device=self.device)
        measured = torch.zeros(steps, 4, device=self.device)
        if params.average_decay and number > 1 and self.learner.average is None:
            # From the end of the warm-up on: the weights before it say nothing.
            self.learner.begin_average()
            self.graphs.clear()
        self.inputs.expect(self._own_rows(rows))
        with _seeded((params.seed << 20) + number + (self.world.rank << 40), self.device):
            for first, last in _together(steps, len(clips) // size):
                part = slice(first * size, min(last * size, len(clips)))
                batches = rows[:, part], clips.label[part], offset[part]
                measured[first:last] = self._steps(batches, rate_of_step[first:last])
                on_clips(part.stop - part.start)
        # The first look at what the device computed: until here nothing waited for it.
        self._require_finite(measured[:, 0], number, rows)
        weight = torch.full((steps, 1), size, device=self.device)
        weight[-1] = len(clips) - (steps - 1) * size
        loss, classification, regression = ((measured[:, :3] * weight).sum(dim=0) / len(clips)).tolist()
        gradient_norm = float(measured[-1, 3])
        trained = time.perf_counter()
        return Epoch(
            epoch=number,
            loss=loss,
            classification_loss=classification,
            regression_loss=regression,
            valid_average_map=self._judge(),
            learning_rate=rates[-1],
            gradient_norm=gradient_norm,
            clips_per_second=len(clips) / (trained - started),
            seconds=time.perf_counter() - started,
        )

    def _own_rows(self, rows: Tensor) -> Iterator[Tensor]:
        """The rows of what this process computes, part by part, on the CPU."""
        rows = rows.cpu()  # all at once: a copy for each batch would wait for the steps before it
        for batch in torch.split(rows, self.params.batch_size, dim=1):
            for own in self.learner.own(batch.shape[1]):
                yield batch[:, own]

    def _judge(self) -> float:
        """Average-mAP of the weights as they are, decoded as the paper does; each process spots some of the halves."""
        bank, world = self.valid_bank, self.world
        own = range(world.rank, len(bank.halves), world.size)
        size = HALVES_AT_ONCE[self.device.type]
        found = [self._spot(own[start : start + size]) for start in range(0, len(own), size)]
        parts = [part for of_process in world.gather(found) for part in of_process]
        half = np.concatenate([part.half for part in parts])
        order = np.argsort(half, kind="stable")
        predictions = Predictions(
            half[order],
            np.concatenate([part.position_ms for part in parts])[order],
            np.concatenate([part.label for part in parts])[order],
            np.concatenate([part.confidence for part in parts])[order],
        )
        score = average_map(
            bank.truth,
            predictions,
            halves=len(bank.halves),
            classes=len(bank.classes),
            frame_rate=bank.frame_rate,
        )
        return float(score.average_map)

    def _spot(self, numbers: Sequence[int]) -> Predictions:
        """The events of some halves of the validation split."""
        weights = self._snapshot()
        if self.inputs.weights and self.learner.average is not None:
            learning = _copy(self.learner.weights)
            _put(self.learner.weights, weights)
            features = self.inputs.valid_features(numbers)
            _put(self.learner.weights, learning)
        else:
            features = self.inputs.valid_features(numbers)
        halves = []
        first_frame = 0
        for number in numbers:
            half = self.valid_bank.halves[number]
            halves.append(BankHalf(half.game, half.half, first_frame, half.frames))
            first_frame += half.frames
        part = replace(self.valid_bank, halves=tuple(halves))
        scores = score_clips(
            lambda clips: spectral.forward(weights, clips.transpose(0, 1).contiguous()),
            part,
            clip_frames=self.params.clip_frames,
            stride=self.params.clip_frames,
            regression=self.params.regression,
            features=features,
            device=self.device,
        )
        found = decode(scores, part, self.params.clip_frames, SpotParams())
        return replace(found, half=np.asarray(numbers, np.int64)[found.half])

    def _steps(self, batches: Batch, rates: Tensor) -> Tensor:
        """Steps on the clips of one batch after the other with rates (steps,); (steps, 4), see `Learner.step`.

        On a GPU whole batches of features are recorded, and replayed whenever there are as many.
        """
        whole = batches[0].shape[1] == len(rates) * self.params.batch_size
        if self.recording and whole:
            if len(rates) not in self.graphs:
                self.graphs[len(rates)] = StepGraph(batches, rates)
            return self.graphs[len(rates)](batches, rates, self.learner.step)
        each = zip(*(torch.split(tensor, self.params.batch_size, dim=-1) for tensor in batches), strict=True)
        return torch.stack([self.learner.step(batch, rate) for batch, rate in zip(each, rates, strict=True)])

    def _require_finite(self, loss: Tensor, number: int, rows: Tensor) -> None:
        """Name the first batch whose loss is not finite, and where it comes from."""
        bad = (~torch.isfinite(loss)).nonzero()
        if len(bad) == 0:
            return
        step = int(bad[0])
        of_batch = rows[:, step * self.params.batch_size : (step + 1) * self.params.batch_size].reshape(-1)
        row = self.inputs.broken_row(of_batch)
        if row is not None:
            half = next(half for half in reversed(self.bank.halves) if half.first_frame <= row)
            why = (
                f"frame {row - half.first_frame} of {half.game}, half {half.half} is not finite; get its features again"
            )
        else:
            why = "its features are finite, the weights have diverged; lower train.learning_rate"
        raise CheckFailed(f"the loss became {loss[step].item()} in epoch {number}, batch {step}: {why}")

    def save(self, path: Path, fingerprint: str, history: Sequence[Epoch]) -> None:
        """Write weights, momentum, average, best weights and history into one file, whole or not at all."""
        tensors: dict[str, Tensor] = {}
        learner = self.learner
        of_each = {"network": learner.weights, "momentum": learner.momentum, "best": self.best}
        if learner.average is not None:
            of_each["average"] = learner.average
        for kind, parts in of_each.items():
            tensors |= {f"{kind}.{name}": part.detach() for name, part in parts.items()}
        metadata = {
            "fingerprint": fingerprint,
            "network": json.dumps(network_of(self.bank, self.params)),
            "history": json.dumps([asdict(epoch) for epoch in history]),
        }
        write_tensors(path, {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, metadata)

    def resume(self, path: Path, fingerprint: str) -> list[Epoch]:
        """Continue from a checkpoint of the same parameters and data; the epochs done so far, or none."""
        try:
            metadata = read_metadata(path)
            if metadata.get("fingerprint") != fingerprint:
                return []
            tensors = read_tensors(path, "torch")
            history = read_document(metadata.get("history", "").encode(), list[Epoch], f"{path}: history")
        except UserError:
            history = []  # absent or damaged
        if not history:
            return []

        def part(prefix: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(prefix): value.to(self.device)
                for name, value in tensors.items()
                if name.startswith(prefix)
            }

        network, momentum, best, average = part("network."), part("momentum."), part("best."), part("average.")
        shapes = {name: weight.shape for name, weight in self.learner.weights.items()}
        for state in (network, momentum, best, *([average] if average else [])):
            if {name: tensor.shape for name, tensor in state.items()} != shapes:
                return []
        _put(self.learner.weights, network)
        _put(self.learner.momentum, momentum)
        self.best = best
        if average:
            _put(self.learner.begin_average(), average)
        return history


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """A stretch of code with its own random state (initial weights, dropout); the caller's is given back."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


def _copy(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: weight.detach().clone() for name, weight in weights.items()}


def _put(into: Mapping[str, Tensor], weights: Mapping[str, Tensor]) -> None:
    with torch.no_grad():
        for name, tensor in into.items():
            tensor.copy_(weights[name])


def _together(steps: int, whole: int) -> Iterator[tuple[int, int]]:
    """Steps that are taken together: the whole batches, so many at a time, and the last, smaller one alone."""
    for first in range(0, whole, STEPS_BETWEEN_REPORTS):
        yield first, min(first + STEPS_BETWEEN_REPORTS, whole)
    if steps > whole:
        yield whole, steps
