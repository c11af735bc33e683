"""The videos of a dataset become features: what the extract stage needs to know of backbones and PCA."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rmsnet.dataset.feature_files import Features
from rmsnet.dataset.game_videos import period_video
from rmsnet.dataset.soccernet import Dataset
from rmsnet.documents import read_document, structured
from rmsnet.errors import UserError
from rmsnet.features.sources import Half, Source
from rmsnet.files import write_json, write_tensors
from rmsnet.logs import log
from rmsnet.network.devices import choose_device, multiplies_bfloat16
from rmsnet.network.model_config import read_features_entry
from rmsnet.params import ExtractParams
from rmsnet.progress import progress
from rmsnet.video.backbones import open_backbone
from rmsnet.video.decoding import expected_samples
from rmsnet.video.extractor import Extractor, Progress, open_extractor
from rmsnet.video.files import Footage, file_of
from rmsnet.video.frames import FrameZip, Pictures, frames_path, write_frames
from rmsnet.video.halves import DoneHalf, identity_of, is_done, read_half, write_half
from rmsnet.video.pca import Pca, PcaFit, save_pca
from rmsnet.video.recipe import BACKBONE_FILE, PCA_FILE, Recipe, recipe_of
from rmsnet.video.torch_extractor import TorchExtractor

WHOLE_ASPECT = 398 / 224
"""Width over height of SoccerNet's videos, and of the paper's frames."""

FRAME_RATE = 2.0
"""Pictures a second that are looked at; the first is a step after the start, as in SoccerNet's features."""

ROWS_AT_ONCE = 8192


def sampling_of(params: ExtractParams) -> dict[str, Any]:
    """The entries of a recipe that say which pictures it is made from: their times and size."""
    rate = params.frame_rate or FRAME_RATE
    times = {"frame_rate": rate, "first_frame_seconds": 1 / rate}
    if params.picture == "centre":
        return {**times, "resize": params.height, "height": params.height, "width": params.height}
    return {**times, "resize": None, "height": params.height, "width": round(params.height * WHOLE_ASPECT)}


def from_videos(
    dataset: Dataset,
    halves: Mapping[str, Sequence[Half]],
    params: ExtractParams,
    work: Path,
    *,
    model: Path | None,
    device: str,
    shown: bool,
) -> Source:
    """The features, or the frames, of all halves, computed from the videos where that is not done yet.

    Args:
        dataset: where the videos lie.
        halves: the halves of each split.
        params: the extract section.
        work: what is done of each half; halves that are there are not computed again.
        model: take this model's recipe instead of the parameters'.
        device: "auto", "cpu" or "cuda".
        shown: whether to show progress.

    Raises:
        UserError: a half without a video, a video that cannot be decoded, weights that do not fit.
    """
    videos = {
        (game, half): period_video(dataset, game, half, params.videos)
        for of_split in halves.values()
        for game, half in of_split
    }
    for video in videos.values():
        dataset.require_inside(file_of(video))
    if model is None and params.source == "frames":
        return _frames(videos, halves, params, work, shown)
    if model is None:
        extractor: Extractor = new_extractor(params, choose_device(device), work)
        files = {BACKBONE_FILE: work / BACKBONE_FILE}
    else:
        recipe = recipe_of(read_features_entry(model), str(model))
        files = {name: model / name for name in (BACKBONE_FILE, PCA_FILE)}
        extractor = open_extractor(recipe, model, device)
    recipe = extractor.recipe
    targets = {(game, half): work / "halves" / game / f"{half}.safetensors" for game, half in videos}

    def write(half: Half, told: Progress) -> None:
        write_half(targets[half], videos[half], extractor, told)

    missing = {half: video for half, video in videos.items() if not is_done(targets[half], video, recipe.hash)}
    _compute(missing, write, recipe.frame_rate, recipe.first_frame_seconds, shown)
    arrays: dict[str, list[Features]] = {}
    warnings = []
    for split, of_split in halves.items():
        arrays[split] = []
        for game, half in of_split:
            done = _read(targets[game, half])
            arrays[split].append(done.features)
            warnings += [f"{split}: {game}, half {half}: {text}" for text in done.warnings]
    return Source(
        arrays,
        recipe.features_info(),
        recipe.frame_rate,
        recipe.first_frame_seconds,
        params.pca if model is None else 0,
        {name: path for name, path in files.items() if path.exists()},
        tuple(warnings),
    )


def _frames(
    videos: Mapping[Half, Footage],
    halves: Mapping[str, Sequence[Half]],
    params: ExtractParams,
    work: Path,
    shown: bool,
) -> Source:
    """The frames of all halves: banks without columns, and a zip for each half beside them."""
    pictures = Pictures(**sampling_of(params))
    info = pictures.features_info()
    targets = {(game, half): work / frames_path(game, half) for game, half in videos}
    notes = {half: target.with_suffix(".json") for half, target in targets.items()}

    def write(half: Half, told: Progress) -> None:
        warnings = write_frames(targets[half], videos[half], pictures, told)
        write_json(notes[half], {**identity_of(videos[half], info["hash"]), "warnings": warnings})

    missing = {
        half: video for half, video in videos.items() if _noted(notes[half], identity_of(video, info["hash"])) is None
    }
    _compute(missing, write, pictures.frame_rate, pictures.first_frame_seconds, shown)
    arrays = {
        split: [np.empty((len(FrameZip(targets[half])), 0), np.float32) for half in of_split]
        for split, of_split in halves.items()
    }
    warnings = [
        f"{split}: {game}, half {half}: {text}"
        for split, of_split in halves.items()
        for game, half in of_split
        for text in _noted(notes[game, half], identity_of(videos[game, half], info["hash"])) or ()
    ]
    return Source(
        arrays,
        info,
        pictures.frame_rate,
        pictures.first_frame_seconds,
        files={frames_path(*half): target for half, target in targets.items()},
        warnings=tuple(warnings),
    )


def _noted(path: Path, made_of: Mapping[str, str]) -> list[str] | None:
    """The warnings beside the frames of a half; None: no whole notes there, or of another video or other frames."""
    try:
        notes = read_document(path, dict[str, Any])
        warnings = structured(notes.get("warnings"), list[str], str(path))
    except UserError:
        return None
    return warnings if made_of.items() <= notes.items() else None


def new_extractor(params: ExtractParams, device: torch.device, folder: Path) -> TorchExtractor:
    """The backbone that the parameters name, with its recipe; weights from a file are kept in the folder.

    Where the device has no instructions for the precision that is asked for, the features are made in float32, and
    their recipe says so.

    Raises:
        UserError: see `rmsnet.video.backbones.open_backbone`.
    """
    network, described = open_backbone(params.backbone, params.weights)
    precision: str = params.precision
    if precision == "bfloat16" and not multiplies_bfloat16(device):
        log.warning(
            f"extract.precision: no instructions for bfloat16 on this {device.type}, where it would be slower "
            "than float32; the features are made in float32"
        )
        precision = "float32"
    recipe = Recipe(**described, **sampling_of(params), precision=precision)
    (folder / BACKBONE_FILE).unlink(missing_ok=True)
    if Path(recipe.weights).suffix:
        write_tensors(folder / BACKBONE_FILE, network.state_dict())
    return TorchExtractor(recipe, network.to(device).to(memory_format=torch.channels_last), None, device)


def fit_pca(source: Source, folder: Path) -> tuple[Pca, dict[str, Any]]:
    """The PCA of the training split, saved into the folder, and the banks' entry "features" with it.

    Raises:
        UserError: no training split, or too few frames or features for so many components.
    """
    if "train" not in source.arrays:
        raise UserError("extract.pca: there is no training split to fit it on; set it to 0 or add training games")
    recipe = recipe_of(source.features, "features")
    fit = PcaFit(source.arrays["train"][0].shape[1])
    for array in source.arrays["train"]:
        for start in range(0, len(array), ROWS_AT_ONCE):
            fit.add(array[start : start + ROWS_AT_ONCE])
    pca = fit.finish(source.pca_components)
    save_pca(folder, pca)
    return pca, recipe.with_pca(source.pca_components, pca.hash).features_info()


def _compute(
    videos: Mapping[Half, Footage],
    write: Callable[[Half, Progress], None],
    frame_rate: float,
    first_frame_seconds: float,
    shown: bool,
) -> None:
    """Work on the halves one after the other, with progress over all of them; a bad one does not stop the others.

    Raises:
        UserError: videos that cannot be used: where that can be seen before, none of the others is begun; where it is
            found on the way, all others are done and stay.
    """
    total, refused = 0, []
    for video in videos.values():
        try:
            total += expected_samples(video, frame_rate, first_frame_seconds)
        except UserError as error:
            refused.append(str(error))
    if refused:
        more = f" ({len(refused) - 1} more of the videos cannot be used)" if len(refused) > 1 else ""
        raise UserError(f"{refused[0]}{more}")
    with progress("extract", "frame", total, shown and bool(videos)) as advance:
        for half in videos:
            done = 0

            def told(frames: int, _: int | None) -> None:
                nonlocal done
                advance(frames - done)
                done = frames

            try:
                write(half, told)
            except UserError as error:
                refused.append(str(error))
    if refused:
        raise UserError(
            f"{len(refused)} of {len(videos)} videos cannot be used ({'; '.join(refused)}); mend them, or take their "
            "games off the lists; what is done of the others stays"
        )


def _read(path: Path) -> DoneHalf:
    half = read_half(path)
    assert half is not None, f"{path}: written a moment ago"
    return half
