"""Every number equals the SoccerNet package's.

Thousands of random cases instead of dozens: RMSNET_EXAMPLES=3000 pytest tests/evaluation/test_official.py
"""

import contextlib
import io
import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmsnet.dataset.class_lists import ClassList, class_list
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.labels import V2_CLASSES
from rmsnet.dataset.soccernet import read_split
from rmsnet.evaluation import average_map
from rmsnet.evaluation.assessment import NAMED_TOLERANCES
from rmsnet.evaluation.files import read_predictions, read_truth
from rmsnet.files import write_json

EXAMPLES = int(os.environ.get("RMSNET_EXAMPLES", "50"))
EXACT = 1e-12


@pytest.fixture(scope="module")
def official():
    """SoccerNet.Evaluation.ActionSpotting, which switches NumPy's warnings off for everybody when it is imported."""
    with np.errstate():
        return pytest.importorskip("SoccerNet.Evaluation.ActionSpotting")


def numbers_of_package(official, labels: Path, predictions: Path, **options: Any) -> list[float]:
    quiet = contextlib.redirect_stderr(io.StringIO())  # its progress bars
    with quiet, np.errstate(divide="ignore", invalid="ignore"):
        result = official.evaluate(str(labels), str(predictions), **options)
    return [float(number) for value in result.values() if value is not None for number in np.atleast_1d(value)]


def numbers_of_ours(
    labels: Path, predictions: Path, games: list[str], classes: ClassList, metric: str, frame_rate: float = 2.0
) -> list[float]:
    scores = average_map(
        read_truth(labels, games, classes),
        read_predictions(predictions, games, classes).predictions,
        halves=2 * len(games),
        classes=len(classes.classes),
        frame_rate=frame_rate,
        tolerances=NAMED_TOLERANCES[metric],
    )
    assert scores.visible is not None
    assert scores.unshown is not None
    kinds = (scores,) if classes.name == "v1" else (scores, scores.visible, scores.unshown)
    return [float(number) for kind in kinds for number in (kind.average_map, *kind.per_class)]


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["loose", "at1"])
def test_on_the_real_annotations_and_real_predictions(official, shared, metric):
    labels = shared / "soccernet" / "labels_v1.zip"
    found = shared / "soccernet" / "predictions" / "MAXPOOL_v1_results_spotting_test.zip"
    games = read_split(shared / "soccernet", "test")
    theirs = numbers_of_package(official, labels, found, version=1, metric=metric, label_files="Labels.json")
    assert numbers_of_ours(labels, found, games, class_list("v1"), metric) == pytest.approx(theirs, abs=EXACT, rel=0)


@pytest.mark.slow
def test_on_real_annotations_of_17_classes_with_made_up_predictions(official, shared, tmp_path):
    """Ten real games; four of five events found some seconds off, as many false alarms, confidences of three digits."""
    games = read_split(shared / "soccernet", "test")[::10]
    labels = shared / "soccernet" / "labels_v2.zip"
    random = np.random.default_rng(0)
    truth = read_truth(labels, games, class_list("v2"))
    for number, game in enumerate(games):
        rows = []
        for event in np.flatnonzero(truth.half // 2 == number):
            half, label = truth.half[event] % 2 + 1, int(truth.label[event])
            for when in (truth.position_ms[event] + random.normal(0, 4000), random.integers(2_700_000)):
                if random.random() < 0.8:
                    rows.append(spot(int(half), max(int(when), 0), V2_CLASSES[label], round(random.random(), 3)))
        write_json(tmp_path / "found" / game / "results_spotting.json", {"predictions": rows})
        content = GameFiles(labels).read(game, "Labels-v2.json")
        assert content is not None
        write_json(tmp_path / "labels" / game / "Labels-v2.json", json.loads(content))
    theirs = numbers_of_package(
        official,
        tmp_path / "labels",
        tmp_path / "found",
        dataset=None,
        metric="tight",
        EVENT_DICTIONARY={name: number for number, name in enumerate(V2_CLASSES)},
    )
    ours = numbers_of_ours(labels, tmp_path / "found", games, class_list("v2"), "tight")
    assert ours == pytest.approx(theirs, abs=EXACT, rel=0)
    assert 0.1 < ours[0] < 0.9


def spot(half: int, position_ms: int, label: str, confidence: Any) -> dict[str, Any]:
    seconds = position_ms // 1000
    return {
        "gameTime": f"{half} - {seconds // 60:02d}:{seconds % 60:02d}",
        "label": label,
        "position": position_ms,
        "half": half,
        "confidence": confidence,
    }


# Crowded, so that windows overlap, frames collide and midpoints tie; some far out, past the end of the grid too.
TIMES = (
    st.integers(0, 40).map(lambda tick: 500 * tick)
    | st.integers(0, 120_000)
    | st.integers(0, 3_000_000)
    | st.integers(7_100_000, 8_000_000)
)
# Thresholds and their neighbours, ties, the borders, beyond them.
CONFIDENCES = (
    st.sampled_from([0, 1, 0.5, 0.25, 1.5, -0.1, -1])
    | st.integers(0, 199).map(lambda number: float(np.linspace(0, 1, 200)[number]))
    | st.floats(-0.2, 1.2, allow_nan=False)
)


@st.composite
def annotation(draw, labels: tuple[str, ...]) -> dict[str, Any]:
    position_ms = draw(TIMES)
    row = spot(draw(st.sampled_from([1, 2])), position_ms, draw(st.sampled_from(labels)), None)
    del row["confidence"], row["half"]
    if draw(st.booleans()):
        del row["position"]
    else:
        row["position"] = str(position_ms)
    visibility = draw(st.sampled_from(["visible", "not shown", None]))
    return row if visibility is None else {**row, "visibility": visibility}


@st.composite
def prediction(draw, labels: tuple[str, ...]) -> dict[str, Any]:
    position_ms = draw(TIMES | st.integers(-3000, -1))
    row = spot(draw(st.sampled_from([1, 2])), abs(position_ms), draw(st.sampled_from(labels)), draw(CONFIDENCES))
    row["position"] = position_ms
    as_text = draw(st.booleans())
    return {key: str(value) if as_text and key != "gameTime" else value for key, value in row.items()}


V1_ANNOTATED = (
    "y-card",
    "r-card",
    "yr-card",
    "substitution-in",
    "soccer-ball",
    "soccer-ball-own",
    "penalty-missed",
    "no-events",
)
V1_PREDICTED = ("card", "subs", "soccer")


@st.composite
def dataset(draw) -> dict[str, Any]:
    """Up to three games of v1, or of up to three own classes and one that is on no list."""
    v1 = draw(st.booleans())
    classes = V1_PREDICTED if v1 else draw(st.sampled_from([("Goal",), ("Goal", "Foul"), ("Goal", "Foul", "Corner")]))
    # Few labels at a time, so that classes meet in a half, or are absent altogether.
    known = V1_ANNOTATED if v1 else (*classes, "Throw-in")
    annotated = tuple(draw(st.lists(st.sampled_from(known), min_size=1, max_size=4, unique=True)))
    predicted = tuple(draw(st.lists(st.sampled_from(classes if v1 else known), min_size=1, unique=True)))
    games = draw(
        st.lists(
            st.tuples(st.lists(annotation(annotated), max_size=12), st.lists(prediction(predicted), max_size=25)),
            min_size=1,
            max_size=3,
        )
    )
    return {
        "classes": classes,
        "v1": v1,
        "games": games,
        "metric": draw(st.sampled_from(["at1", "at2", "at3", "at4", "at5", "tight", "tight", "loose"])),
        "frame_rate": draw(st.sampled_from([2, 2, 2, 1, 3, 5, 25])),
    }


@pytest.mark.slow
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=dataset())
def test_on_random_files(official, case):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        label_file = "Labels.json" if case["v1"] else "Labels-own.json"
        games = [f"league/season/{number}" for number in range(len(case["games"]))]
        for game, (annotations, predictions) in zip(games, case["games"], strict=True):
            write_json(folder / "labels" / game / label_file, {"annotations": annotations})
            write_json(folder / "found" / game / "results_spotting.json", {"predictions": predictions})
        write_json(folder / "own.json", list(case["classes"]))
        theirs = numbers_of_package(
            official,
            folder / "labels",
            folder / "found",
            dataset=None,
            version=1 if case["v1"] else 2,
            label_files=label_file,
            metric=case["metric"],
            framerate=case["frame_rate"],
            EVENT_DICTIONARY={label: number for number, label in enumerate(case["classes"])},
        )
        name = "v1" if case["v1"] else str(folder / "own.json")
        ours = numbers_of_ours(
            folder / "labels",
            folder / "found",
            games,
            class_list(name, label_file, ignore_others=True),
            case["metric"],
            case["frame_rate"],
        )
    assert ours == pytest.approx(theirs, abs=EXACT, rel=0)
