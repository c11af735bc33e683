"""Label files and documents for tests of formats."""

import json
from fractions import Fraction
from pathlib import Path, PurePosixPath
from typing import Any

from hypothesis import strategies as st

from rmsnet.dataset.formats.document import Annotations, Mark, Timeline, joined
from rmsnet.dataset.formats.registry import FORMATS
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import NOTHING, Stated


def read(name: str, content: Any, path: str = "", stated: Stated = NOTHING) -> Annotations:
    """One file of a format: bytes, a text, or what its JSON holds."""
    form = FORMATS[name]
    if isinstance(content, str):
        content = content.encode()
    elif not isinstance(content, bytes):
        content = json.dumps(content).encode()
    path = path or f"match{form.patterns[0][1:]}" if form.patterns[0].startswith("*") else path or form.patterns[0]
    return joined([form.read(SourceFile(content, PurePosixPath(path), path), stated)], path, form.halves_in_names)


def written(name: str, document: Annotations, stated: Stated = NOTHING) -> dict[str, bytes]:
    write = FORMATS[name].write
    assert write is not None
    return write(document, stated)


def put(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def times(document: Annotations) -> list[int]:
    return [mark.position_ms for mark in document.marks]


def osl(*events: dict[str, Any], labels: tuple[str, ...] = ("PASS", "SHOT"), **item: Any) -> dict[str, Any]:
    """A file with one item."""
    return {
        "version": "2.0",
        "labels": {"action": {"type": "single_label", "labels": list(labels)}},
        "data": [
            {"id": "m1", "inputs": [{"type": "video", "path": "m1.mp4", "fps": 25.0}], "events": list(events), **item}
        ],
    }


def labels_of(*annotations: dict[str, Any], **root: Any) -> dict[str, Any]:
    return {"UrlLocal": "league/season/game/", "annotations": annotations, **root}


# What a name of a class, a team, a game may be: anything but control characters, with no spaces around.
texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff"), min_size=1, max_size=8
)
words = texts.map(str.strip).filter(bool)
names = st.lists(
    st.text("abcXYZ019 ._-é中", min_size=1, max_size=8).filter(lambda part: part.strip(".") and part == part.strip()),
    min_size=1,
    max_size=3,
).map("/".join)
rates = st.sampled_from([Fraction(25), Fraction("29.97"), Fraction(2), Fraction(1), Fraction(50), Fraction("59.94")])


@st.composite
def documents(
    draw: st.DrawFn,
    *,
    labels: tuple[str, ...] = (),
    grid: str = "ms",
    halves: int = 3,
    confidence: bool | None = None,
    marked: tuple[str, ...] = (),
    extra: bool = False,
) -> Annotations:
    """Documents of what a format can hold.

    Args:
        labels: of its classes; () any.
        grid: "ms", "second" or "frame": where its times lie.
        halves: most halves of a game.
        confidence: True: each mark has one; None: some have.
        marked: which of team, visible, end_ms, head, fps it holds.
        extra: it holds further texts by name.
    """
    timelines = []
    for name in draw(st.lists(names, min_size=1, max_size=3, unique=True)):
        for half in range(1, draw(st.integers(1, halves)) + 1):
            fps = draw(rates) if grid == "frame" or ("fps" in marked and draw(st.booleans())) else None
            marks = tuple(draw(st.lists(_marks(half, labels, grid, fps, confidence, marked, extra), max_size=4)))
            timelines.append(Timeline(name, half, marks, fps))
    return Annotations(tuple(timelines))


def _marks(
    half: int,
    labels: tuple[str, ...],
    grid: str,
    fps: Fraction | None,
    confidence: bool | None,
    marked: tuple[str, ...],
    extra: bool,
) -> st.SearchStrategy[Mark]:
    def made(
        number: int, label: str, team: str, visible: bool, score: float | None, length: int | None, head: str, more: Any
    ) -> Mark:
        position_ms = {"ms": number, "second": 1000 * (number // 1000)}.get(grid, 0)
        if grid == "frame":
            assert fps is not None
            position_ms = int(1000 * number / fps + Fraction(1, 2))
        end_ms = position_ms + length if length is not None else None
        return Mark(half, position_ms, label, team, visible, end_ms, score, head, more)

    scores = st.floats(0, 1) if confidence is not False else st.none()
    return st.builds(
        made,
        st.integers(0, 5_999_999),
        st.sampled_from(labels) if labels else words,
        words | st.just("") if "team" in marked else st.just(""),
        st.booleans() if "visible" in marked else st.just(True),
        scores if confidence else st.none() | scores,
        st.none() | st.integers(0, 60_000) if "end_ms" in marked else st.none(),
        words if "head" in marked else st.just(""),
        st.dictionaries(st.sampled_from(["comment", "zone 1", "Player"]), words) if extra else st.just({}),
    )
