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
from safetensors.torch import save_file
from torch import Tensor

from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation import average_map
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.files import atomic_file, read_document
from rmsnet.network import spectral
from rmsnet.network.model import RMSNet, rms_loss
from rmsnet.params import SpotParams, TrainParams
from rmsnet.reading.tensors import read_metadata, read_tensors
from rmsnet.spots import Predictions
from rmsnet.spotting.decoding import decode
from rmsnet.spotting.scoring import score_clips
from rmsnet.training.clips import training_clips
from rmsnet.training.distributed import World
from rmsnet.training.history import Epoch
from rmsnet.training.inputs import Batch, Inputs
from rmsnet.training.sampling import EpochSampler, clip_rows
from rmsnet.training.step_graph import StepGraph

LONGEST_GRADIENT = 5.0
"""A batch whose gradient is longer is taken for an accident and shortened. The paper does not speak of it; with its
rate of 0.05 and momentum of 0.9 a rare batch can throw the weights of a small dataset away for good."""


STEPS_BETWEEN_REPORTS = 25


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
        self.weights = {**spectral.trainable_weights(self.network), **inputs.weights}
        self.rate = torch.zeros((), device=device)
        self.optimizer = torch.optim.SGD(
            self.weights.values(),
            lr=self.rate,
            momentum=params.momentum,
            weight_decay=params.weight_decay,
            fused=True,
        )
        self.average: dict[str, Tensor] | None = None
        self.best = self._snapshot()
        self.graph: StepGraph | None = None

    def _snapshot(self) -> dict[str, Tensor]:
        """A copy of the weights to judge and to keep: the averaged ones where there is an average."""
        weights = self.weights if self.average is None else self.average
        return {name: weight.detach().clone() for name, weight in weights.items()}

    def keep_best(self) -> None:
        self.best = self._snapshot()

    def best_network(self) -> RMSNet:
        self._put(self.best)
        return self.network.eval()

    def _put(self, weights: Mapping[str, Tensor]) -> None:
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(weights[name])

    def run_epoch(self, number: int, on_clips: Callable[[int], object]) -> Epoch:
        """Train on one epoch's clips, then judge the network on the validation split."""
        started = time.perf_counter()
        params = self.params
        clips = self.sampler.epoch(params.seed, number)
        rows = clip_rows(clips, params.clip_frames, params.masking_side).T.contiguous()  # (T, clips)
        offset = clips.event_index / params.clip_frames
        size = params.batch_size
        steps = -(-len(clips) // size)
        measured = torch.zeros(steps, 4, device=self.device)
        if params.average_decay and number > 1 and self.average is None:
            # From the end of the warm-up on: the weights before it say nothing.
            self.average, self.graph = self._snapshot(), None
        batches = [slice(start, min(start + size, len(clips))) for start in range(0, len(clips), size)]
        self.inputs.expect(self._own_rows(rows, batches))
        with _seeded((params.seed << 20) + number + (self.world.rank << 40), self.device):
            for step, part in enumerate(batches):
                rate = learning_rate((number - 1) * steps + step, steps, params.epochs, params.learning_rate)
                self.rate.fill_(rate)
                measured[step] = self._step((rows[:, part], clips.label[part], offset[part]))
                if step % STEPS_BETWEEN_REPORTS == STEPS_BETWEEN_REPORTS - 1:
                    on_clips(STEPS_BETWEEN_REPORTS * size)
        # The first look at what the device computed: until here nothing waited for it.
        self._require_finite(measured[:, 0], number, rows)
        weight = torch.full((steps, 1), size, device=self.device)
        weight[-1] = len(clips) - (steps - 1) * size
        loss, classification, regression = ((measured[:, :3] * weight).sum(dim=0) / len(clips)).tolist()
        gradient_norm = float(measured[-1, 3])
        trained = time.perf_counter()
        on_clips(len(clips) % (STEPS_BETWEEN_REPORTS * size))
        return Epoch(
            epoch=number,
            loss=loss,
            classification_loss=classification,
            regression_loss=regression,
            valid_average_map=self._judge(),
            learning_rate=rate,
            gradient_norm=gradient_norm,
            clips_per_second=len(clips) / (trained - started),
            seconds=time.perf_counter() - started,
        )

    def _own_rows(self, rows: Tensor, batches: Sequence[slice]) -> Iterator[Tensor]:
        """The rows of what this process computes, part by part, on the CPU."""
        rows = rows.cpu()  # all at once: a copy for each batch would wait for the steps before it
        for batch in batches:
            for own in self._own(batch.stop - batch.start):
                yield rows[:, batch][:, own]

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
        if self.inputs.weights and self.average is not None:
            learning = {name: weight.detach().clone() for name, weight in self.weights.items()}
            self._put(weights)
            features = self.inputs.valid_features(numbers)
            self._put(learning)
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

    def _step(self, batch: Batch) -> Tensor:
        """One step on a batch; (4,) the losses and the gradient's norm."""
        whole = batch[0].shape[1] == self.params.batch_size
        if not (self.device.type == "cuda" and whole and self.inputs.recordable and self.world.size == 1):
            return self._compute(batch)
        if self.graph is None:
            self.graph = StepGraph(batch)
        return self.graph(batch, self._compute)

    def _compute(self, batch: Batch) -> Tensor:
        """Forward, backward and SGD, nothing of which waits for the device."""
        params = self.params
        rows, label, relative_offset = batch
        weight = params.regression_weight if params.regression else 0.0
        self.optimizer.zero_grad(set_to_none=True)
        total = torch.zeros(3, device=self.device)
        for own in self._own(len(label)):
            logits, offset = spectral.forward(self.weights, self.inputs.clips(rows[:, own]), params.dropout)
            losses = torch.stack(rms_loss(logits, offset, label[own], relative_offset[own], weight))
            losses = losses * (len(logits) / len(label))  # parts add up to the mean over the batch
            losses[0].backward()  # type: ignore[no-untyped-call]  # torch leaves backward untyped
            total += losses.detach()
        if self.world.size > 1:
            for part in self.weights.values():
                part.grad = torch.zeros_like(part) if part.grad is None else part.grad
            self.world.sum([total, *(part.grad for part in self.weights.values() if part.grad is not None)])
        norm = torch.nn.utils.get_total_norm([w.grad for w in self.weights.values() if w.grad is not None])
        if self.device.type == "cuda" or norm > LONGEST_GRADIENT:  # on a GPU to ask would cost more than to multiply
            torch.nn.utils.clip_grads_with_norm_(self.weights.values(), LONGEST_GRADIENT, norm)
        self.optimizer.step()
        if self.average is not None:
            averages = [self.average[name] for name in self.weights]
            with torch.no_grad():
                torch._foreach_lerp_(averages, list(self.weights.values()), 1 - params.average_decay)
        return torch.cat([total, norm[None]]).detach()

    def _own(self, clips: int) -> list[slice]:
        """Which clips of a batch this process computes, in parts that are computed one after the other."""
        rank, size = self.world.rank, self.world.size
        largest = -(-self.params.batch_size // (size * self.params.accumulate))
        starts = range(rank, clips, largest * size)
        return [slice(start, min(start + largest * size, clips), size) for start in starts]

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
        tensors = {}
        for name, weight in self.weights.items():
            tensors[f"network.{name}"] = weight.detach()
            tensors[f"momentum.{name}"] = self.optimizer.state[weight]["momentum_buffer"]
            tensors[f"best.{name}"] = self.best[name]
            if self.average is not None:
                tensors[f"average.{name}"] = self.average[name]
        metadata = {
            "fingerprint": fingerprint,
            "network": json.dumps(network_of(self.bank, self.params)),
            "history": json.dumps([asdict(epoch) for epoch in history]),
        }
        with atomic_file(path) as partial:
            save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, partial, metadata)

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

        momentum, best, average = part("momentum."), part("best."), part("average.")
        shapes = {name: weight.shape for name, weight in self.weights.items()}
        for state in (part("network."), momentum, best, *([average] if average else [])):
            if {name: tensor.shape for name, tensor in state.items()} != shapes:
                return []
        self._put(part("network."))
        self.best, self.average = best, average or None
        for name, weight in self.weights.items():
            # In the weight's own order in memory, which the file does not keep: fused SGD reads both as they lie.
            self.optimizer.state[weight]["momentum_buffer"] = torch.empty_like(weight).copy_(momentum[name])
        return history


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """A stretch of code with its own random state (initial weights, dropout); the caller's is given back."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
