"""What is in a dataset: `rmsnet data inspect`. It describes; `rmsnet validate` says whether the data may be used.

Labels are read, of features the headers only, of videos the headers and the last seconds.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.dataset.labels import HALVES, LABEL_FILES
from rmsnet.dataset.soccernet import SPLITS, Dataset, list_dataset
from rmsnet.files import contents, is_litter, write_text
from rmsnet.formats.names import same_name
from rmsnet.params import ExtractParams
from rmsnet.provenance import dvc_md5

if TYPE_CHECKING:
    from rmsnet.validation.tables import Tables

_HALF_FILE = re.compile(r"([12])_?(.*)\.(npy|mkv|mp4)")


def inspect(
    root: Path, *, features: str = "ResNET_TF2_PCA512", classes: str = "v1", page: Path | None = None
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

    from rmsnet.validation.statistics import statistics
    from rmsnet.validation.tables import read_tables

    tables = read_tables(dataset, ExtractParams(features=features), classes, contents=False)
    files = _files(dataset, tables)
    found = {
        "dataset": dataset.name,
        "simulated": dataset.simulated,
        "dvc_md5": dvc_md5(dataset.root),
        "features": features,
        "classes": classes,
        **{key: value for key, value in statistics(tables).items() if key in ("splits", "half_minutes")},
        "files": {name: {"count": len(sizes), "bytes": sum(sizes.values())} for name, sizes in files.items()},
        "unlisted": _unlisted(dataset),
        "gaps": list(_gaps(tables, files)),
    }
    if page is not None:
        write_text(page, _page(found, tables))
    return found


def _files(dataset: Dataset, tables: "Tables") -> dict[str, dict[tuple[str, int], int]]:
    """Bytes of every kind of file in the listed games, by (game, half); half 0 is a file of the whole game."""
    found: dict[str, dict[tuple[str, int], int]] = {}
    for game in dict.fromkeys(tables.halves.game.astype(str)):
        for path in contents(dataset.game_folder(game)):
            if dataset.leads_out(path) or not path.is_file():
                continue
            match = _HALF_FILE.fullmatch(path.name)
            if match:
                half, name = int(match[1]), re.sub(r"^[12]", "{half}", path.name)
            elif path.name in LABEL_FILES.values():
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


def _gaps(tables: "Tables", files: Mapping[str, Mapping[tuple[str, int], int]]) -> Iterator[str]:
    """What some listed games have and others lack, a line each."""
    for game, folder in zip(tables.games.game, tables.games.folder, strict=True):
        if folder != "good":
            yield f"{game}: folder {folder}"
    split_of = dict(zip(tables.halves.game.astype(str), tables.halves.split.astype(str), strict=True))
    for name, of_half in files.items():
        halves = (0,) if name in LABEL_FILES.values() else HALVES
        for game, split in split_of.items():
            if halves == (0,) and split not in SPLITS:
                continue  # of other lists labels may be kept secret
            missing = [str(half) for half in halves if (game, half) not in of_half]
            if missing:
                yield f"{game}: no {name}" + (f" for half {' and '.join(missing)}" if halves == HALVES else "")


GAPS_SHOWN = 20


def as_text(found: Mapping[str, Any]) -> str:
    """What was found, for a terminal."""
    splits = found["splits"]
    lines = [_heading(found), "", f"{'':28}" + "".join(f"{split:>10}" for split in splits)]
    for name, values in _rows(splits):
        lines.append(f"{name:28}" + "".join(f"{value:>10,}" for value in values))
    lines += ["", f"{'file':36}{'number':>8}{'size':>10}"]
    for name, of in found["files"].items():
        lines.append(f"{name:36}{of['count']:>8,}{_size(of['bytes']):>10}")
    if found["unlisted"]:
        lines += ["", f"{len(found['unlisted']):,} game folders are in no split"]
    gaps = found["gaps"]
    lines += ["", *(gaps[:GAPS_SHOWN] or ["no gaps: every listed game has every kind of file"])]
    if len(gaps) > GAPS_SHOWN:
        lines.append(f"… {len(gaps) - GAPS_SHOWN:,} more gaps: --json has them all")
    return "\n".join(lines)


def _heading(found: Mapping[str, Any]) -> str:
    return f"{found['dataset']}{' (simulated)' if found['simulated'] else ''}, labels {found['classes']}"


def _rows(splits: Mapping[str, Any]) -> Iterator[tuple[str, list[Any]]]:
    for key in ("games", "halves_with_features", "hours", "frames"):
        yield key.replace("_", " "), [of[key] for of in splits.values()]
    for label in next(iter(splits.values()))["events"]:
        yield label, [of["events"][label] for of in splits.values()]


def _size(size: float) -> str:
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def _page(found: Mapping[str, Any], tables: "Tables") -> str:
    from rmsnet.validation.page import figures, html_page, table, text
    from rmsnet.validation.plots import plots

    files = [[name, of["count"], _size(of["bytes"])] for name, of in found["files"].items()]
    body = [
        table(["", *found["splits"]], [[name, *values] for name, values in _rows(found["splits"])]),
        *figures(list(plots(tables, None))),
        "<h2>Files</h2>",
        table(["file", "number", "size"], files),
        "<h2>Gaps</h2>",
        "".join(f"<p>{text(gap)}</p>" for gap in found["gaps"]) or "<p>Every listed game has every kind of file.</p>",
    ]
    if found["unlisted"]:
        body += ["<h2>In no split</h2>", "".join(f"<p>{text(game)}</p>" for game in found["unlisted"])]
    return html_page(_heading(found), body)
