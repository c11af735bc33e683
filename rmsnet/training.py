"""The training loop (paper, IV-B): epochs of balanced, masked clips, validation Average-mAP, early stopping, resume."""

import csv
import io
import json
import math
import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from rmsnet.bank import FrameBank
from rmsnet.clips import training_clips
from rmsnet.devices import choose_device, choose_precision
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation import average_map
from rmsnet.files import atomic_file, content_hash, replace_folder, write_json, write_text
from rmsnet.model import RMSNet, rms_loss
from rmsnet.model_files import model_config, save_model
from rmsnet.params import TrainParams
from rmsnet.sampling import Clips, EpochSampler, clip_rows
from rmsnet.spotting import spot

CHECKPOINT = "checkpoint.safetensors"


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
        gradient_norm: of the epoch's last step.
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
    device: str = "auto",
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_model: Callable[[Path], None] = lambda folder: None,
) -> dict[str, Any]:
    """Train a network and leave the one with the best validation Average-mAP in `folder`.

    The folder appears when training is over: model.safetensors, config.json, history.csv, metrics.json. Until then
    a hidden folder beside it holds the state of the last whole epoch; the same call continues there and, on a CPU
    with the same number of threads, ends with the same weights as an unbroken run. Other parameters or other data
    start over.

    Args:
        train_bank: what to learn from.
        valid_bank: what to choose the epoch by.
        params: the train section.
        folder: where the model goes.
        name: of the model; by default the folder's.
        device: "auto", "cpu" or "cuda".
        on_epoch: told of every epoch, also of those that an earlier call had finished.
        on_model: told of the whole model folder just before it gets its name; may add files to it.

    Returns:
        The content of metrics.json.

    Raises:
        UserError: data or parameters that cannot be trained on.
        CheckFailed: the loss became infinite or not a number.
    """
    if train_bank.classes != valid_bank.classes or train_bank.width != valid_bank.width:
        raise UserError("train and valid frame banks differ in classes or width; run rmsnet extract again")
    folder = Path(folder)
    trainer = _Trainer(train_bank, params, choose_device(device))
    partial = partial_folder(folder)
    partial.mkdir(parents=True, exist_ok=True)
    fingerprint = content_hash(
        json.dumps([asdict(params), str(trainer.precision), trainer.device.type, train_bank.classes]),
        train_bank.info["data_hash"],
        valid_bank.info["data_hash"],
    )
    history = trainer.resume(partial / CHECKPOINT, fingerprint)
    for epoch in history:
        on_epoch(epoch)
    while not _finished(history, params):
        epoch = trainer.run_epoch(len(history) + 1, valid_bank)
        history.append(epoch)
        if best_epoch(history) is epoch:
            trainer.keep_best()
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
        "simulated": train_bank.simulated,
    }
    network = trainer.best_network()
    model = partial / "model"
    model.mkdir(exist_ok=True)
    save_model(model, network, {**model_config(params, train_bank, name), "train": asdict(params)})
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
    """The state that an epoch changes: network, momentum, and the best weights so far."""

    def __init__(self, bank: FrameBank, params: TrainParams, device: torch.device) -> None:
        self.params = params
        self.device = device
        self.precision = choose_precision(params.precision, device)
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
        self.features = torch.from_numpy(bank.features).to(device)
        with _seeded(params.seed << 20, device):
            self.network = RMSNet(bank.width, len(bank.classes), params.dropout).to(device)
        self.optimizer = torch.optim.SGD(
            self.network.parameters(),
            lr=params.learning_rate,
            momentum=params.momentum,
            weight_decay=params.weight_decay,
            fused=True,
        )
        self.best = self._weights()

    def _weights(self) -> dict[str, Tensor]:
        return {key: value.detach().clone() for key, value in self.network.state_dict().items()}

    def keep_best(self) -> None:
        self.best = self._weights()

    def best_network(self) -> RMSNet:
        self.network.load_state_dict(self.best)
        return self.network.eval()

    def run_epoch(self, number: int, valid_bank: FrameBank) -> Epoch:
        """Train on one epoch's clips, then judge the network on the validation split."""
        started = time.perf_counter()
        params = self.params
        clips = self.sampler.epoch(params.seed, number)
        steps = -(-len(clips) // params.batch_size)
        losses = torch.zeros(steps, 3, device=self.device)
        rate = 0.0
        self.network.train()
        with _seeded((params.seed << 20) + number, self.device):
            for step in range(steps):
                batch = clips[step * params.batch_size : (step + 1) * params.batch_size]
                rate = learning_rate((number - 1) * steps + step, steps, params.epochs, params.learning_rate)
                losses[step] = self._step(batch, rate)
        gradients = [parameter.grad for parameter in self.network.parameters() if parameter.grad is not None]
        gradient_norm = float(torch.nn.utils.get_total_norm(gradients))
        self._require_finite(losses, number)
        trained = time.perf_counter()
        predictions = spot(
            self.network,
            valid_bank,
            clip_frames=params.clip_frames,
            stride=params.clip_frames,
            regression=params.regression,
            precision=self.precision,
        )
        score = average_map(
            valid_bank.truth,
            predictions,
            halves=len(valid_bank.halves),
            classes=len(valid_bank.classes),
            frame_rate=valid_bank.frame_rate,
        )
        last = len(clips) - (steps - 1) * params.batch_size
        weight = torch.full((steps, 1), params.batch_size, device=self.device)
        weight[-1] = last
        loss, classification, regression = ((losses * weight).sum(dim=0) / len(clips)).tolist()
        return Epoch(
            epoch=number,
            loss=loss,
            classification_loss=classification,
            regression_loss=regression,
            valid_average_map=float(score.average_map),
            learning_rate=rate,
            gradient_norm=gradient_norm,
            clips_per_second=len(clips) / (trained - started),
            seconds=time.perf_counter() - started,
        )

    def _step(self, batch: Clips, rate: float) -> Tensor:
        """One step of SGD on a batch; returns (3,) the losses, still on the device."""
        params = self.params
        rows = clip_rows(batch, params.clip_frames, params.masking_side)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        with torch.autocast(self.device.type, dtype=self.precision, enabled=self.precision != torch.float32):
            logits, offset = self.network(self.features[rows])
        loss, classification, regression = rms_loss(
            logits,
            offset,
            batch.label,
            batch.event_index / params.clip_frames,
            params.regression_weight if params.regression else 0.0,
        )
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]  # torch leaves backward untyped
        self.optimizer.step()
        return torch.stack([loss, classification, regression]).detach()

    def _require_finite(self, losses: Tensor, number: int) -> None:
        bad = (~torch.isfinite(losses[:, 0])).nonzero()
        if len(bad):
            raise CheckFailed(
                f"the loss became {losses[bad[0, 0], 0].item()} in epoch {number}, batch {int(bad[0, 0])}: look for "
                "NaN or huge values in the features (rmsnet validate), or lower train.learning_rate"
            )

    def save(self, path: Path, fingerprint: str, history: Sequence[Epoch]) -> None:
        """Write network, momentum, best weights and history into one file, whole or not at all."""
        tensors = {f"network.{key}": value for key, value in self._weights().items()}
        tensors |= {f"best.{key}": value for key, value in self.best.items()}
        for key, parameter in self.network.named_parameters():
            tensors[f"momentum.{key}"] = self.optimizer.state[parameter]["momentum_buffer"]
        metadata = {"fingerprint": fingerprint, "history": json.dumps([asdict(epoch) for epoch in history])}
        with atomic_file(path) as partial:
            save_file({key: value.cpu().contiguous() for key, value in tensors.items()}, partial, metadata)

    def resume(self, path: Path, fingerprint: str) -> list[Epoch]:
        """Continue from a checkpoint of the same parameters and data; the epochs done so far, or none."""
        try:
            with safe_open(path, framework="pt", device=str(self.device)) as file:
                metadata: Mapping[str, str] = file.metadata() or {}
                if metadata.get("fingerprint") != fingerprint:
                    return []
                tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118  # not a mapping
        except (FileNotFoundError, SafetensorError):
            return []

        def part(prefix: str) -> dict[str, Tensor]:
            return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}

        self.network.load_state_dict(part("network."))
        self.best = part("best.")
        momentum = part("momentum.")
        for key, parameter in self.network.named_parameters():
            self.optimizer.state[parameter]["momentum_buffer"] = momentum[key]
        return [Epoch(**row) for row in json.loads(metadata["history"])]


@contextmanager
def _seeded(seed: int, device: torch.device) -> Iterator[None]:
    """A stretch of code with its own random state (initial weights, dropout); the caller's is given back."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
