"""Label files of other tools: a valid one of every format, the strategy that breaks it, and its reader."""

import json
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

from hypothesis import strategies as st

from rmsnet.dataset.formats.guessing import guess
from rmsnet.dataset.formats.reading import read_source
from rmsnet.dataset.formats.stated import Stated
from rmsnet.errors import UserError
from tests.dataset.formats.builders import labels_of, read, written
from tests.fuzz import breaking

STATED = Stated(fps=Fraction(25))
GOAL = {"gameTime": "1 - 00:10", "label": "Goal", "position": "10500", "visibility": "visible", "team": "home"}
SCTIMELINE = {"timeline": {"rows": [{"name": "Goal", "instances": [{"startTime": 1, "endTime": 2, "labels": []}]}]}}
LONGOMATCH = "CATEGORY: Goal\nName;Time;Start;Stop;Team;Player\nGoal 1;6:28,120;6:20,000;6:35,000;Home;Ann\n"

FORMATS: dict[str, tuple[str, Callable[[bytes], st.SearchStrategy[bytes]]]] = {
    "soccernet-v2": ("Labels-v2.json", breaking.broken_json),
    "soccernet-results": ("results_spotting.json", breaking.broken_json),
    "osl": ("osl.json", breaking.broken_json),
    "e2e-spot": ("e2e.json", breaking.broken_json),
    "csv": ("table.csv", breaking.broken_csv),
    "sportscode": ("sportscode.xml", breaking.broken_bytes),
    "sctimeline": ("new.sctimeline", breaking.broken_json),
    "longomatch": ("longomatch.csv", breaking.broken_bytes),
}
"""By name: a file of the format and what breaks it."""


def write_examples(root: Path) -> None:
    """A file of every format into labels/FORMAT/."""
    document = read("soccernet-v2", labels_of(GOAL))
    contents = {"sctimeline": json.dumps(SCTIMELINE).encode(), "longomatch": LONGOMATCH.encode()}
    for name, (file, _) in FORMATS.items():
        content = contents.get(name) or next(iter(written(name, document, STATED).values()))
        (root / "labels" / name).mkdir(parents=True)
        (root / "labels" / name / file).write_bytes(content)


def read_labels(root: Path, name: str) -> None:
    source = root / "labels" / name
    with suppress(UserError):
        guess(source)
    found = read_source(source, name, STATED)
    written("csv", found, STATED)
