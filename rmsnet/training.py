"""The training loop (paper, IV-B): epochs of balanced, masked clips, validation Average-mAP, early stopping, resume."""

import csv
import io
import json
import math
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from rmsnet import spectral
from rmsnet.bank import BankHalf, FrameBank
from rmsnet.clips import training_clips
from rmsnet.decoding import decode
from rmsnet.devices import choose_device, choose_precision, keep_freed_memory, release_pages, resident_features
from rmsnet.distributed import World, processes
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation import average_map
from rmsnet.files import atomic_file, content_hash, replace_folder, write_json, write_text
from rmsnet.model import RMSNet, rms_loss
from rmsnet.model_files import model_config, save_model
from rmsnet.params import SpotParams, TrainParams
from rmsnet.sampling import EpochSampler, clip_rows
from rmsnet.spots import Predictions
from rmsnet.spotting import score_clips

CHECKPOINT = "checkpoint.safetensors"

LONGEST_GRADIENT = 5.0
"""A batch whose gradient is longer is taken for an accident and shortened. The paper does not speak of it; with its
rate of 0.05 and momentum of 0.9 a rare batch can throw the weights of a small dataset away for good."""

STEPS_BETWEEN_REPORTS = 25

HALVES_AT_ONCE = 4
"""Halves of the validation split whose features are in memory at a time."""

Batch = tuple[Tensor, Tensor, Tensor]
"""Time-major rows of the bank (T, B), classes (B,), relative offsets (B,)."""


class Inputs(Protocol):
    """What turns rows of the bank into clips of features: a gather, or frames through a backbone that learns too.

    Attributes:
        width: D.
        weights: what learns beside the head; empty for features.
        fingerprint: of what the clips depend on besides the bank.
        recordable: whether `clips` only reads its rows, so that a step can be replayed as a CUDA graph.
    """

    width: int
    weights: Mapping[str, Tensor]
    fingerprint: str
    recordable: bool

    def expect(self, batches: Iterable[Tensor]) -> None:
        """The rows that `clips` will be asked for, in this order."""

    def clips(self, rows: Tensor) -> Tensor:
        """(T, B, D) features of (T, B) rows of the training bank."""

    def valid_features(self, halves: Sequence[int]) -> Tensor:
        """(N, D) features of these halves of the validation bank, one after the other, with the weights as they are."""

    def broken_row(self, rows: Tensor) -> int | None:
        """One of (N,) rows whose input is not finite; None: there is none."""

    def finish(self, folder: Path) -> dict[str, Any]:
        """Write what belongs to the model into its folder; entries for its config.json."""


class BankFeatures:
    """The inputs of a bank of features: they are there.

    Args:
        train: to learn from.
        valid: to judge by.
        precision: the type that the network computes in.
        device: where.
    """

    recordable = True
    fingerprint = ""

    def __init__(self, train: FrameBank, valid: FrameBank, precision: torch.dtype, device: torch.device) -> None:
        self.width = train.width
        self.weights: Mapping[str, Tensor] = {}
        self._train = resident_features(train, precision, device)
        self._valid = valid
        # On a CPU what is needed is converted again in each validation: a second a time for 100 games, 1.1 GB less.
        self._on_device = resident_features(valid, precision, device) if device.type == "cuda" else None
        self._precision = precision

    def expect(self, batches: Iterable[Tensor]) -> None:
        """Nothing needs to be made ready."""

    def clips(self, rows: Tensor) -> Tensor:
        return self._train.index_select(0, rows.reshape(-1)).view(*rows.shape, -1)

    def valid_features(self, halves: Sequence[int]) -> Tensor:
        features = torch.from_numpy(self._valid.features) if self._on_device is None else self._on_device
        chosen = [self._valid.halves[number] for number in halves]
        whole = torch.cat(
            [features[half.first_frame : half.first_frame + half.frames].to(self._precision) for half in chosen]
        )
        release_pages(self._valid)
        return whole

    def broken_row(self, rows: Tensor) -> int | None:
        broken = rows[~torch.isfinite(self._train[rows]).all(dim=1)]
        return int(broken[0]) if len(broken) else None

    def finish(self, folder: Path) -> dict[str, Any]:
        return {}


@dataclass(frozen=True)
class Epoch:
    """What one epoch did.

    Attributes:
        epoch: 1, 2, …
        loss: mean of Eq. 3 over the epoch's clips.
        classification_loss: mean of Eq. 1.
        regression_loss: mean of Eq. 2, background counted as zero.
        valid_average_map: on the validation split after the epoch, in [0, 1].
        learning_rate: of the epoch's last step.
        gradient_norm: of the epoch's last step, before it is cut to `LONGEST_GRADIENT`.
        clips_per_second: trained clips, validation not counted.
        seconds: of the whole epoch, validation included.
    """

    epoch: int
    loss: float
    classification_loss: float
    regression_loss: float
    valid_average_map: float
    learning_rate: float
    gradient_norm: float
    clips_per_second: float
    seconds: float


def learning_rate(step: int, steps_per_epoch: int, epochs: int, peak: float) -> float:
    """The rate of a step (0, 1, …): a line from 0 to the peak in epoch one, then half a cosine down to 0."""
    if step < steps_per_epoch:
        return peak * (step + 1) / steps_per_epoch
    done = (step + 1 - steps_per_epoch) / (steps_per_epoch * (epochs - 1))
    return peak * 0.5 * (1 + math.cos(math.pi * done))


def train(
    train_bank: FrameBank,
    valid_bank: FrameBank,
    params: TrainParams,
    folder: Path,
    *,
    name: str | None = None,
    spot: SpotParams = SpotParams(),  # noqa: B008  # immutable
    device: str = "auto",
    inputs: Callable[[torch.device, torch.dtype], Inputs] | None = None,
    on_clips: Callable[[int], object] = lambda clips: None,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_model: Callable[[Path], None] = lambda folder: None,
) -> dict[str, Any]:
    """Train a network and leave the one with the best validation Average-mAP in `folder`.

    The folder appears when training is over: model.safetensors, config.json, history.csv, metrics.json. Until then
    a hidden folder beside it holds the state of the last whole epoch; the same call continues there and, on a CPU
    with the same number of threads, ends with the same weights as an unbroken run. Other parameters or other data
    start over; the state of another network is refused, it was hardly meant to be replaced.

    Started by `torchrun`, the processes share every batch: the result is that of one process, but for the dropout,
    which each draws for its own clips. The first process alone writes, and is told of epochs and the model.

    Args:
        train_bank: what to learn from.
        valid_bank: what to choose the epoch by.
        params: the train section.
        folder: where the model goes.
        name: of the model; by default the folder's.
        spot: how the model will turn clips into events; while training it is judged as the paper does.
        device: "auto", "cpu" or "cuda".
        inputs: makes what turns rows of the banks into clips, for a device and a precision; None: their features.
        on_clips: told of so many more clips that were trained on, some times a second.
        on_epoch: told of every epoch, also of those that an earlier call had finished.
        on_model: told of the whole model folder just before it gets its name; may add files to it.

    Returns:
        The content of metrics.json.

    Raises:
        UserError: data or parameters that cannot be trained on.
        CheckFailed: the loss became infinite or not a number.
    """
    folder = Path(folder)
    require_trainable(train_bank, valid_bank, params, folder)
    keep_freed_memory()
    chosen = choose_device(device)
    with processes(chosen) as world:
        precision = choose_precision(params.precision, chosen)
        if inputs is None:
            made: Inputs = BankFeatures(train_bank, valid_bank, precision, chosen)
        else:
            made = inputs(chosen, precision)
        trainer = _Trainer(train_bank, valid_bank, made, params, chosen, precision, world)
        return _train(trainer, folder, name, spot, on_clips, on_epoch, on_model)


def require_trainable(train_bank: FrameBank, valid_bank: FrameBank, params: TrainParams, folder: Path) -> None:
    """Refuse what `train` cannot train on, before anything is written.

    Raises:
        UserError: the banks do not belong together, there are no clips to draw (see `training_clips`), or the training
            that was interrupted at `folder` is one of another network.
    """
    if train_bank.classes != valid_bank.classes or train_bank.width != valid_bank.width:
        raise UserError("train and valid frame banks differ in classes or width; run rmsnet extract again")
    training_clips(train_bank, params.clip_frames, params.uniform_offsets, params.drop_halftime_substitutions)
    partial = partial_folder(folder)
    try:
        with safe_open(partial / CHECKPOINT, framework="numpy") as file:
            theirs = json.loads((file.metadata() or {})["network"])
    except (FileNotFoundError, SafetensorError, KeyError, json.JSONDecodeError):
        return  # nothing to continue: `_Trainer.resume` starts over
    for key, ours in _network(train_bank, params).items():
        if theirs.get(key) != ours:
            raise UserError(
                f"{partial}: holds an interrupted training of another network, {key} {theirs.get(key)!r} and not "
                f"{ours!r}; remove that folder to start over, or name another --out"
            )


def _network(bank: FrameBank, params: TrainParams) -> dict[str, Any]:
    """What the weights of a checkpoint are weights of, however they are trained."""
    return {"classes": ", ".join(bank.classes), "features": bank.width, "backbone": params.backbone}


def _train(
    trainer: "_Trainer",
    folder: Path,
    name: str | None,
    spot: SpotParams,
    on_clips: Callable[[int], object],
    on_epoch: Callable[[Epoch], None],
    on_model: Callable[[Path], None],
) -> dict[str, Any]:
    params, bank, world = trainer.params, trainer.bank, trainer.world
    partial = partial_folder(folder)
    partial.mkdir(parents=True, exist_ok=True)
    fingerprint = content_hash(
        json.dumps([asdict(params), str(trainer.precision), trainer.device.type, bank.classes]),
        bank.info["data_hash"],
        trainer.valid_bank.info["data_hash"],
        trainer.inputs.fingerprint,
    )
    history = trainer.resume(partial / CHECKPOINT, fingerprint)
    if len(set(world.gather(len(history)))) > 1:
        raise UserError(f"{partial}: the processes do not see the same checkpoint there; use a folder that all share")
    for epoch in history if world.leads else []:
        on_clips(len(trainer.sampler))
        on_epoch(epoch)
    while not _finished(history, params):
        epoch = trainer.run_epoch(len(history) + 1, on_clips)
        history.append(epoch)
        if best_epoch(history) is epoch:
            trainer.keep_best()
        if world.leads:
            trainer.save(partial / CHECKPOINT, fingerprint, history)
            on_epoch(epoch)

    best = best_epoch(history)
    name = name or folder.name
    metrics = {
        "name": name,
        "best_epoch": best.epoch,
        "epochs": len(history),
        "valid_average_map": best.valid_average_map,
        "train_loss": best.loss,
        "precision": str(trainer.precision).removeprefix("torch."),
        "device": trainer.device.type,
        "simulated": bank.simulated,
    }
    if world.leads:
        network = trainer.best_network()
        model = partial / "model"
        model.mkdir(exist_ok=True)
        config = {**model_config(params, bank, name, spot), **trainer.inputs.finish(model), "train": asdict(params)}
        save_model(model, network, config)
        write_text(model / "history.csv", history_csv(history))
        write_json(model / "metrics.json", metrics)
        on_model(model)
        replace_folder(model, folder)
        shutil.rmtree(partial)
    return metrics


def partial_folder(folder: Path) -> Path:
    """Where a training keeps its state until `folder` can appear."""
    return folder.with_name(f".{folder.name}.partial")


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """The epoch with the best validation Average-mAP, the first of equals."""
    return max(history, key=lambda epoch: epoch.valid_average_map)


def _finished(history: Sequence[Epoch], params: TrainParams) -> bool:
    if len(history) >= params.epochs:
        return True
    return bool(params.patience and history and len(history) - best_epoch(history).epoch >= params.patience)


def history_csv(history: Sequence[Epoch]) -> str:
    """The epochs as CSV with a header."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [item.name for item in fields(Epoch)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(epoch) for epoch in history)
    return text.getvalue()


class _Trainer:
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
        self.graph: _StepGraph | None = None

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
        self.inputs.expect(rows[:, part][:, own] for part in batches for own in self._own(part.stop - part.start))
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

    def _judge(self) -> float:
        """Average-mAP of the weights as they are, decoded as the paper does; each process spots some of the halves."""
        bank, world = self.valid_bank, self.world
        own = range(world.rank, len(bank.halves), world.size)
        found = [self._spot(own[start : start + HALVES_AT_ONCE]) for start in range(0, len(own), HALVES_AT_ONCE)]
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
            self.graph = _StepGraph(batch, self._compute)
        return self.graph(batch)

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
            "network": json.dumps(_network(self.bank, self.params)),
            "history": json.dumps([asdict(epoch) for epoch in history]),
        }
        with atomic_file(path) as partial:
            save_file({name: tensor.cpu().contiguous() for name, tensor in tensors.items()}, partial, metadata)

    def resume(self, path: Path, fingerprint: str) -> list[Epoch]:
        """Continue from a checkpoint of the same parameters and data; the epochs done so far, or none."""
        try:
            with safe_open(path, framework="pt", device=str(self.device)) as file:
                metadata: Mapping[str, str] = file.metadata() or {}
                if metadata.get("fingerprint") != fingerprint:
                    return []
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # not a mapping
        except (FileNotFoundError, SafetensorError):
            return []

        def part(prefix: str) -> dict[str, Tensor]:
            return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}

        self._put(part("network."))
        self.best = part("best.")
        self.average = part("average.") or None
        momentum = part("momentum.")
        for name, weight in self.weights.items():
            self.optimizer.state[weight]["momentum_buffer"] = momentum[name]
        return [Epoch(**row) for row in json.loads(metadata["history"])]


class _StepGraph:
    """A step recorded once as a CUDA graph and replayed: one launch instead of a hundred.

    The first calls run the step as it is, on a stream of its own, because a recording must find everything that is
    allocated lazily (momentum, cuBLAS workspaces) in place; they are steps of the training like any other.
    """

    WARM_UP = 3

    def __init__(self, batch: Batch, compute: Callable[[Batch], Tensor]) -> None:
        self.static = tuple(torch.empty_like(tensor, memory_format=torch.contiguous_format) for tensor in batch)
        self.compute = compute
        self.calls = 0
        self.graph = torch.cuda.CUDAGraph()
        self.result = torch.empty(0)

    def __call__(self, batch: Batch) -> Tensor:
        for static, tensor in zip(self.static, batch, strict=True):
            static.copy_(tensor)
        self.calls += 1
        if self.calls <= self.WARM_UP:
            stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            stream.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(stream):
                result = self.compute(self.static)  # type: ignore[arg-type]  # three of them
            torch.cuda.current_stream().wait_stream(stream)
            return result
        if self.calls == self.WARM_UP + 1:
            with torch.cuda.graph(self.graph):
                self.result = self.compute(self.static)  # type: ignore[arg-type]  # three of them
        self.graph.replay()
        return self.result


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """A stretch of code with its own random state (initial weights, dropout); the caller's is given back."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
