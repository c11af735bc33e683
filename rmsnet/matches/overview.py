"""What spotting several matches leaves: a folder for each, all their events in one table; shards joined, scored."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.labels import LABEL_FILES, label_version
from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.evaluation.results import RESULTS
from rmsnet.files import atomic_folder, require_replaceable, write_json, write_text
from rmsnet.locks import alone
from rmsnet.network.model_config import ORIGIN_FILE
from rmsnet.reading.names import find_path
from rmsnet.reading.rows import read_rows
from rmsnet.style.page import page, table, tag
from rmsnet.style.tables import as_csv

if TYPE_CHECKING:
    from rmsnet.evaluation.assessment import Assessment

EVENTS = "events.csv"
EVENT_COLUMNS = ("half", "time", "minute", "position_ms", "label", "confidence")
INDEX = "index.html"

Events = Sequence[Mapping[str, Any]]
"""Rows of a match's events.csv, in order of time."""


def write_events(folder: Path, events: Events) -> None:
    """events.csv of a match."""
    write_text(folder / EVENTS, as_csv(events, EVENT_COLUMNS))


def write_overview(out: Path, title: str, events: Mapping[str, Events]) -> None:
    """events.csv of all matches and a page that leads to each.

    Args:
        out: where the matches' folders lie.
        title: of the page.
        events: by the match's name, which is its folder below `out`.
    """
    rows = [{"match": name, **event} for name, of_match in events.items() for event in of_match]
    write_text(out / EVENTS, as_csv(rows, ("match", *EVENT_COLUMNS)))
    links = [
        {"Match": tag("a", name, href=quote(f"{name}/report.html")), "Events": len(of_match)}
        for name, of_match in events.items()
    ]
    write_text(out / INDEX, page(title, [table([*links, {"Match": "all", "Events": len(rows)}], total=True)]))


@alone
def join_spotted(parts: Sequence[Path], out: Path, title: str) -> dict[str, Events]:
    """Put the matches that several shards have spotted into one folder, as one spotting of all would leave them.

    Args:
        parts: a folder of each shard, in any order.
        out: gets a folder of each match, events.csv and index.html; it appears, or is replaced, when it is whole.
        title: of the page.

    Returns:
        The events of each match.

    Raises:
        UserError: nothing in a part, a match in two of them, or parts that different models have made.
    """
    require_replaceable(out, EVENTS)
    found: dict[str, Path] = {}
    makers: dict[str, Path] = {}
    for part in parts:
        results = sorted(part.rglob(RESULTS))
        if not results:
            raise UserError(f"{part}: holds no {RESULTS}; is it what a shard has left?")
        for result in results:
            name = result.parent.relative_to(part).as_posix()
            if name in found:
                raise UserError(f"{name}: is in {found[name]} and in {part}; give each shard once")
            found[name] = part
            makers[read_document(result.with_name(ORIGIN_FILE), _Origin).weights_hash] = part
    if len(makers) > 1:
        one, other, *_ = makers.values()
        raise UserError(f"{other}: spotted by another model than {one}; spot all shards with one version")
    events: dict[str, Events] = {name: read_rows(found[name] / name / EVENTS, EVENT_COLUMNS) for name in sorted(found)}
    with atomic_folder(out) as folder:
        for name in events:
            shutil.copytree(found[name] / name, folder / name)
        write_overview(folder, title, events)
    return events


@dataclass(frozen=True)
class _Origin:
    """What is read of an origin.json."""

    weights_hash: str


def score_spotted(spotted: Path, data: Path, classes: Sequence[str], report: Path) -> "Assessment | None":
    """Judge what was spotted against the labels that lie beside the matches.

    Args:
        spotted: a folder of each match.
        data: dataset, or folder of game folders, in which it was spotted.
        classes: the model's.
        report: where the evaluation's page goes.

    Returns:
        None where a match has no labels of these classes.

    Raises:
        UserError: labels that cannot be read.
    """
    from rmsnet.evaluation.stage import evaluate_files

    version = label_version(classes)
    games = sorted(path.parent.relative_to(spotted).as_posix() for path in spotted.rglob(RESULTS))
    if version is None or not all(find_path(data, f"{game}/{LABEL_FILES[version]}").exists() for game in games):
        return None
    with TemporaryDirectory() as folder:
        split, out = Path(folder) / "spotted.json", Path(folder) / "evaluation"
        write_json(split, games)
        (judged,) = evaluate_files(
            data, {"spotted": spotted}, out, split=str(split), classes=class_list(version), extra_time=True
        )
        shutil.copyfile(out / "report.html", report)
    return judged
