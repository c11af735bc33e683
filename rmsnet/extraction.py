"""The extract stage: a dataset's features (or videos) and labels become one frame bank per split."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from rmsnet.bank import BankHalf, FrameBank, bank_index, read_bank
from rmsnet.errors import UserError
from rmsnet.files import atomic_folder, content_hash, require_replaceable, write_json
from rmsnet.params import ExtractParams
from rmsnet.profile import PROFILE_FILE, bank_profile
from rmsnet.provenance import dvc_md5
from rmsnet.soccernet import (
    CLASSES,
    FIRST_FRAME_SECONDS,
    FRAME_RATE,
    HALVES,
    SPLITS,
    Dataset,
    game_events,
    open_dataset,
    truth_of,
)
from rmsnet.spots import Truth

if TYPE_CHECKING:
    from rmsnet.video.pca import Pca

T = TypeVar("T")

Features = npt.NDArray[np.floating[Any]]

Half = tuple[str, int]
"""Game and half (1 or 2)."""

ROWS_AT_ONCE = 8192

_MARKS = tuple(f"{split}.json" for split in SPLITS)
"""What a folder of frame banks holds."""


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


@dataclass(frozen=True)
class Source:
    """The halves of a dataset before they are stacked.

    Attributes:
        arrays: (T, D) of every half of each split, memory-mapped.
        features: the banks' entry "features".
        frame_rate: frames per second.
        first_frame_seconds: time of a half's first frame.
        pca_components: features to be left by a PCA that is still to be fitted on the training split; 0: none.
        files: what lies beside the banks, by its path in their folder.
        warnings: one line for each irregularity.
    """

    arrays: Mapping[str, Sequence[Features]]
    features: Mapping[str, Any]
    frame_rate: float = FRAME_RATE
    first_frame_seconds: float = FIRST_FRAME_SECONDS
    pca_components: int = 0
    files: Mapping[str, Path] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Shard:
    """One of several workers' part of the games.

    Attributes:
        number: 1, 2, … of.
        of: how many parts there are.
    """

    number: int
    of: int

    @classmethod
    def parse(cls, text: str) -> "Shard":
        """From "1/4".

        Raises:
            UserError: it is not like that.
        """
        number, slash, of = text.partition("/")
        if not (slash and number.isdecimal() and of.isdecimal() and 1 <= int(number) <= int(of)):
            raise UserError(f"--shard {text}: write i/n with 1 <= i <= n, e.g. 1/4")
        return cls(int(number), int(of))

    def games(self, games: Sequence[T]) -> list[T]:
        return list(games[self.number - 1 :: self.of])


def extract(
    root: Path,
    out: Path,
    params: ExtractParams | None = None,
    classes: str = "v1",
    *,
    shard: Shard | None = None,
    model: Path | None = None,
    device: str = "auto",
    progress: bool = False,
) -> Extraction:
    """Stack the features of all halves of each split and index their events.

    Precomputed features: every game must have them for both halves, all of one width. From videos: what is done of
    each half is kept in a hidden folder beside `out` until the banks are whole; the same call continues there. Events
    past the last frame stay in the index, because they count as missed in an evaluation, and are named in the
    warnings.

    Args:
        root: dataset in SoccerNet's layout.
        out: folder for the banks; it appears, or is replaced, when all of them are whole.
        params: the extract section; None: its defaults.
        classes: "v1" or "v2" labels.
        shard: take this part of the games only; `join` makes the whole of all parts.
        model: compute this model's features from the videos: its backbone, pictures and PCA.
        device: "auto", "cpu" or "cuda": where the backbone computes.
        progress: show it on standard error.

    Raises:
        UserError: see `rmsnet.soccernet.open_dataset`; a half without its features or video, a file that is truncated
            or no matrix, features of several widths, bad labels, a video that cannot be decoded, weights that do not
            fit the backbone.
    """
    params, out = ExtractParams() if params is None else params, Path(out)
    require_replaceable(out, *_MARKS)
    dataset = open_dataset(root)
    games = {split: names if shard is None else shard.games(names) for split, names in dataset.splits.items()}
    halves = {split: [(game, half) for game in names for half in HALVES] for split, names in games.items() if names}
    if not halves:
        raise UserError(
            f"--shard {shard.number}/{shard.of}: no games are left for it" if shard else f"{root}: no games"
        )
    labels = dataset.labels()
    truth = {}
    for split, of_split in halves.items():
        of_game = {game: game_events(labels, game, classes) for game in games[split]}
        of_half = [[event for event in of_game[game] if event.half == half] for game, half in of_split]
        truth[split] = truth_of(of_half, CLASSES[classes])
    work = out.with_name(f".{out.name}.halves")
    if model is None and params.source == "features":
        source = _precomputed(dataset, halves, params.features)
    else:
        from rmsnet.video.extraction import from_videos

        source = from_videos(dataset, halves, params, work, model=model, device=device, shown=progress)
    info: dict[str, Any] = {"dataset": dataset.name, "simulated": dataset.simulated, "dvc_md5": dvc_md5(root)}
    if shard is not None:
        parts = {"number": shard.number, "of": shard.of, "pca": source.pca_components, "games": dict(dataset.splits)}
        source, info = replace(source, pca_components=0), {**info, "shard": parts}
    done = _write_banks(out, source, halves, truth, CLASSES[classes], info)
    shutil.rmtree(work, ignore_errors=True)
    return done


def join(parts: Sequence[Path], out: Path) -> Extraction:
    """Make the frame banks of all games from those that `extract` has made of each shard, PCA included.

    The result is the same as one extraction of everything.

    Args:
        parts: the folders of all shards, in any order.
        out: folder for the banks; it appears, or is replaced, when all of them are whole.

    Raises:
        UserError: a part is missing, there twice, or made from other data or parameters.
    """
    parts, out = [Path(part) for part in parts], Path(out)
    require_replaceable(out, *_MARKS)
    banks, shard = _read_parts(parts)
    halves: dict[str, list[Half]] = {}
    arrays: dict[str, list[Features]] = {}
    truth: dict[str, Truth] = {}
    for split, games in shard["games"].items():
        place = {game: number for number, game in enumerate(games)}
        found = [
            (place[half.game], half.half, number, of_part[split])
            for of_part in banks
            if split in of_part
            for number, half in enumerate(of_part[split].halves)
        ]
        if found:
            found.sort(key=lambda item: item[:2])
            halves[split] = [(games[game], half) for game, half, _, _ in found]
            arrays[split] = [_rows(bank, number) for _, _, number, bank in found]
            truth[split] = _joined_truth([(bank, number) for _, _, number, bank in found])
    files = {
        path.relative_to(part).as_posix(): path
        for part in parts
        for path in sorted(part.rglob("*"))
        if path.is_file() and not (path.parent == part and path.stem in SPLITS)
    }
    first = next(iter(banks[0].values()))
    source = Source(arrays, first.info["features"], first.frame_rate, first.first_frame_seconds, shard["pca"], files)
    info = {"dataset": first.info["dataset"], "simulated": first.simulated, "dvc_md5": first.info.get("dvc_md5")}
    return _write_banks(Path(out), source, halves, truth, first.classes, info)


def _read_parts(parts: Sequence[Path]) -> tuple[list[dict[str, FrameBank]], Mapping[str, Any]]:
    """The banks of each part and what they say of their shards, all of them there and made alike."""
    banks = []
    for part in parts:
        banks.append({split: read_bank(part, split) for split in SPLITS if (part / f"{split}.json").exists()})
        if not banks[-1]:
            raise UserError(
                f"{part}: no frame banks there; make them with: rmsnet extract DATA --out {part} --shard i/n"
            )
    firsts = [next(iter(of_part.values())) for of_part in banks]
    for part, bank in zip(parts, firsts, strict=True):
        if "shard" not in bank.info:
            raise UserError(f"{part}: holds all games, not a part of them; there is nothing to join")
    made = [
        [bank.classes, bank.width, bank.frame_rate, bank.first_frame_seconds]
        + [bank.info[key] for key in ("features", "dataset", "simulated")]
        + [bank.info["shard"][key] for key in ("of", "pca", "games")]
        for bank in firsts
    ]
    for part, of_part in zip(parts, made, strict=True):
        if of_part != made[0]:
            raise UserError(f"{part}: made from other data or parameters than {parts[0]}; extract all parts alike")
    shards = [bank.info["shard"] for bank in firsts]
    numbers = sorted(shard["number"] for shard in shards)
    wanted = list(range(1, shards[0]["of"] + 1))
    # More parts than games leave parts without any; nobody can give those.
    largest = max(len(games) for games in shards[0]["games"].values())
    if numbers != [number for number in wanted if number <= largest]:
        given = ", ".join(str(number) for number in numbers)
        raise UserError(f"parts {given} of {shards[0]['of']}: give each part once")
    return banks, shards[0]


def _rows(bank: FrameBank, number: int) -> Features:
    half = bank.halves[number]
    return bank.features[half.first_frame : half.first_frame + half.frames]


def _joined_truth(halves: Sequence[tuple[FrameBank, int]]) -> Truth:
    """The events of halves out of several banks, numbered as the halves are here."""
    chosen = [(bank.truth, bank.truth.half == half) for bank, half in halves]
    return Truth(
        np.concatenate([np.full(int(mine.sum()), number) for number, (_, mine) in enumerate(chosen)]),
        np.concatenate([truth.position_ms[mine] for truth, mine in chosen]),
        np.concatenate([truth.label[mine] for truth, mine in chosen]),
        np.concatenate([truth.visible[mine] for truth, mine in chosen]),
    )


def _precomputed(dataset: Dataset, halves: Mapping[str, Sequence[Half]], features: str) -> Source:
    """The features that lie beside the labels."""
    arrays: dict[str, list[Features]] = {}
    width: int | None = None
    for split, of_split in halves.items():
        arrays[split] = []
        for game, half in of_split:
            path = dataset.features_path(game, half, features)
            array = open_features(path)
            width = array.shape[1] if width is None else width
            if array.shape[1] != width:
                raise UserError(f"{path}: {array.shape[1]} features a frame, the files before it {width}")
            arrays[split].append(array)
    return Source(arrays, {"name": features})


def open_features(path: Path) -> Features:
    """(T, D) memory-mapped features of a half."""
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise UserError(
            f"{path}: the half has no features; download them, or take the game off its split list"
        ) from None
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{path}: truncated or not a .npy array ({error}); get the file again") from None
    if not isinstance(array, np.ndarray) or array.ndim != 2 or 0 in array.shape or array.dtype.kind != "f":
        raise UserError(f"{path}: is no matrix of frames × features")
    return array


def _write_banks(
    out: Path,
    source: Source,
    halves: Mapping[str, Sequence[Half]],
    truth: Mapping[str, Truth],
    classes: tuple[str, ...],
    info: Mapping[str, Any],
) -> Extraction:
    """Fit the PCA that is wanted, write the banks of all splits and the training profile, whole or not at all."""
    # Where the data came from does not change what they are: it stays out of their hash.
    origin = {"dvc_md5": info.get("dvc_md5")}
    info = {key: value for key, value in info.items() if key not in origin}
    frames: dict[str, int] = {}
    events: dict[str, int] = {}
    warnings = list(source.warnings)
    with atomic_folder(out) as folder:
        for name, path in source.files.items():
            _place(path, folder / name)
        pca = None
        if source.pca_components:
            from rmsnet.video.extraction import fit_pca

            pca, features = fit_pca(source, folder)
            source = replace(source, features=features)
        for split, of_split in halves.items():
            about = {"split": split, **info, "features": source.features}
            if "pictures" in source.features:
                from rmsnet.video.frames import frames_hash, frames_path

                about["frames_hash"] = frames_hash([folder / frames_path(*half) for half in of_split])
            matrix_hash = _stack(source.arrays[split], folder / f"{split}.npy", pca)
            bank = FrameBank(
                np.load(folder / f"{split}.npy", mmap_mode="r"),
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
            write_json(folder / f"{split}.json", {**index, "data_hash": data_hash, **origin}, indent=None)
            if split == "train" and "shard" not in info and bank.width:
                write_json(folder / PROFILE_FILE, bank_profile(bank), indent=None)
            frames[split], events[split] = len(bank.features), len(bank.truth.half)
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


def _stack(arrays: Sequence[Features], path: Path, pca: "Pca | None") -> str:
    """Write the arrays one after the other into one float32 .npy file; the hash of its rows."""
    digest = hashlib.blake2b(digest_size=16)
    width = arrays[0].shape[1] if pca is None else len(pca.components)
    shape = (sum(len(array) for array in arrays), width)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": np.lib.format.dtype_to_descr(np.dtype("<f4")), "fortran_order": False, "shape": shape}
        )
        for array in arrays:
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
