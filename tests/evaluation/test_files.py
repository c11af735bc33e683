"""Labels and predictions of anybody's: what is read, and what is refused in one line."""

import json
import multiprocessing
import os
import signal
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rmsnet.dataset.class_lists import class_list
from rmsnet.errors import UserError
from rmsnet.evaluation import files
from rmsnet.evaluation.assessment import parse_tolerances
from rmsnet.evaluation.files import games_of_split, read_predictions, read_truth
from rmsnet.evaluation.results import RESULTS, write_predictions
from rmsnet.files import write_json
from rmsnet.spots import Predictions

GAMES = ["league/season/one", "league/season/two"]
SPOT = {"gameTime": "1 - 01:00", "label": "Goal", "position": "60000", "half": "1", "confidence": "0.5"}
ANNOTATION = {"gameTime": "1 - 01:00", "label": "Goal", "position": "60123", "visibility": "visible"}


def put(folder: Path, name: str, key: str, of_game: dict[str, list[dict[str, Any]]]) -> Path:
    for game, rows in of_game.items():
        (folder / game).mkdir(parents=True, exist_ok=True)
        # Not `write_json`: some rows are no JSON.
        (folder / game / name).write_text(json.dumps({key: rows}))
    return folder


def zipped(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as made:
        for path in sorted(folder.rglob("*.json")):
            made.write(path, path.relative_to(folder).as_posix())
    return archive


@pytest.fixture
def found(tmp_path) -> Path:
    other = {**SPOT, "gameTime": "2 - 00:01", "label": "Foul", "position": 1500, "half": 2, "confidence": 1.5}
    return put(tmp_path / "found", RESULTS, "predictions", {GAMES[0]: [SPOT, other], GAMES[1]: []})


def one_bad(tmp_path: Path, row: Any) -> Path:
    return put(tmp_path / "bad", RESULTS, "predictions", {GAMES[0]: [SPOT, row], GAMES[1]: [SPOT]})


@pytest.mark.parametrize("as_zip", [False, True])
def test_predictions_are_read_from_a_folder_or_a_zip(found, tmp_path, as_zip):
    source = zipped(found, tmp_path / "found.zip") if as_zip else found
    read = read_predictions(source, GAMES, class_list("v2")).predictions
    assert read.half.tolist() == [0, 1]
    assert read.position_ms.tolist() == [60_000, 1500]
    assert read.label.tolist() == [2, 10]
    assert read.confidence.tolist() == [0.5, 1.5]


def test_what_is_written_is_what_is_read(tmp_path):
    random = np.random.default_rng(0)
    half = np.sort(random.integers(4, size=50))
    made = Predictions(half, random.integers(3_000_000, size=50), random.integers(17, size=50), random.random(50))
    classes = class_list("v2")
    write_predictions(tmp_path, [(game, half) for game in GAMES for half in (1, 2)], made, classes.classes)
    read = read_predictions(tmp_path, GAMES, classes).predictions
    for column in ("half", "position_ms", "label", "confidence"):
        assert np.array_equal(getattr(read, column), getattr(made, column))


def whole_number(value: Any) -> int:
    """What a position means: Python's int, also of a text such as "1.0" or "1e3"."""
    try:
        return int(value)
    except ValueError:
        assert float(value).is_integer()
        return int(float(value))


SPELLINGS = st.one_of(
    st.integers(-(10**6), 10**20).flatmap(lambda number: st.sampled_from([number, str(number), f"{number}.0"])),
    st.floats(),
    st.floats().map(str),
    st.text("0123456789.+-e_ naif", max_size=6),
    st.booleans(),
    st.none(),
)


@given(position=SPELLINGS, confidence=SPELLINGS, odd=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_number_means_the_same_however_it_and_its_neighbours_are_written(tmp_path, position, confidence, odd):
    neighbour = {**SPOT, "half": " 1"} if odd else SPOT  # a space sends the whole file the slow way
    row = {**SPOT, "position": position, "confidence": confidence}
    source = put(tmp_path, RESULTS, "predictions", {GAMES[0]: [row, neighbour]})
    try:
        meant = (whole_number(position), float(confidence))
        assert -7_200_000 < meant[0] < 1 << 53
        assert abs(meant[1]) < 1 << 63
    except (AssertionError, ValueError, TypeError, OverflowError):
        with pytest.raises(
            UserError, match=r"entry 0: (position|confidence)|predictions\[0\]\.(position|confidence): "
        ):
            read_predictions(source, GAMES[:1], class_list("v2"))
    else:
        read = read_predictions(source, GAMES[:1], class_list("v2")).predictions
        assert (read.position_ms[0], read.confidence[0]) == meant
        assert (read.position_ms[1], read.confidence[1], read.half[1]) == (60_000, 0.5, 0)


@pytest.mark.parametrize("as_zip", [False, True])
def test_many_bytes_are_read_by_several_processes_to_the_same_end(found, tmp_path, monkeypatch, as_zip):
    write_json(tmp_path / "found" / GAMES[1] / RESULTS, {"predictions": [SPOT]})
    source = zipped(found, tmp_path / "found.zip") if as_zip else found
    alone = read_predictions(source, GAMES, class_list("v2")).predictions
    pids = spread_over_processes(monkeypatch)
    together = read_predictions(source, GAMES, class_list("v2")).predictions
    assert os.getpid() not in pids()
    for column in ("half", "position_ms", "label", "confidence"):
        assert getattr(together, column).dtype == getattr(alone, column).dtype
        assert getattr(together, column).tolist() == getattr(alone, column).tolist()


def test_several_processes_refuse_what_one_refuses(found, monkeypatch):
    spread_over_processes(monkeypatch)
    write_json(found / GAMES[1] / RESULTS, {"predictions": [{**SPOT, "half": 3}]})
    with pytest.raises(UserError, match=f"two/{RESULTS}: entry 0: half 3"):
        read_predictions(found, GAMES, class_list("v2"))
    (found / GAMES[1] / RESULTS).unlink()
    with pytest.raises(UserError, match=r"no predictions .* for game 'league/season/two'"):
        read_predictions(found, GAMES, class_list("v2"))


def test_a_reading_process_that_is_killed_is_said_in_one_line(found, monkeypatch):
    spread_over_processes(monkeypatch)
    monkeypatch.setattr(files, "_predictions_of", lambda *arguments: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(UserError, match="a process that read it was killed; is there enough memory"):
        read_predictions(found, GAMES, class_list("v2"))


def spread_over_processes(monkeypatch) -> Callable[[], set[int]]:
    """Have the smallest files read by two processes; the result says which ones were at work."""
    log = multiprocessing.get_context("fork").SimpleQueue()
    read = files._predictions_of

    def logged(*arguments):
        log.put(os.getpid())
        return read(*arguments)

    monkeypatch.setattr(files, "_predictions_of", logged)
    monkeypatch.setattr(files, "LARGE_BYTES", 0)
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    return lambda: {log.get() for _ in GAMES}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"confidence": "high"}, "confidence 'high' is no number"),
        ({"confidence": None}, "confidence None is no number"),
        ({"confidence": "NaN"}, "confidence nan is not finite"),
        ({"confidence": "1e30"}, "confidence 1e+30 is too large"),
        ({"position": "1:00"}, "position '1:00' is no number of milliseconds"),
        ({"position": "nan"}, "position 'nan' is no number"),
        ({"position": -10_000_000}, "is no time in a half"),
        ({"position": str(10**30)}, "is no time in a half"),
        ({"half": "3"}, "half 3; there are halves 1 and 2"),
        ({"half": "first"}, "invalid literal"),
        ({"label": "Gaol"}, "label 'Gaol' is not in the class list v2"),
        ({"label": 7}, "label 7 is no text"),
    ],
)
def test_a_bad_prediction_is_named_with_its_file_and_place(tmp_path, change, says):
    source = one_bad(tmp_path, {**SPOT, **change})
    with pytest.raises(UserError, match=f"one/{RESULTS}: entry 1: ") as refusal:
        read_predictions(source, GAMES, class_list("v2"))
    assert says in str(refusal.value)


@pytest.mark.parametrize(
    ("value", "says"),
    [
        (float("inf"), "inf is no number"),
        (float("nan"), "nan is no number"),
        (10**30, "the number is too large"),
        ("\ud800", "holds halves of characters"),
    ],
)
def test_what_is_no_json_is_named_with_its_place(tmp_path, value, says):
    source = one_bad(tmp_path, {**SPOT, "position": value})
    with pytest.raises(UserError, match=rf"one/{RESULTS}: predictions\[1\]\.position: {says}"):
        read_predictions(source, GAMES, class_list("v2"))


@pytest.mark.parametrize("key", ["position", "half", "label", "confidence"])
def test_a_prediction_that_lacks_something_says_what(tmp_path, key):
    source = one_bad(tmp_path, {name: value for name, value in SPOT.items() if name != key})
    with pytest.raises(UserError, match=f"entry 1: no '{key}'"):
        read_predictions(source, GAMES, class_list("v2"))


def test_a_prediction_that_is_no_object_is_refused(tmp_path):
    with pytest.raises(UserError, match="entry 1"):
        read_predictions(one_bad(tmp_path, "goal!"), GAMES, class_list("v2"))


@pytest.mark.parametrize("content", ["", "[]", '{"predictions": 3}', "[" * 100_000, '{"predictions": [', "\x00"])
def test_a_file_that_is_no_predictions_is_refused(found, content):
    (found / GAMES[1] / RESULTS).write_text(content)
    with pytest.raises(UserError, match=f"two/{RESULTS}"):
        read_predictions(found, GAMES, class_list("v2"))


def test_a_missing_game_is_refused_or_counted_as_empty(found):
    (found / GAMES[0] / RESULTS).unlink()
    with pytest.raises(UserError, match=r"no predictions .* for game 'league/season/one'; --allow-missing"):
        read_predictions(found, GAMES, class_list("v2"))
    read = read_predictions(found, GAMES, class_list("v2"), allow_missing=True)
    assert read.missing == (GAMES[0],)
    assert len(read.predictions.half) == 0


def test_a_folder_without_any_of_the_games_is_refused_even_so(tmp_path):
    with pytest.raises(UserError, match=r"league/season/one' and 1 more$"):
        read_predictions(tmp_path, GAMES, class_list("v2"), allow_missing=True)


def test_a_game_outside_the_split_is_refused(found):
    with pytest.raises(UserError, match="outside the split: 'league/season/two'"):
        read_predictions(found, GAMES[:1], class_list("v2"))


def test_a_zip_that_leads_out_or_explodes_is_refused(tmp_path):
    for number, name in enumerate(("../../evil.json", "/etc/evil.json", "..\\evil.json")):
        archive = tmp_path / f"{number}.zip"
        with zipfile.ZipFile(archive, "w") as made:
            made.writestr(name, "{}")
        with pytest.raises(UserError, match="leads out of it"):
            read_predictions(archive, GAMES, class_list("v2"))
    bomb = tmp_path / "bomb.zip"
    with (
        zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as made,
        made.open(f"{GAMES[0]}/{RESULTS}", "w") as member,
    ):
        for _ in range(100):
            member.write(b" " * (1 << 20))
    with pytest.raises(UserError, match="zip bomb"):
        read_predictions(bomb, GAMES, class_list("v2"))


def test_a_damaged_zip_is_refused(found, tmp_path):
    archive = zipped(found, tmp_path / "found.zip")
    content = bytearray(archive.read_bytes())
    archive.write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="neither a folder nor a readable zip"):
        read_predictions(archive, GAMES, class_list("v2"))
    start = content.index(RESULTS.encode()) + len(RESULTS)
    content[start : start + 40] = bytes(40)
    archive.write_bytes(content)
    with pytest.raises(UserError, match="cannot be read"):
        read_predictions(archive, GAMES, class_list("v2"))


@given(position=SPELLINGS, odd=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_time_of_an_annotation_means_the_same_however_it_and_its_neighbours_are_written(tmp_path, position, odd):
    neighbour = {**ANNOTATION, "label": "nothing" if odd else "Foul"}  # what is left out sends the file the slow way
    source = put(
        tmp_path, "Labels-v2.json", "annotations", {GAMES[0]: [{**ANNOTATION, "position": position}, neighbour]}
    )
    classes = class_list("v2", ignore_others=True)
    try:
        meant = whole_number(position)
        assert -7_200_000 < meant < 1 << 53
    except (AssertionError, ValueError, TypeError, OverflowError):
        with pytest.raises(UserError, match=r"entry 0: position|annotations\[0\]\.position: "):
            read_truth(source, GAMES[:1], classes)
    else:
        truth = read_truth(source, GAMES[:1], classes)
        assert truth.position_ms.tolist() == [meant, 60_123][: 2 - odd]
        assert truth.label.tolist() == [2, 10][: 2 - odd]
        assert truth.visible.all()


@pytest.mark.parametrize("odd", [{}, {"visibility": None}, {"label": "none", "position": "soon"}])
def test_events_of_extra_time_are_refused_or_left_out_beside_any_others(tmp_path, odd):
    late = {**ANNOTATION, "gameTime": "3 - 01:00"}
    labels = put(tmp_path, "Labels-v2.json", "annotations", {GAMES[0]: [ANNOTATION, late, {**ANNOTATION, **odd}]})
    classes = class_list("v2", ignore_others=True)
    with pytest.raises(UserError, match="entry 1: gameTime '3 - 01:00' names half 3: 1 event of extra time"):
        read_truth(labels, GAMES[:1], classes)
    assert set(read_truth(labels, GAMES[:1], classes, extra_time=True).half.tolist()) == {0}


def test_annotations_are_read_as_the_development_kit_reads_them(tmp_path):
    rows = [
        ANNOTATION,
        {"gameTime": "2 - 5:00", "label": "Foul", "visibility": "not shown"},
        # Three-digit minutes without a position lose their hundreds.
        {"gameTime": "1 - 121:05", "label": "Corner"},
    ]
    labels = put(tmp_path, "Labels-v2.json", "annotations", {GAMES[0]: rows})
    truth = read_truth(labels, GAMES[:1], class_list("v2"))
    assert truth.half.tolist() == [0, 1, 0]
    assert truth.position_ms.tolist() == [60_123, 300_000, 1_265_000]
    assert truth.label.tolist() == [2, 10, 13]
    assert truth.visible.tolist() == [True, False, True]


def test_v1_annotations_become_three_classes(tmp_path):
    names = ("y-card", "substitution-in", "soccer-ball-own", "penalty-missed", "no-events")
    rows = [{"gameTime": "1 - 01:00", "label": name} for name in names]
    labels = put(tmp_path, "Labels.json", "annotations", {GAMES[0]: rows})
    assert read_truth(labels, GAMES[:1], class_list("v1")).label.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"gameTime": "one minute"}, "gameTime 'one minute' is not like"),
        ({"gameTime": "3 - 01:00"}, "names half 3"),
        ({"label": "Gaol"}, "label 'Gaol' is not in the class list v2"),
        ({"position": "soon"}, "position 'soon' is no number"),
    ],
)
def test_a_bad_annotation_is_named_with_its_file_and_place(tmp_path, change, says):
    labels = put(tmp_path, "Labels-v2.json", "annotations", {GAMES[0]: [ANNOTATION, {**ANNOTATION, **change}]})
    with pytest.raises(UserError, match=r"one/Labels-v2\.json: entry 1: ") as refusal:
        read_truth(labels, GAMES[:1], class_list("v2"))
    assert says in str(refusal.value)


def test_a_game_without_annotations_is_refused(tmp_path):
    with pytest.raises(UserError, match=r"game 'league/season/one' has no Labels-v2\.json"):
        read_truth(tmp_path, GAMES, class_list("v2"))


@pytest.mark.parametrize("content", ["Foul\nGoal\n", '["Foul", "Goal"]'])
def test_a_class_list_of_ones_own_gives_the_order_and_may_ignore_the_rest(tmp_path, content):
    path = tmp_path / ("own.json" if content.startswith("[") else "own.txt")
    path.write_text(content)
    labels = put(
        tmp_path / "labels",
        "Labels-ball.json",
        "annotations",
        {GAMES[0]: [ANNOTATION, {**ANNOTATION, "label": "PASS"}]},
    )
    own = class_list(str(path), "Labels-ball.json")
    assert own.classes == ("Foul", "Goal")
    with pytest.raises(UserError, match="'PASS' is not in the class list"):
        read_truth(labels, GAMES[:1], own)
    ignoring = class_list(str(path), "Labels-ball.json", ignore_others=True)
    assert read_truth(labels, GAMES[:1], ignoring).label.tolist() == [1]
    source = one_bad(tmp_path, {**SPOT, "label": "PASS"})
    assert read_predictions(source, GAMES, ignoring).predictions.label.tolist() == [1, 1]


@pytest.mark.parametrize("content", ["", "[]", "[1]", "{}", "Goal\nGoal\n"])
def test_what_is_no_class_list_is_refused(tmp_path, content):
    path = tmp_path / ("own.txt" if "Goal" in content else "own.json")
    path.write_text(content)
    with pytest.raises(UserError, match="own"):
        class_list(str(path))


def test_an_unknown_class_list_is_refused(tmp_path):
    with pytest.raises(UserError, match="v3: neither v1 nor v2 nor a file"):
        class_list("v3")


def test_a_split_is_official_or_ones_own(tmp_path):
    assert len(games_of_split("test", tmp_path)) == 100
    write_json(tmp_path / "SoccerNetGamesTest.json", GAMES)
    assert games_of_split("test", tmp_path) == GAMES
    write_json(tmp_path / "mine.json", {"league": {"season": ["two"]}})
    assert games_of_split(str(tmp_path / "mine.json"), tmp_path) == GAMES[1:]


@pytest.mark.parametrize(
    ("listed", "says"),
    [([], "lists no game"), ([GAMES[0], GAMES[0]], "twice"), (["../../etc"], "leads out"), (3, "not a split list")],
)
def test_a_bad_split_list_is_refused(tmp_path, listed, says):
    write_json(tmp_path / "mine.json", listed)
    with pytest.raises(UserError, match=says):
        games_of_split(str(tmp_path / "mine.json"), tmp_path)


def test_tolerances_have_names_or_are_a_list():
    assert parse_tolerances("loose") == tuple(range(5, 61, 5))
    assert parse_tolerances("tight") == (1, 2, 3, 4, 5)
    assert parse_tolerances("at3") == (3,)
    assert parse_tolerances("0.5,1,7") == (0.5, 1, 7)
    for bad in ("", "at6", "5,5", "10,5", "0,5", "-1", "nan", "inf", "1,9999", "1;2"):
        with pytest.raises(UserError, match="tolerances"):
            parse_tolerances(bad)
