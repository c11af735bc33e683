"""mAP at frame tolerances, against the numbers of its official code on made-up lists."""

import gzip
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.cli import main
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.evaluation.frame_lists import read_lists
from rmsnet.evaluation.frame_stage import frame_tolerances
from rmsnet.evaluation.frame_tolerances import judge_frames, not_suppressed
from rmsnet.files import write_json
from rmsnet.spots import Predictions, Truth
from tests.evaluation.frame_lists import made_lists

EXACT = 1e-12

# What compute_mAPs of util/score.py and non_maximum_supression of util/eval.py (jhong93/spot, commit edec420) say of
# `frame_lists.made_lists`, by the window of the suppression (0: without it): at 0, 1, 2, 4 frames mAP, then classes.
OFFICIAL = {
    0: {
        "all": [0.19017169483132287, 0.30538437502598714, 0.38634450761385947, 0.464845816782575],
        "bounce": [0.16761260498428204, 0.2847113692275903, 0.3615920151036623, 0.43647007589956405],
        "serve": [0.17552335522734258, 0.28961314653410386, 0.3741650350999947, 0.45463063764100337],
        "swing": [0.22737912428234391, 0.34182860931626724, 0.4232764726379214, 0.5034367368071575],
    },
    1: {
        "all": [0.16063979828749755, 0.3090907133708509, 0.3885456811980235, 0.4626366676751044],
        "bounce": [0.13515384300264824, 0.2927833914916449, 0.3588909005156734, 0.4428954177662781],
        "serve": [0.15628204926356964, 0.27967451828874135, 0.37183384777551, 0.4410158701662179],
        "swing": [0.19048350259627475, 0.35481423033216647, 0.4349122953028872, 0.5039987150928174],
    },
    2: {
        "all": [0.13880362299694105, 0.27379276859662166, 0.37640785726344034, 0.4574520273258753],
        "bounce": [0.10151515837387497, 0.23803131357577698, 0.3395872414560944, 0.431102967005553],
        "serve": [0.13084054161626826, 0.24639583967408962, 0.3682963622066687, 0.43913511914954645],
        "swing": [0.18405516900067995, 0.33695115253999824, 0.4213399681275578, 0.5021179958225264],
    },
    25: {
        "all": [0.056980126954979726, 0.10329074675831688, 0.14066970130948983, 0.1664242175176586],
        "bounce": [0.04100259203677236, 0.07966108631331482, 0.11909938616403777, 0.15072975099521613],
        "serve": [0.06363806865374266, 0.09243736028459922, 0.1308065194441678, 0.1567924203594073],
        "swing": [0.06629972017442416, 0.1377737936770366, 0.1721031983202639, 0.19175048119835236],
    },
}


@pytest.fixture(scope="module")
def lists(tmp_path_factory) -> Path:
    """test.json and found.json.gz."""
    folder = tmp_path_factory.mktemp("lists")
    truth, predictions = made_lists()
    write_json(folder / "test.json", truth)
    (folder / "found.json.gz").write_bytes(gzip.compress(json.dumps(predictions).encode(), mtime=0))
    return folder


def evaluate(lists: Path, out: Path, *options: str, labels: str = "test.json", found: str = "found.json.gz") -> int:
    sources = ["--labels", str(lists / labels), "--predictions", str(lists / found), "--protocol", "e2e-spot"]
    return main(["evaluate", *sources, "--ignore-other-labels", "--out", str(out), *options])


@pytest.mark.parametrize("window", OFFICIAL)
def test_it_is_the_official_number(window, lists, tmp_path):
    assert evaluate(lists, tmp_path / "out", "--suppress", str(window), "--bootstrap", "0") == 0
    scores, official = read_json(tmp_path / "out" / "metrics.json"), OFFICIAL[window]
    assert scores["tolerances_frames"] == [0, 1, 2, 4]
    assert scores["map_by_tolerance"] == pytest.approx(official["all"], abs=EXACT)
    assert scores["average_map"] == pytest.approx(np.mean(official["all"]), abs=EXACT)
    assert list(scores["per_class"]) == ["bounce", "serve", "swing"]
    for name, of_class in scores["per_class"].items():
        assert of_class == pytest.approx(official[name], abs=EXACT)


def test_one_frame_of_suppression_is_the_default_and_the_table_has_intervals(lists, tmp_path, capsys):
    assert evaluate(lists, tmp_path / "out", "--bootstrap", "20") == 0
    said = capsys.readouterr().out
    assert "found.json.gz, 12 videos, suppression within 1 frame\n" in said
    assert "serve" in said
    assert "30.9 [" in said
    assert "46.3 [" in (tmp_path / "out" / "report.html").read_text()
    assert (tmp_path / "out" / "per_class.csv").read_text().startswith("class,events,predictions,0 frames,1 frames")
    metrics = read_json(tmp_path / "out" / "metrics.json")
    for (low, high), value in zip(metrics["ci95_by_tolerance"], metrics["map_by_tolerance"], strict=True):
        assert low < value < high


def test_labels_of_any_format_are_judged_at_the_rate_that_is_said(lists, tmp_path):
    """The same lists as tables of milliseconds; their rate is not in the file."""
    truth, predictions = ([{**video, "fps": 25.0} for video in made] for made in made_lists())
    for name, made in (("truth", truth), ("found", predictions)):
        write_json(tmp_path / f"{name}.json", made)
        assert (
            main(
                [
                    "data",
                    "convert",
                    str(tmp_path / f"{name}.json"),
                    "--to",
                    "csv",
                    "--out",
                    str(tmp_path / f"{name}.csv"),
                ]
            )
            == 0
        )
    options = ("--suppress", "0", "--bootstrap", "0", "--frame-rate", "25", "--allow-missing")
    with_frames = evaluate(tmp_path, tmp_path / "frames", *options, labels="truth.json", found="found.json")
    with_times = evaluate(tmp_path, tmp_path / "times", *options, labels="truth.json", found="found.csv")
    assert (with_frames, with_times) == (0, 0)
    one, other = (read_json(tmp_path / name / "metrics.json") for name in ("frames", "times"))
    assert one["map_by_tolerance"] == other["map_by_tolerance"] == pytest.approx(OFFICIAL[0]["all"], abs=EXACT)
    assert other["missing_videos"] == ["open_11"]


def video(name: str, *frames: int, fps: float | None = 25.0, **more: object) -> dict[str, object]:
    return {"video": name, "fps": fps, "events": [{"frame": frame, "label": "a", **more} for frame in frames]}


@pytest.mark.parametrize(
    ("truth", "found", "told"),
    [
        ([video("v", 1)], [video("w", 1)], "predictions for a video that the labels do not list: 'w'"),
        ([video("v", 1), video("w", 1)], [video("v", 1)], "no predictions for video 'w'; --allow-missing takes"),
        ([video("v", 1, fps=None)], [video("v", 1)], "says no frame rate (fps None); name it with --frame-rate"),
        ([video("v", 1)], [video("v", 1, fps=50.0)], "'v' has 50 frames per second here and 25 in the labels"),
        ([video("v", 1)], [video("v", 1, label="A")], "unknown class 'A' (1 time, nearest 'a'); --ignore-other-labels"),
        ([video("v")], [video("v", 1)], "holds no event"),
    ],
)
def test_what_cannot_be_compared_is_told_in_a_line(truth, found, told, tmp_path):
    write_json(tmp_path / "truth.json", truth)
    write_json(tmp_path / "found.json", found)
    with pytest.raises(UserError) as refused:
        read_lists(tmp_path / "truth.json", tmp_path / "found.json")
    assert told in str(refused.value)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--tolerances", "tight"), "write ascending frames such as 0,1,2,4"),
        (("--suppress", "-1"), "must not be negative"),
        (("--classes", "v1"), "--classes: is not for --protocol e2e-spot"),
        (("--frame-rate", "0"), "is no frame rate"),
        (("--protocol", "devkit", "--suppress", "1"), "--suppress: is for --protocol e2e-spot"),
    ],
)
def test_bad_options_are_one_line(options, told, lists, tmp_path, capsys):
    assert evaluate(lists, tmp_path / "out", *options) == 2
    said = capsys.readouterr().err
    assert told in said
    assert said.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_tolerances_are_frames_that_ascend():
    assert frame_tolerances("0,1,2,4") == (0, 1, 2, 4)
    for text in ("", "1,0", "1,1", "-1", "1.5", "999999"):
        with pytest.raises(UserError, match="ascending frames"):
            frame_tolerances(text)


spots = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(0, 30), st.integers(0, 5)), max_size=25)


@settings(max_examples=60)
@given(spots, spots, st.integers(0, 6), st.integers(0, 4))
def test_it_is_what_a_walk_over_all_predictions_finds(events, found, tolerance, window):
    """Three videos at 25 frames a second, two classes, few confidences, so that much ties."""
    video, label, frame = (np.array([event[column] for event in events], np.int64) for column in range(3))
    truth = Truth(video, 40 * frame, label, np.ones(len(events), bool))
    video, label, frame, tenths = (np.array([spot[column] for spot in found], np.int64) for column in range(4))
    predictions = Predictions(video, 40 * frame, label, tenths / 10)
    rates = np.full(3, 25.0)
    judged = judge_frames(truth, predictions, frame_rates=rates, classes=2, tolerances=(tolerance,), window=window)
    expected = [walk(events, found, name, tolerance, window) for name in (0, 1)]
    assert judged.scores().ap[0].tolist() == pytest.approx(expected, abs=EXACT)


def walk(events, found, name: int, tolerance: int, window: int) -> float:
    """Average precision of a class, step by step."""
    mine = [spot for spot in found if spot[1] == name]
    if window:
        mine = [spot for spot in mine if not any(is_better(other, spot, window) for other in mine)]
        seen = list(dict.fromkeys(spot[0] for spot in found))
        mine.sort(key=lambda spot: (seen.index(spot[0]), spot[2]))
    free = list(dict.fromkeys((event[0], event[2]) for event in events if event[1] == name))
    total, precisions = sum(event[1] == name for event in events), []
    for place, (video, _, frame, _) in enumerate(sorted(mine, key=lambda spot: -spot[3]), 1):
        near = sorted((event for event in free if event[0] == video), key=lambda event: abs(event[1] - frame))
        if near and abs(near[0][1] - frame) <= tolerance:
            free.remove(near[0])
            precisions.append((len(precisions) + 1) / place)
    return sum(max(precisions[place:]) for place in range(len(precisions))) / max(total, 1)


def is_better(other, spot, window: int) -> bool:
    return other[0] == spot[0] and 0 < abs(other[2] - spot[2]) <= window and other[3] > spot[3]


def test_what_is_suppressed_suppresses_all_the_same():
    kept = not_suppressed(np.zeros(3, np.int64), np.array([0, 1, 2]), np.array([0.1, 0.2, 0.3]), 1)
    assert kept.tolist() == [False, False, True]
