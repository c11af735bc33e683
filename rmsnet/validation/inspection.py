"""What is in a dataset: `rmsnet data inspect`. It describes; `rmsnet validate` says whether the data may be used.

Labels are read, of features the headers only, of videos the headers and the last seconds.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rmsnet.dataset.class_lists import classes_of
from rmsnet.dataset.kick_offs import KICK_OFFS
from rmsnet.dataset.labels import LABEL_FILES
from rmsnet.dataset.soccernet import SPLITS, Dataset, list_dataset
from rmsnet.files import contents, is_litter, write_text
from rmsnet.params import ExtractParams
from rmsnet.provenance import dvc_md5
from rmsnet.reading.names import same_name
from rmsnet.style.page import Html, pictures, section, table, tag
from rmsnet.style.page import page as whole_page
from rmsnet.style.tables import Row, as_text
from rmsnet.style.words import marked
from rmsnet.validation.rows import DatasetRows, read_dataset
from rmsnet.validation.statistics import split_rows, statistics
from rmsnet.video.files import half_in_name, is_video


def inspect(
    root: Path, *, features: str = ExtractParams.features, classes: str = "v1", page: Path | None = None
) -> dict[str, Any]:
    """Describe a dataset.

    Args:
        root: dataset in SoccerNet's layout.
        features: the feature files that the hours and frames are counted from: {1,2}_<features>.npy.
        classes: the labels whose events are counted: "v1" or "v2".
        page: where to write a page with plots; None: nowhere.

    Returns:
        dataset, simulated, dvc_md5, features, classes; splits: games, hours, frames, events of each class; files: by
        name, how many halves or games have it and their bytes; unlisted: game folders in no split; gaps: what listed
        games lack that others have.

    Raises:
        UserError: see `rmsnet.dataset.soccernet.list_dataset`.
    """
    dataset = list_dataset(root)
    listed = classes_of(dataset.description, classes)
    rows = read_dataset(dataset, ExtractParams(features=features), listed, contents=False)
    files = _files(dataset, rows)
    found = {
        "dataset": dataset.name,
        "simulated": dataset.simulated,
        "dvc_md5": dvc_md5(dataset.root),
        "features": features,
        "classes": listed.name,
        **{key: value for key, value in statistics(rows).items() if key in ("splits", "half_minutes")},
        "files": {name: {"count": len(sizes), "bytes": sum(sizes.values())} for name, sizes in files.items()},
        "unlisted": _unlisted(dataset),
        "gaps": list(_gaps(rows, files, dataset.halves)),
    }
    if page is not None:
        write_text(page, _page(found, rows))
    return found


def _files(dataset: Dataset, rows: DatasetRows) -> dict[str, dict[tuple[str, int], int]]:
    """Bytes of every kind of file in the listed games, by (game, half); half 0 is a file of the whole game."""
    found: dict[str, dict[tuple[str, int], int]] = {}
    own = dataset.description.labels
    of_game = {*LABEL_FILES.values(), KICK_OFFS, *([own.file] if own else [])}
    for game in dict.fromkeys(row["game"] for row in rows.halves):
        for path in contents(dataset.game_folder(game)):
            if dataset.leads_out(path) or not path.is_file():
                continue
            number = half_in_name(path)
            if number in dataset.halves and (path.suffix == ".npy" or is_video(path)):
                half, name = number, f"{{half}}{path.name[1:]}"
            elif path.name in of_game or (
                dataset.description.files == "match" and (path.suffix == ".npy" or is_video(path))
            ):
                half, name = 0, path.name
            else:
                continue
            found.setdefault(name, {})[game, half] = path.stat().st_size
    return dict(sorted(found.items()))


def _unlisted(dataset: Dataset) -> list[str]:
    """Game folders (league/season/game) in no split; SoccerNet's challenge games are such."""
    listed = {game for games in dataset.splits.values() for game in games}
    folders = [path.relative_to(dataset.root) for path in dataset.root.glob("*/*/*") if path.is_dir()]
    games = {same_name(path.as_posix()) for path in folders if not any(map(is_litter, (path, *path.parents)))}
    return sorted(games - listed)


def _gaps(
    rows: DatasetRows, files: Mapping[str, Mapping[tuple[str, int], int]], all_halves: tuple[int, ...]
) -> Iterator[str]:
    """What some listed games have and others lack, a line each."""
    for row in rows.games:
        if row["folder"] != "good":
            yield f"{row['game']}: folder {row['folder']}"
    split_of = {row["game"]: row["split"] for row in rows.halves}
    for name, of_half in files.items():
        halves = (0,) if any(half == 0 for _, half in of_half) else all_halves
        for game, split in split_of.items():
            if halves == (0,) and split not in SPLITS:
                continue  # of other lists labels may be kept secret
            missing = [str(half) for half in halves if (game, half) not in of_half]
            if missing:
                yield f"{game}: no {name}" + (f" for half {' and '.join(missing)}" if halves == all_halves else "")


GAPS_SHOWN = 20


def describe(found: Mapping[str, Any]) -> str:
    """What was found, for a terminal."""
    lines = [_heading(found), "", as_text(split_rows(found["splits"])), "", as_text(_file_rows(found))]
    if found["unlisted"]:
        lines += ["", f"{len(found['unlisted']):,} game folders are in no split"]
    gaps = found["gaps"]
    lines += ["", *(gaps[:GAPS_SHOWN] or ["no gaps: every listed game has every kind of file"])]
    if len(gaps) > GAPS_SHOWN:
        lines.append(f"… {len(gaps) - GAPS_SHOWN:,} more gaps: --json has them all")
    return "\n".join(lines)


def _heading(found: Mapping[str, Any]) -> str:
    return f"{marked(found['dataset'], found['simulated'])}, labels {found['classes']}"


def _file_rows(found: Mapping[str, Any]) -> list[Row]:
    return [{"file": name, "number": of["count"], "size": _size(of["bytes"])} for name, of in found["files"].items()]


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _page(found: Mapping[str, Any], rows: DatasetRows) -> str:
    from rmsnet.validation.plots import plots

    gaps = (tag("li", gap) for gap in found["gaps"] or ["Every listed game has every kind of file."])
    games = (tag("li", game) for game in found["unlisted"])
    body = [
        table(split_rows(found["splits"])),
        pictures(plots(rows, _heading(found))),
        section("Files", table(_file_rows(found))),
        section("Gaps", tag("ul", *gaps)),
        section("In no split", tag("ul", *games)) if found["unlisted"] else Html(),
    ]
    return whole_page(_heading(found), body, simulated=found["simulated"])
