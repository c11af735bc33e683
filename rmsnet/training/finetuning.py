"""Clips of frames through a backbone whose last residual block learns with the head (paper, IV-E and Table VI)."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank
from rmsnet.features.from_frames import FRAMES_AT_ONCE, FrameStore, pictures_of
from rmsnet.files import content_hash, write_tensors
from rmsnet.params import TrainParams
from rmsnet.video.backbones import open_backbone, weights_hash
from rmsnet.video.prefetch import prefetched
from rmsnet.video.preprocessing import normalized
from rmsnet.video.recipe import BACKBONE_FILE, Recipe

FINE_TUNED = "fine-tuned.safetensors"
"""What a recipe calls the weights of a fine-tuned backbone; they lie beside the model as `backbone.safetensors`."""


class FineTuning:
    """The inputs of the trainer for clips of frames; see `rmsnet.training.loop.Inputs`.

    Batch normalisation keeps its running statistics everywhere, in the block that learns too, as the official code
    does; so a clip's features do not depend on what else is in the batch, or on which of several GPUs it is.

    Args:
        train: bank of frames to learn from.
        valid: bank of frames to judge by.
        folder: where the banks lie.
        opened: a ResNet, and what its recipe says of it: see `rmsnet.video.backbones.open_backbone`.
        device: where to compute.
        precision: of the backbone's arithmetic; its weights stay in float32.

    Raises:
        UserError: banks of features, frames of two kinds, no ResNet, a zip that is missing.
    """

    recordable = False

    def __init__(
        self,
        train: FrameBank,
        valid: FrameBank,
        folder: Path,
        opened: tuple[nn.Module, Mapping[str, Any]],
        device: torch.device,
        precision: torch.dtype,
    ) -> None:
        pictures = pictures_of(train)
        if pictures_of(valid) != pictures:
            raise UserError("train and valid frame banks hold frames of two kinds; run rmsnet extract again")
        self.network, described = opened
        self.recipe = Recipe(
            **described,
            height=pictures.height,
            width=pictures.width,
            resize=pictures.resize,
            frame_rate=pictures.frame_rate,
            first_frame_seconds=pictures.first_frame_seconds,
        )
        self._frozen, self._learning = split_resnet(self.network, described["backbone"])
        self.network.to(device).to(memory_format=torch.channels_last)
        self.weights: Mapping[str, Tensor] = {
            f"backbone.{name}": weight for name, weight in self._learning.named_parameters()
        }
        self.fingerprint = content_hash(self.recipe.hash)
        self.device, self.precision = device, precision
        self._train, self._valid = FrameStore(train, folder), FrameStore(valid, folder)
        self._valid_halves = valid.halves
        self._ahead: Iterator[Tensor] = iter(())
        with torch.inference_mode():
            one = self.network(torch.zeros(1, 3, pictures.height, pictures.width, device=device))
        self.width = int(one.shape[1])

    def expect(self, batches: Iterable[Tensor]) -> None:
        """Decode these batches of rows ahead, in the order in which `clips` will be asked for them."""
        self._ahead = prefetched(self._pinned(self._train.read(rows.reshape(-1).numpy())) for rows in batches)

    def clips(self, rows: Tensor) -> Tensor:
        """(T, B, D) features of (T, B) rows, the next that were expected; gradients reach the learning block."""
        images = next(self._ahead)
        with self._autocast():
            with torch.no_grad():
                parts = [self._frozen(self._numbers(part)) for part in torch.split(images, FRAMES_AT_ONCE)]
            features: Tensor = self._learning(torch.cat(parts))
        return features.to(self.precision).view(*rows.shape, -1)

    def valid_features(self, halves: Sequence[int]) -> Tensor:
        """(N, D) features of the frames of some halves of the validation split, on the CPU."""
        rows = [
            np.arange(half.first_frame, half.first_frame + half.frames)
            for half in (self._valid_halves[number] for number in halves)
        ]
        batches = [part for part in rows for part in np.split(part, range(FRAMES_AT_ONCE, len(part), FRAMES_AT_ONCE))]
        features = [torch.empty(0, self.width, dtype=self.precision)]
        with torch.inference_mode(), self._autocast():
            for images in prefetched(self._pinned(self._valid.read(batch)) for batch in batches):
                features.append(self._learning(self._frozen(self._numbers(images))).to(self.precision).cpu())
        return torch.cat(features)

    def broken_row(self, rows: Tensor) -> int | None:
        """Bytes are always finite."""
        return None

    def finish(self, folder: Path) -> dict[str, Any]:
        """Write the backbone as it is now into a model folder; the entries of the model's config.json."""
        state = {name: tensor.detach().cpu().contiguous() for name, tensor in self.network.state_dict().items()}
        write_tensors(folder / BACKBONE_FILE, state)
        recipe = self.recipe.with_weights(FINE_TUNED, weights_hash(state))
        return {"width": self.width, "features": recipe.features_info()}

    def _numbers(self, images: Tensor) -> Tensor:
        return normalized(images.to(self.device, non_blocking=True), self.recipe)

    def _pinned(self, images: Tensor) -> Tensor:
        return images.pin_memory() if self.device.type == "cuda" else images

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device.type, self.precision, enabled=self.precision != torch.float32)


def clip_inputs(
    train: FrameBank, valid: FrameBank, folder: Path, params: TrainParams
) -> Callable[[torch.device, torch.dtype], FineTuning] | None:
    """How the trainer gets its clips: from frames, through a backbone that learns; None: from the banks' features.

    What can be refused is refused here, before anything is computed or written.

    Args:
        train: bank to learn from.
        valid: bank to judge by.
        folder: where the banks lie.
        params: the train section; `backbone` and `weights` matter here.

    Raises:
        UserError: a backbone without frames or frames without a backbone, weights that cannot be had or do not fit.
    """
    if not params.backbone:
        if "pictures" in train.info["features"]:
            raise UserError(
                f"{folder}: holds frames; say which backbone learns from them, e.g. train.backbone=resnet50"
            )
        return None
    for bank in (train, valid):
        pictures_of(bank)
    opened = open_backbone(params.backbone, params.weights)
    split_resnet(opened[0], params.backbone)
    return lambda device, precision: FineTuning(train, valid, folder, opened, device, precision)


def split_resnet(network: nn.Module, name: str) -> tuple[nn.Module, nn.Module]:
    """A ResNet up to its last residual block, and from there on; the first part frozen, both in eval mode.

    Raises:
        UserError: it is no ResNet.
    """
    from torchvision.models import ResNet

    if not isinstance(network, ResNet):
        raise UserError(f"train.backbone: {name} is no ResNet; fine-tune resnet18, resnet50 or resnet152")
    stem = (network.conv1, network.bn1, network.relu, network.maxpool)
    frozen = nn.Sequential(*stem, network.layer1, network.layer2, network.layer3, network.layer4[:-1])
    learning = nn.Sequential(network.layer4[-1], network.avgpool, nn.Flatten(1))
    network.eval().requires_grad_(False)
    learning.requires_grad_(True)
    return frozen, learning
