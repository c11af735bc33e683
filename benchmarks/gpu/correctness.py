"""Whether a GPU computes what a CPU does: the training's curve three ways, continued and averaged, and inference."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from benchmarks.gpu.banks import made_bank
from benchmarks.gpu.record import Record
from benchmarks.gpu.settings import Settings
from rmsnet.features.bank import FrameBank
from rmsnet.network.model import RMSNet
from rmsnet.network.model_files import SpottingModel
from rmsnet.params import TrainParams
from rmsnet.spotting.scoring import score_clips, score_every_clip
from rmsnet.training import finetuning
from rmsnet.training.clips import training_clips
from rmsnet.training.distributed import World
from rmsnet.training.history import Epoch
from rmsnet.training.inputs import BankFeatures, Batch, Inputs
from rmsnet.training.loop import train
from rmsnet.training.sampling import Clips, EpochSampler, clip_rows
from rmsnet.training.trainer import Trainer
from rmsnet.video.backbones import build_backbone, weights_hash
from rmsnet.video.frames import Pictures
from rmsnet.video.recipe import IMAGENET_MEAN, IMAGENET_STD

CPU = torch.device("cpu")
BATCH = 16

EVERY = 150
"""Frames from an event to the next: few frames give many clips."""

WINDOW = 25
"""Steps whose mean is compared where single ones may differ: maxima over time fall on other frames."""


def run(record: Record, device: torch.device, settings: Settings, work: Path) -> None:
    games = min(settings.games, 8)
    banks = made_bank(games, 900, 32, CPU, 1, EVERY), made_bank(1, 900, 32, CPU, 2, EVERY)
    each = settings.steps // 2
    params = TrainParams(
        foreground_clips=12 * each,
        background_clips=4 * each,
        epochs=2,
        batch_size=BATCH,
        learning_rate=0.01,
        dropout=0.0,
        patience=0,
    )
    curves(record, banks, params, device)
    gradients(record, banks, params, device)
    rates(record, banks, params, device)
    dropout(record, banks, params, device)
    draws(record, banks, params, device)
    continued(record, banks, params, device, work)
    dense(record, device, settings)
    fine_tuning(record, device)


class OneStepAtATime(Trainer):
    """Keeps what every step measured."""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*arguments)  # type: ignore[arg-type]
        self.curve: list[Tensor] = []

    def _steps(self, batches: Batch, rates: Tensor) -> Tensor:
        result = super()._steps(batches, rates)
        self.curve.append(result.clone())
        return result

    def run(self) -> tuple[Tensor, list[float]]:
        """(steps, 4) of all epochs, and the validation's scores."""
        scores = [self.run_epoch(number + 1, lambda _: None).valid_average_map for number in range(self.params.epochs)]
        return torch.cat(self.curve).double().cpu(), scores


class SameClips:
    """A sampler that draws on the CPU, wherever the training is: the devices' random numbers differ."""

    def __init__(self, bank: FrameBank, params: TrainParams, device: torch.device) -> None:
        self.sampler, self.device = sampler_of(bank, params, CPU), device

    def __len__(self) -> int:
        return len(self.sampler)

    def epoch(self, seed: int, number: int) -> Clips:
        clips = self.sampler.epoch(seed, number)
        return Clips(*(getattr(clips, item.name).to(self.device) for item in fields(clips)))


def sampler_of(bank: FrameBank, params: TrainParams, device: torch.device) -> EpochSampler:
    foreground, background = training_clips(bank, params.clip_frames)
    return EpochSampler(
        foreground,
        background,
        classes=len(bank.classes),
        clip_frames=params.clip_frames,
        foreground_clips=params.foreground_clips,
        background_clips=params.background_clips,
        masking_probability=params.masking_probability,
        masking_max_offset=params.masking_max_offset,
        device=device,
    )


Banks = tuple[FrameBank, FrameBank]


def trainer_of(
    banks: Banks, params: TrainParams, device: torch.device, dtype: torch.dtype = torch.float32, graph: bool = True
) -> OneStepAtATime:
    inputs: Inputs = BankFeatures(*banks, dtype, device)
    inputs.recordable = graph
    trainer = OneStepAtATime(*banks, inputs, params, device, dtype, World())
    trainer.sampler = SameClips(banks[0], params, device)  # type: ignore[assignment]
    return trainer


def first_batch(trainer: Trainer) -> Batch:
    params = trainer.params
    clips = trainer.sampler.epoch(0, 1)[: params.batch_size]
    rows = clip_rows(clips, params.clip_frames).T.contiguous()
    return rows, clips.label, clips.event_index / params.clip_frames


def curves(record: Record, banks: Banks, params: TrainParams, device: torch.device) -> None:
    cpu, cpu_scores = trainer_of(banks, params, CPU).run()
    record.row("loss at the first and the last step, CPU, float32", f"{cpu[0, 0]:.4f}, {cpu[-1, 0]:.4f}")
    eager, scores = trainer_of(banks, params, device, graph=False).run()
    early = len(cpu) // 4
    record.check(
        f"loss of {early} steps, GPU against CPU, float32, largest difference", apart(eager[:early], cpu[:early]), 1e-3
    )
    record.check(f"mean of {WINDOW} steps, all {len(cpu)}, GPU against CPU", apart(windows(eager), windows(cpu)), 0.1)
    record.check("validation Average-mAP, GPU against CPU", abs(scores[-1] - cpu_scores[-1]), 0.1)

    for dtype, limit in ((torch.float32, 1e-4), (torch.bfloat16, 1e-2)):
        with_dropout = replace(params, dropout=0.1, average_decay=0.9)
        trainers = [trainer_of(banks, with_dropout, device, dtype, graph) for graph in (False, True)]
        (plain, _), (graphed, _) = (trainer.run() for trainer in trainers)
        name = f"{dtype}".removeprefix("torch.")
        what = f"CUDA graph against the same steps without, {name}, dropout, averaged weights: "
        record.check(f"{what}losses and norms", apart(graphed, plain), limit)
        averages = [flat(trainer.learner.average or {}) for trainer in trainers]
        record.check(f"{what}the averages", apart(*averages), limit)
        if dtype == torch.float32:
            single = graphed
    record.check(
        f"mean of {WINDOW} steps, bfloat16 against float32, in graphs", apart(windows(graphed), windows(single)), 0.2
    )


def apart(one: Tensor, two: Tensor) -> float:
    return float((one - two).abs().max())


def flat(weights: Mapping[str, Tensor]) -> Tensor:
    """All of them as one vector on the CPU, in one order everywhere."""
    return torch.cat([weights[name].detach().double().cpu().flatten() for name in sorted(weights)])


def windows(curve: Tensor) -> Tensor:
    """Means of the losses over stretches of steps."""
    size = min(WINDOW, len(curve))
    return curve[: len(curve) // size * size, :3].view(-1, size, 3).mean(dim=1)


def gradients(record: Record, banks: Banks, params: TrainParams, device: torch.device) -> None:
    def gradient(place: torch.device, dtype: torch.dtype) -> Tensor:
        trainer = trainer_of(banks, params, place, dtype)
        _, found = trainer.learner._gradients(first_batch(trainer))
        return flat(trainer.learner._named(found))

    reference = gradient(CPU, torch.float32)
    for dtype, limit in ((torch.float32, 1e-4), (torch.bfloat16, 0.3)):
        error = float((gradient(device, dtype) - reference).norm() / reference.norm())
        record.check(
            f"gradient of a batch, GPU in {dtype} against CPU in float32, relative".replace("torch.", ""), error, limit
        )


def rates(record: Record, banks: Banks, params: TrainParams, device: torch.device) -> None:
    """Each step moves the weights by the rate of that step times the momentum."""
    trainer = trainer_of(banks, params, device)
    batch = first_batch(trainer)
    for rate in (0.01, 0.01, 0.01, 0.01, 0.01, 0.02, 0.005, 0.0):
        before = flat(trainer.learner.weights)
        trainer._steps(batch, torch.tensor([rate], device=device))
        after, momentum = flat(trainer.learner.weights), flat(trainer.learner.momentum)
        error, moved = apart(after, before - rate * momentum), apart(after, before)
        if rate != 0.01:
            record.check(f"weights after a step of rate {rate:g}, off by (moved by {moved:.1e})", error, 1e-6)


def dropout(record: Record, banks: Banks, params: TrainParams, device: torch.device) -> None:
    trainer = trainer_of(banks, replace(params, dropout=0.5), device)
    batch = first_batch(trainer)
    rate = torch.zeros(1, device=device)  # only the dropout differs from step to step
    losses = []
    for _ in range(2):
        for _ in range(4):
            trainer._steps(batch, rate)
        torch.manual_seed(7)
        losses.append([float(trainer._steps(batch, rate)[0, 0]) for _ in range(6)])
    record.check("steps of six with dropout whose loss is that of another one", 6 - len(set(losses[1])), 0)
    record.check(
        "their losses with the same seed again, largest difference", float(np.abs(np.subtract(*losses)).max()), 1e-5
    )


def draws(record: Record, banks: Banks, params: TrainParams, device: torch.device) -> None:
    """The device's own sampler: as many clips of each class, on rows that exist."""
    ours, theirs = (sampler_of(banks[0], params, place).epoch(0, 1) for place in (device, CPU))
    rows = clip_rows(ours, params.clip_frames)
    counts = [torch.bincount(clips.label).cpu() for clips in (ours, theirs)]
    record.check("clips of a class, drawn on the GPU against the CPU", apart(*counts), 0)
    outside = ((rows < 0) | (rows >= len(banks[0].features))).sum()
    record.check("rows outside the bank", int(outside), 0)


def continued(record: Record, banks: Banks, params: TrainParams, device: torch.device, work: Path) -> None:
    """A training that is stopped after each epoch against one that is not."""

    class Stop(Exception):
        pass

    def stop_after(epoch: int) -> Callable[[Epoch], None]:
        def on_epoch(done: Epoch) -> None:
            if done.epoch == epoch:
                raise Stop

        return on_epoch

    params = replace(params, epochs=3, dropout=0.1, average_decay=0.9, precision="float32")
    with mock.patch("rmsnet.training.loop.best_epoch", lambda history: history[-1]):
        train(*banks, params, work / "unbroken", device=device.type)
        for epoch in (1, 2):
            with suppress(Stop):
                train(*banks, params, work / "broken", device=device.type, on_epoch=stop_after(epoch))
        train(*banks, params, work / "broken", device=device.type)
    one, two = (load_file(work / name / "model.safetensors") for name in ("unbroken", "broken"))
    record.check(
        "weights of a training continued twice against an unbroken one",
        max(apart(one[key], two[key]) for key in one),
        1e-4,
    )


def dense(record: Record, device: torch.device, settings: Settings) -> None:
    bank = made_bank(1, settings.frames, settings.width, CPU, 3, settings.every)
    torch.manual_seed(0)
    network = RMSNet(settings.width, len(bank.classes)).eval()
    config = {"classes": list(bank.classes), "clip_frames": 41, "regression": True}

    def clip_by_clip() -> np.ndarray:
        where = next(network.parameters()).device
        return score_clips(network, bank, clip_frames=41, stride=1, device=where).probability

    on_cpu = clip_by_clip()
    network.to(device)
    together = score_every_clip(SpottingModel(network, config), bank).probability
    record.check(
        "dense inference on the GPU against clip by clip on the CPU, probabilities", worst(together, on_cpu), 1e-5
    )
    record.check(
        "clip by clip on the GPU against the CPU, cuDNN's TF32 as PyTorch has it", worst(clip_by_clip(), on_cpu), 1e-2
    )
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        record.check("the same without TF32", worst(clip_by_clip(), on_cpu), 1e-5)


def worst(one: np.ndarray, two: np.ndarray) -> float:
    return float(np.abs(one - two).max())


class Noise:
    """Frames of a bank that are random pixels, the same for a row wherever it is read."""

    def __init__(self, bank: FrameBank, folder: Path) -> None:
        generator = torch.Generator().manual_seed(0)
        self.pixels = torch.randint(256, (len(bank.features), 3, 32, 57), generator=generator, dtype=torch.uint8)

    def read(self, rows: np.ndarray) -> Tensor:
        return self.pixels[torch.from_numpy(rows)]


def fine_tuning(record: Record, device: torch.device) -> None:
    """An epoch of frames through a ResNet-18 whose last block learns."""
    frames = {"features": Pictures(32, 57, None, 2.0, 0.5).features_info()}
    banks = made_bank(2, 120, 6, CPU, 4, 40), made_bank(1, 60, 6, CPU, 5, 40)
    banks = tuple(replace(bank, info={**bank.info, **frames}) for bank in banks)  # type: ignore[assignment]
    params = TrainParams(
        clip_frames=5, foreground_clips=24, background_clips=8, epochs=1, batch_size=8, dropout=0.0, learning_rate=0.01
    )

    def losses(place: torch.device, dtype: torch.dtype) -> Tensor:
        torch.manual_seed(0)
        network: nn.Module = build_backbone("resnet18").eval()
        described = {"backbone": "resnet18", "weights": "random", "weights_hash": weights_hash(network.state_dict())}
        opened = network, {**described, "mean": IMAGENET_MEAN, "std": IMAGENET_STD}
        inputs = finetuning.FineTuning(*banks, Path(), opened, place, dtype)
        trainer = OneStepAtATime(*banks, inputs, params, place, dtype, World())
        trainer.sampler = SameClips(banks[0], params, place)  # type: ignore[assignment]
        return trainer.run()[0]

    tf32 = torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
    with mock.patch.object(finetuning, "FrameStore", Noise), tf32:
        on_cpu = losses(CPU, torch.float32)
        record.check(
            "fine-tuning: losses of 4 steps, GPU against CPU, float32",
            apart(losses(device, torch.float32), on_cpu),
            1e-2,
        )
        record.check(
            "fine-tuning: the same, GPU in bfloat16", apart(losses(device, torch.bfloat16)[:, :3], on_cpu[:, :3]), 0.3
        )
