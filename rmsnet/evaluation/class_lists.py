"""What is spotted: class lists, and how the labels of annotation files map to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from rmsnet.dataset.labels import CLASSES, LABEL_FILES, LABELS, event_class
from rmsnet.documents import LARGEST_BYTES, bytes_of, in_utf8, read_document
from rmsnet.errors import UserError
from rmsnet.reading.names import fault_of, is_text


@dataclass(frozen=True)
class ClassList:
    """What is spotted, and how the labels of annotation files map to it.

    Attributes:
        name: "v1", "v2" or the name of a file.
        classes: class names; those of predictions.
        of_label: class of each annotated label, None for those that are no event.
        label_file: name of the annotation file of a game.
        ignore_others: leave out labels that are unknown, in annotations and predictions, instead of refusing them.
    """

    name: str
    classes: tuple[str, ...]
    of_label: Mapping[str, int | None]
    label_file: str
    ignore_others: bool = False


def class_list(name: str, label_file: str | None = None, ignore_others: bool = False) -> ClassList:
    """The class list that is called "v1" or "v2", or that a file holds: a name a line, or a JSON list of names.

    Args:
        name: "v1", "v2" or a path.
        label_file: name of a game's annotation file; by default Labels.json for v1, else Labels-v2.json.
        ignore_others: see `ClassList`.

    Raises:
        UserError: no such file, or no list of different names in it.
    """
    if label_file is not None and ("/" in label_file or fault_of(label_file)):
        raise UserError(f"--label-file {label_file}: is no file name")
    classes = CLASSES[name] if name in CLASSES else _read_classes(Path(name))
    index = {label: number for number, label in enumerate(classes)}
    of_label: dict[str, int | None] = dict(index)
    if name in LABELS:
        events = {label: event_class(label, name) for label in LABELS[name]}
        of_label = {label: None if event is None else index[event] for label, event in events.items()}
    return ClassList(name, classes, of_label, label_file or LABEL_FILES.get(name, LABEL_FILES["v2"]), ignore_others)


def _read_classes(path: Path) -> tuple[str, ...]:
    advice = "write one name a line, or a JSON list of them"
    content = bytes_of(path, str(path), LARGEST_BYTES, absent="neither v1 nor v2 nor a file with class names")
    if path.suffix == ".json":
        listed = read_document(content, list[str], str(path), advice)
    else:
        try:
            text = in_utf8(content).decode()
        except UnicodeError as error:
            raise UserError(f"{path}: not a readable list of class names ({error})") from None
        listed = [line.strip() for line in text.splitlines() if line.strip()]
    if not listed or not all(name and is_text(name) for name in listed):
        raise UserError(f"{path}: not a list of class names; {advice}")
    if len(set(listed)) < len(listed):
        raise UserError(f"{path}: names a class twice")
    return tuple(listed)
