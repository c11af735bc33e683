"""A source of any format as one document, its labels checked."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

from rmsnet.dataset.formats.document import Annotations, joined
from rmsnet.dataset.formats.registry import FORMATS
from rmsnet.dataset.formats.sources import matches, open_files, source_names
from rmsnet.dataset.formats.stated import NOTHING, Stated, unknown_labels
from rmsnet.errors import UserError


def read_source(source: Path, name: str, stated: Stated = NOTHING) -> Annotations:
    """All files of a format in a source, as one document.

    Raises:
        UserError: there are none, one is none, or it holds a class that the format does not have.
    """
    form = FORMATS[name]
    found = source_names(source)
    names = found if source.is_file() and len(found) == 1 else [path for path in found if matches(path, form.patterns)]
    if not names:
        raise UserError(f"{source}: no file of {name} ({', '.join(form.patterns)}) in it")
    document = joined(
        (form.read(file, stated) for file in open_files(source, names)), str(source), form.halves_in_names
    )
    require_known(document, stated.classes or form.classes, str(source))
    return replace(document, classes=stated.classes) if stated.classes else document


def require_known(document: Annotations, classes: tuple[str, ...], where: str) -> None:
    unknown = unknown_labels(Counter(mark.label for mark in document.marks), classes) if classes else ""
    if unknown:
        raise UserError(f"{where}: unknown class {unknown}; correct it, or list your classes in --classes FILE")
