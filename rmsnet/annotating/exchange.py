"""Labels in and out of the page: any format is read, every one that is written can be taken away."""

import io
import zipfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from rmsnet.annotating.desk import Desk
from rmsnet.annotating.edits import Change, Edit
from rmsnet.annotating.store import difference
from rmsnet.dataset.formats.document import Annotations, Timeline
from rmsnet.dataset.formats.guessing import guess
from rmsnet.dataset.formats.reading import require_known
from rmsnet.dataset.formats.registry import FORMATS, format_name
from rmsnet.dataset.formats.saving import require_names
from rmsnet.errors import UserError
from rmsnet.reading.names import fault_of


@dataclass(frozen=True)
class Imported:
    """What a file adds.

    Attributes:
        edit: that adds the events which are not there yet.
        notes: what was odd in the file, a line each.
    """

    edit: Edit
    notes: tuple[str, ...]


def imported(desk: Desk, content: bytes, name: str) -> Imported:
    """The events of a file, as an edit.

    Args:
        desk: the match.
        content: of the file.
        name: of the file: some formats are known by it.

    Raises:
        UserError: of no known format, of another match, or with a class that these labels do not have.
    """
    if "/" in name or fault_of(name):
        raise UserError(f"{name!r}: is no file name")
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            form = next((known for known in FORMATS if name in FORMATS[known].patterns), "") or guess(path)
            labels = replace(desk.labels, path=path, form=form)
            found = labels.read()
        except UserError as error:
            raise UserError(str(error).replace(f"{folder}/", "")) from None
    require_known(Annotations((Timeline(name, 1, found.marks),)), desk.classes, name)
    state = desk.store.state
    marks = desk.labels.placed(found.by_id, state.kick_offs).values()
    added = difference(state.marks, {}, {}, tuple(replace(mark, head="") for mark in marks), desk.store.new_id)
    changes = tuple(Change(change.id, None, change.after) for change in added.changes)
    return Imported(
        Edit(f"import {name}", changes), tuple(note.replace(f"{folder}/", "") for note in found.document.notes)
    )


def exported(desk: Desk, form: str) -> tuple[str, bytes]:
    """The labels in a format: the name of a file and its content; a zip where there are several.

    Raises:
        UserError: no such format, or one that cannot hold them.
    """
    chosen = FORMATS[format_name(form, "format")]
    if chosen.write is None:
        raise UserError(f"{form} is read, not written")
    document = desk.store.labelled()
    require_known(document, chosen.classes, form)
    written = chosen.write(document, desk.labels.stated)
    require_names(written)
    if len(written) == 1:
        ((name, content),) = written.items()
        return PurePosixPath(name).name, content
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in written.items():
            archive.writestr(name, content)
    return f"{PurePosixPath(desk.game.name).name} {form}.zip", packed.getvalue()
