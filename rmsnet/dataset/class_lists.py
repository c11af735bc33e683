"""What is spotted: class lists, and how the labels of annotation files map to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rmsnet.dataset import ball_actions
from rmsnet.dataset.description import Description, LabelsEntry
from rmsnet.dataset.labels import CLASSES, LABEL_FILES, LABELS, event_class
from rmsnet.documents import LARGEST_BYTES, bytes_of, in_utf8, read_document
from rmsnet.errors import UserError
from rmsnet.reading.names import fault_of, is_text


@dataclass(frozen=True)
class ClassList:
    """What is spotted, and how the labels of annotation files map to it.

    Attributes:
        name: "v1", "v2", one of `BALL_LISTS`, the name of a file, or of the dataset that lists them.
        classes: class names; those of predictions.
        of_label: class of each annotated label, None for those that are no event.
        label_file: name of the annotation file of a game.
        ignore_others: leave out labels that are unknown, in annotations and predictions, instead of refusing them.
        entry: how the label file is written; None: as SoccerNet's are.
        teams: a class is a label with the team, such as "PASS-left".
        splits: the games of each split by its name, where they are not SoccerNet's 550.
        frame_rate: of the grid on which its community compares times, frames per second.
        tolerances: at which it does so, see `assessment.parse_tolerances`.
    """

    name: str
    classes: tuple[str, ...]
    of_label: Mapping[str, int | None]
    label_file: str
    ignore_others: bool = False
    entry: LabelsEntry | None = None
    teams: bool = False
    splits: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    frame_rate: float = 2.0
    tolerances: str = "loose"

    @property
    def knows_visibility(self) -> bool:
        """Whether its label files say which events the broadcast showed."""
        return self.name != "v1" and self.entry is None

    def label_of(self, row: Mapping[str, Any]) -> Any:
        """What an annotation or prediction is labelled.

        Raises:
            KeyError: it does not say.
        """
        return f"{row['label']}-{row['team']}" if self.teams else row["label"]


BALL_LISTS: Mapping[str, tuple[str, ...]] = {
    "ball": ball_actions.BALL_CLASSES,
    "ball-teams": ball_actions.TEAM_CLASSES,
}
"""Ball actions, and ball actions by who does them."""


def class_list(name: str, label_file: str | None = None, ignore_others: bool = False) -> ClassList:
    """The class list of a name, or that a file holds: a name a line, or a JSON list of names.

    Args:
        name: "v1", "v2", one of `BALL_LISTS`, or a path.
        label_file: name of a game's annotation file; by default Labels.json for v1, Labels-ball.json for ball actions,
            else Labels-v2.json.
        ignore_others: see `ClassList`.

    Raises:
        UserError: no such file, or no list of different names in it.
    """
    if label_file is not None and ("/" in label_file or fault_of(label_file)):
        raise UserError(f"--label-file {label_file}: is no file name")
    if name in BALL_LISTS:
        return ClassList(
            name,
            BALL_LISTS[name],
            {label: number for number, label in enumerate(BALL_LISTS[name])},
            label_file or ball_actions.BALL_LABELS,
            ignore_others,
            teams=name == "ball-teams",
            splits=ball_actions.SPLITS,
            frame_rate=ball_actions.FRAME_RATE,
            tolerances="at1",
        )
    classes = CLASSES[name] if name in CLASSES else _read_classes(Path(name))
    index = {label: number for number, label in enumerate(classes)}
    of_label: dict[str, int | None] = dict(index)
    if name in LABELS:
        events = {label: event_class(label, name) for label in LABELS[name]}
        of_label = {label: None if event is None else index[event] for label, event in events.items()}
    return ClassList(name, classes, of_label, label_file or LABEL_FILES.get(name, LABEL_FILES["v2"]), ignore_others)


def classes_of(description: Description, name: str) -> ClassList:
    """The classes that a dataset lists, or where it lists none those of SoccerNet that are called "v1" or "v2"."""
    if description.labels is None:
        return class_list(name)
    learned = [entry.name for entry in description.classes if not entry.merged_into and not entry.left_out]
    index = {label: number for number, label in enumerate(learned)}
    of_label = {entry.name: index.get(entry.merged_into or entry.name) for entry in description.classes}
    return ClassList(description.name, tuple(learned), of_label, description.labels.file, False, description.labels)


def difference(of_model: Sequence[str], of_data: Sequence[str]) -> str:
    """Which of a model's classes the data do not have, and which of theirs it does not know, in parentheses."""
    missing = [name for name in of_model if name not in of_data]
    new = [name for name in of_data if name not in of_model]
    lines = [f"{what} {', '.join(names)}" for what, names in (("missing:", missing), ("new:", new)) if names]
    return f" ({'; '.join(lines)})" if lines else " (in another order)"


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
