"""dataset.json: what a dataset is: classes, label files, features, periods; without the file it is SoccerNet.

{
  "name": "Handball Nord", "simulated": false,
  "classes": [{"name": "goal", "colour": "#b54706"}, {"name": "7m goal", "merged_into": "goal"}],
  "labels": {"file": "events.csv", "format": "csv", "times": "mm:ss"},
  "features": [{"name": "clip25", "width": 768, "frame_rate": 25, "first_frame_seconds": 0.0}],
  "periods": [{"minutes": 30, "first_minute": 0}, {"minutes": 30, "first_minute": 30}],
  "files": "match"
}
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from rmsnet.dataset.periods import HALVES, Period, as_entries, require_in_order
from rmsnet.documents import read_document, require_known, structured
from rmsnet.reading.names import fault_of, is_text

DESCRIPTION = "dataset.json"

_COLOUR = re.compile("#[0-9a-fA-F]{6}")
_RATE_IN_NAME = re.compile(r"(?<![A-Za-z0-9.])(\d{1,3}(?:\.\d{1,3})?)fps(?![A-Za-z0-9])")


@dataclass(frozen=True)
class ClassEntry:
    """A label that annotations may have, and what becomes of it.

    Attributes:
        name: as the label files write it.
        shown_as: as people read it; "" the name.
        colour: #rrggbb wherever it is drawn; "" chosen from the name.
        merged_into: the class whose events these are; "" one of its own.
        left_out: no class: its events are not learned, spotted or counted.
        hidden: learned and judged, and not shown on pages and in highlights.
    """

    name: str
    shown_as: str = ""
    colour: str = ""
    merged_into: str = ""
    left_out: bool = False
    hidden: bool = False

    def __post_init__(self) -> None:
        if not self.name.strip() or not is_text(self.name) or not is_text(self.shown_as):
            raise ValueError(f"classes: {self.name!r} is no line of text")
        if self.colour and not _COLOUR.fullmatch(self.colour):
            raise ValueError(f"classes: {self.name!r}: colour {self.colour!r} is not like #b54706")
        if self.merged_into and self.left_out:
            raise ValueError(f"classes: {self.name!r} is merged into {self.merged_into!r} and left out; choose one")


@dataclass(frozen=True)
class LabelsEntry:
    """The label file of a game.

    Attributes:
        file: its name in the game's folder.
        format: one of `rmsnet data convert`.
        times: how a table writes times, where its columns do not say so.
        fps: frames per second, for times in frames.
        clock: what times count from: the start of their "period", or of the "file" that holds all periods.
    """

    file: str
    format: str = "csv"
    times: str = ""
    fps: str = ""
    clock: Literal["period", "file"] = "period"

    def __post_init__(self) -> None:
        if "/" in self.file or fault_of(self.file):
            raise ValueError(f"labels: {self.file!r} is no file name")


@dataclass(frozen=True)
class FeatureKind:
    """Features that are there already, a file for each period or match.

    Attributes:
        name: of the files, {period}_<name>.npy or <name>.npy.
        width: features of a row; 0: whatever the files have.
        frame_rate: rows a second.
        first_frame_seconds: time of row 0 from the start of the file.
    """

    name: str
    width: int = 0
    frame_rate: float = 2.0
    first_frame_seconds: float = 0.5

    def __post_init__(self) -> None:
        if "/" in self.name or fault_of(self.name):
            raise ValueError(f"features: {self.name!r} is no file name")
        if self.width < 0:
            raise ValueError(f"features: {self.name!r}: width {self.width} is negative")
        if not 0 < self.frame_rate <= 1000:
            raise ValueError(f"features: {self.name!r}: frame_rate {self.frame_rate} does not lie in (0, 1000]")
        if not abs(self.first_frame_seconds) <= 24 * 3600:
            raise ValueError(f"features: {self.name!r}: first_frame_seconds {self.first_frame_seconds} is no time")


SOCCERNET_FEATURES = (
    FeatureKind("ResNET", 2048),
    FeatureKind("ResNET_PCA512", 512),
    FeatureKind("ResNET_TF2", 2048),
    FeatureKind("ResNET_TF2_PCA512", 512),
    # One row a second, of which each is about the whole second.
    FeatureKind("baidu_soccer_embeddings", 8576, 1.0, 0.5),
)
"""SoccerNet's published feature files; its extractor keeps the frames at about 0.5, 1.0, 1.5, … seconds."""


@dataclass(frozen=True)
class Description:
    """What a dataset says of itself.

    Attributes:
        name: what it calls itself.
        simulated: whether its features are made up.
        links: "follow": files behind links that lead out of the dataset are used; "": they are refused.
        classes: its labels; () SoccerNet's class lists.
        labels: its label files; None SoccerNet's.
        features: kinds of features that lie there.
        periods: of a match, in order.
        files: whether a file holds a "period" or a whole "match".
    """

    name: str
    simulated: bool
    links: Literal["", "follow"] = ""
    classes: tuple[ClassEntry, ...] = ()
    labels: LabelsEntry | None = None
    features: tuple[FeatureKind, ...] = SOCCERNET_FEATURES
    periods: tuple[Period, ...] = HALVES
    files: Literal["period", "match"] = "period"

    def __post_init__(self) -> None:
        if not self.name or not is_text(self.name):
            raise ValueError("'name' is no line of text")
        require_in_order(self.periods)
        if bool(self.classes) != (self.labels is not None):
            raise ValueError("say both 'classes' and 'labels', or neither")
        self._require_sound_classes()
        names = [kind.name for kind in self.features]
        if len(set(names)) < len(names):
            raise ValueError("features: one is there twice")
        if self.labels and self.labels.clock == "file" and self.files != "match":
            raise ValueError('labels: clock "file" needs "files": "match"')

    def _require_sound_classes(self) -> None:
        seen: dict[str, str] = {}
        for entry in self.classes:
            alike = seen.setdefault(" ".join(entry.name.casefold().split()), entry.name)
            if alike is not entry.name:
                raise ValueError(f"classes: {alike!r} and {entry.name!r} differ in nothing but case; keep one")
        learned = {entry.name for entry in self.classes if not entry.merged_into and not entry.left_out}
        for entry in self.classes:
            if entry.merged_into and entry.merged_into not in learned:
                raise ValueError(f"classes: {entry.name!r} is merged into {entry.merged_into!r}, which is none")
        if self.classes and not learned:
            raise ValueError("classes: all are left out")

    @property
    def numbers(self) -> tuple[int, ...]:
        """The periods of a match by number, from 1."""
        return tuple(range(1, len(self.periods) + 1))

    def file_name(self, number: int, kind: str) -> str:
        """The name of a file of a period: {number}_{kind}, or {kind} where one file holds the match."""
        return kind if self.files == "match" else f"{number}_{kind}"

    def kind(self, features: str) -> FeatureKind:
        """The kind of features of this name; one that is not listed has the rate that its name says, else 2 a second.

        Row 0 of such a kind lies one step after the start, as in SoccerNet's own at 2 a second.
        """
        return self.said_kind(features) or FeatureKind(features)

    def said_kind(self, features: str) -> FeatureKind | None:
        """The kind of features of this name, if its rate is said anywhere."""
        listed = next((kind for kind in (*self.features, *SOCCERNET_FEATURES) if kind.name == features), None)
        said = _RATE_IN_NAME.search(features.replace("_", " "))
        if listed is None and said and float(said[1]) > 0:
            return FeatureKind(features, 0, float(said[1]), 1 / float(said[1]))
        return listed

    @property
    def told_on(self) -> dict[str, Any]:
        """What banks and models say of the periods and the looks of classes, where those are not SoccerNet's."""
        looks = {
            entry.name: {"shown_as": entry.shown_as, "colour": entry.colour, "hidden": entry.hidden}
            for entry in self.classes
            if entry.shown_as or entry.colour or entry.hidden
        }
        periods = {} if self.periods == HALVES else {"periods": as_entries(self.periods)}
        return {**periods, **({"looks": looks} if looks else {})}


SOCCERNET = Description("SoccerNet", simulated=False)

_ADVICE = "docs/datasets.md says what may stand there"


def read_description(root: Path) -> tuple[Description, dict[str, Any]]:
    """What a dataset says of itself, and the whole of its dataset.json.

    Raises:
        UserError: the file is no such description.
    """
    path = Path(root) / DESCRIPTION
    if not path.exists():
        return SOCCERNET, {"name": SOCCERNET.name, "simulated": SOCCERNET.simulated}
    document = read_document(path, dict[str, Any], advice=_ADVICE)
    said = {key: value for key, value in document.items() if not _is_note(key, value)}
    for key, kind in (("classes", ClassEntry), ("features", FeatureKind), ("periods", Period)):
        listed = said.get(key)
        for number, entry in enumerate(listed if isinstance(listed, list) else ()):
            if isinstance(entry, Mapping):
                require_known(entry, kind, f"{path}: {key}[{number}]", _ADVICE)
    return structured(said, Description, str(path), "it must say 'name' and 'simulated': true or false"), document


def _is_note(key: str, value: Any) -> bool:
    """Whether this is what the simulator notes of its arguments: the kind of features, the labels it was given."""
    if key == "labels":
        return value is None or (isinstance(value, Mapping) and "hash" in value)
    return key == "features" and isinstance(value, str)
