"""Which format a source has, where that is certain."""

from pathlib import Path, PurePosixPath
from typing import Any

from rmsnet.dataset.formats.json_rows import json_of
from rmsnet.dataset.formats.longomatch import CATEGORY
from rmsnet.dataset.formats.registry import FORMATS
from rmsnet.dataset.formats.soccernet_results import RESULTS
from rmsnet.dataset.formats.sources import SourceFile, matches, open_files, source_names
from rmsnet.dataset.formats.table import delimiter_of
from rmsnet.errors import UserError

BY_NAME = ("soccernet-v1", "soccernet-v2", "soccernet-ball")
"""Formats whose files nobody else calls so."""

SAY = f"name it with --from ({', '.join(FORMATS)})"


def guess(source: Path) -> str:
    """The format of a source, by the names of its files or by what is in them.

    Raises:
        UserError: it is none that is known, or could be several; a file that cannot be read.
    """
    names = source_names(source)
    named = [name for name in BY_NAME if any(matches(path, FORMATS[name].patterns) for path in names)]
    results = [path for path in names if path.name == RESULTS]
    if len(named) == 1 and not results:
        return named[0]
    if named:
        raise UserError(f"{source}: holds {' and '.join(named + ['predictions'] * bool(results))}; {SAY}")
    wanted = results[:1] or [path for path in names if _may_be_labels(path)]
    found = {_format_of(file, alone=source.is_file()) for file in open_files(source, wanted)} - {""}
    if len(found) == 1:
        return found.pop()
    what = f"could be {' or '.join(sorted(found))}" if found else "is of no format that is known for certain"
    raise UserError(f"{source}: {what}; {SAY}")


def _may_be_labels(path: PurePosixPath) -> bool:
    return any(matches(path, form.patterns) for form in FORMATS.values())


def _format_of(file: SourceFile, alone: bool) -> str:
    """The only format that a file can have; "" there is none, or more than one, or among others it is unreadable."""
    start = file.content[: 1 << 16].replace(b"\0", b"").lower()
    if b"<all_instances" in start:
        return "sportscode"
    try:
        text = file.text()
        document = json_of(file) if text.lstrip()[:1] in ("{", "[") else None
    except UserError:
        if alone:
            raise
        return ""
    if document is not None:
        return _format_of_json(document, file)
    if text.startswith(CATEGORY):
        return "longomatch"
    return {",": "csv", ";": "csv", "\t": "tsv"}.get(delimiter_of(text) or "", "")


def _format_of_json(document: Any, file: SourceFile) -> str:
    if isinstance(document, list):
        is_frames = document and all(isinstance(item, dict) and "video" in item for item in document)
        return "e2e-spot" if is_frames else ""
    if not isinstance(document, dict):
        return ""
    if "$type" in document:
        raise UserError(f"{file.where}: a LongoMatch project; export it as CSV or as Sportscode XML")
    lists = {key for key, value in document.items() if isinstance(value, list)}
    if "data" in lists:
        if file.path.name == RESULTS:
            return "osl-results"
        metadata = document.get("metadata")
        is_predicted = isinstance(metadata, dict) and metadata.get("type") == "predictions"
        return "osl-predictions" if is_predicted else "osl"
    if "videos" in lists:
        return "osl"
    if "predictions" in lists:
        return "soccernet-results"
    if "annotations" in lists:
        labels = {str(row.get("label")) for row in document["annotations"] if isinstance(row, dict)}
        found = [name for name in BY_NAME if labels and labels <= set(FORMATS[name].classes)]
        return found[0] if len(found) == 1 else ""
    is_timeline = isinstance(document.get("timeline"), dict) and "rows" in document["timeline"]
    return "sctimeline" if is_timeline else ""
