"""Frame banks on disk: features stacked, events indexed, the profile of the training split beside them."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet.dataset.feature_files import Features
from rmsnet.dataset.soccernet import GATE, SPLITS
from rmsnet.features.bank import BankHalf, FrameBank, bank_index, read_bank
from rmsnet.features.games import require_apart
from rmsnet.features.profile import PROFILE_FILE, bank_profile
from rmsnet.features.sources import Half, Source
from rmsnet.files import atomic_folder, content_hash, write_json
from rmsnet.reading.arrays import map_array, require_finite
from rmsnet.spots import Truth

if TYPE_CHECKING:
    from rmsnet.video.pca import Pca


ROWS_AT_ONCE = 8192


@dataclass(frozen=True)
class Extraction:
    """What the stage made.

    Attributes:
        frames: frames of each split's bank.
        events: events of each split's bank.
        warnings: one line for each irregularity that was let through.
    """

    frames: dict[str, int]
    events: dict[str, int]
    warnings: tuple[str, ...]


def write_banks(
    out: Path,
    source: Source,
    halves: Mapping[str, Sequence[Half]],
    truth: Mapping[str, Truth],
    classes: tuple[str, ...],
    info: Mapping[str, Any],
) -> Extraction:
    """Fit the PCA that is wanted, write the banks of all splits and the training profile, whole or not at all.

    Raises:
        UserError: a game of the gate is in another split too, by its content.
    """
    # Where the data came from does not change what they are: it stays out of their hash.
    origin = {key: info.get(key) for key in ("dvc_md5", "content")}
    info = {key: value for key, value in info.items() if key not in origin}
    frames: dict[str, int] = {}
    events: dict[str, int] = {}
    warnings = list(source.warnings)
    with atomic_folder(out) as folder:
        for name, path in source.files.items():
            _place(path, folder / name)
        pca = None
        if source.pca_components:
            from rmsnet.features.from_video import fit_pca

            pca, features = fit_pca(source, folder)
            source = replace(source, features=features)
        for split, of_split in halves.items():
            about = {"split": split, **info, "features": source.features}
            if "pictures" in source.features:
                from rmsnet.video.frames import frames_hash, frames_path

                about["frames_hash"] = frames_hash([folder / frames_path(*half) for half in of_split])
            matrix_hash = _stack(of_split, source.arrays[split], folder / f"{split}.npy", pca)
            bank = FrameBank(
                map_array(folder / f"{split}.npy"),
                tuple(_halves(of_split, source.arrays[split])),
                truth[split],
                classes,
                source.frame_rate,
                source.first_frame_seconds,
                about,
            )
            warnings += _late_events(bank, split)
            index = bank_index(bank)
            data_hash = content_hash(matrix_hash, json.dumps(index, sort_keys=True))
            told = {**origin, "content": (origin["content"] or {}).get(split)}
            write_json(folder / f"{split}.json", {**index, "data_hash": data_hash, **told}, indent=None)
            if split == "train" and "shard" not in info and bank.width:
                write_json(folder / PROFILE_FILE, bank_profile(bank), indent=None)
            frames[split], events[split] = len(bank.features), len(bank.truth.half)
        if GATE in halves:
            banks = {split: read_bank(folder, split) for split in halves}
            require_apart(banks.pop(GATE), banks)
    return Extraction(frames, events, tuple(warnings))


def _place(path: Path, target: Path) -> None:
    """A second name for a file where the file system can, else a copy."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, target)
    except OSError:
        shutil.copyfile(path, target)


def _halves(halves: Sequence[Half], arrays: Sequence[Features]) -> Iterator[BankHalf]:
    first_frame = 0
    for (game, half), array in zip(halves, arrays, strict=True):
        yield BankHalf(game, half, first_frame, len(array))
        first_frame += len(array)


def _stack(halves: Sequence[Half], arrays: Sequence[Features], path: Path, pca: "Pca | None") -> str:
    """Write the arrays of the halves one after the other into one float32 .npy file; the hash of its rows.

    Raises:
        UserError: a row is not finite.
    """
    digest = hashlib.blake2b(digest_size=16)
    width = arrays[0].shape[1] if pca is None else len(pca.components)
    shape = (sum(len(array) for array in arrays), width)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": np.lib.format.dtype_to_descr(np.dtype("<f4")), "fortran_order": False, "shape": shape}
        )
        for half, array in zip(halves, arrays, strict=True):
            require_finite(array, getattr(array, "filename", None) or "{}, half {}".format(*half))
            for start in range(0, len(array), ROWS_AT_ONCE):
                rows = np.ascontiguousarray(array[start : start + ROWS_AT_ONCE], "<f4")
                rows = rows if pca is None else pca.apply(rows)
                digest.update(rows.data)
                file.write(rows.data)
    return digest.hexdigest()


def _late_events(bank: FrameBank, split: str) -> Iterator[str]:
    frame = bank.frame_of(bank.truth.position_ms)
    for number, half_number in enumerate(bank.truth.half):
        half = bank.halves[half_number]
        if frame[number] >= half.frames:
            seconds = bank.truth.position_ms[number] / 1000
            end = half.frames / bank.frame_rate
            name = bank.classes[bank.truth.label[number]]
            where = f"{split}: {half.game}, half {half.half}"
            yield f"{where}: {name} at {seconds:.1f} s is past the end of the features ({end:.1f} s)"


BANK_FILES = tuple(f"{split}.json" for split in (*SPLITS, GATE))
"""What a folder of frame banks holds."""
