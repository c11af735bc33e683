"""`rmsnet evaluate --labels --predictions` as its user meets it."""

import csv
import html
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from rmsnet.cli import main
from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.labels import V2_CLASSES
from rmsnet.documents import read_json
from rmsnet.evaluation import average_map
from rmsnet.evaluation.files import read_predictions, read_truth
from rmsnet.evaluation.report import REPORT_FILES
from rmsnet.evaluation.results import write_predictions
from rmsnet.files import write_json
from rmsnet.spots import Predictions
from tests.builders import write_labels

GAMES = [f"league/season/{number} <b>&" for number in range(4)]


@pytest.fixture
def games(tmp_path) -> Path:
    """labels/ and predictions/ of four games, one event in five unseen, not quite right."""
    random = np.random.default_rng(0)
    for game in GAMES:
        rows = []
        for _ in range(25):
            half, seconds = int(random.integers(1, 3)), int(random.integers(2700))
            visible = "visible" if random.random() < 0.8 else "not shown"
            label = V2_CLASSES[random.integers(17)]
            time = f"{half} - {seconds // 60:02d}:{seconds % 60:02d}"
            rows.append({"gameTime": time, "label": label, "position": str(1000 * seconds), "visibility": visible})
        write_labels(tmp_path / "labels" / game, rows, "v2")
    write_json(tmp_path / "labels" / "SoccerNetGamesTest.json", GAMES)
    truth = read_truth(tmp_path / "labels", GAMES, class_list("v2"))
    for name, error in (("predictions", 3000), ("late", 9000)):
        moved = np.maximum(truth.position_ms + random.normal(0, error, len(truth.half)), 0).astype(np.int64)
        found = Predictions(truth.half, moved, truth.label, random.random(len(truth.half)))
        write_predictions(tmp_path / name, [(game, half) for game in GAMES for half in (1, 2)], found, V2_CLASSES)
    return tmp_path


def evaluate(games: Path, *options: str, found: tuple[str, ...] = ("predictions",)) -> int:
    sources = [str(games / name) for name in found]
    return main(
        [
            "evaluate",
            "--labels",
            str(games / "labels"),
            "--predictions",
            *sources,
            "--out",
            str(games / "out"),
            *options,
        ]
    )


def refused(games: Path, capsys, *options: str, **kwargs) -> str:
    before = sorted(games.rglob("*"))
    assert evaluate(games, *options, **kwargs) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert sorted(games.rglob("*")) == before
    return said


def test_the_result_is_the_metric_and_every_file_is_there(games, capsys):
    assert evaluate(games, "--json", "--bootstrap", "50") == 0
    printed = json.loads(capsys.readouterr().out)
    metrics = read_json(games / "out" / "metrics.json")
    assert printed == metrics
    expected = average_map(
        read_truth(games / "labels", GAMES, class_list("v2")),
        read_predictions(games / "predictions", GAMES, class_list("v2")).predictions,
        halves=8,
        classes=17,
        frame_rate=2.0,
    )
    assert metrics["average_map"] == expected.average_map
    assert expected.visible is not None
    assert metrics["visible"] == expected.visible.average_map
    assert (metrics["games"], metrics["missing_games"], metrics["simulated"]) == (4, [], False)
    assert sorted(path.name for path in (games / "out").iterdir()) == sorted(REPORT_FILES)
    for name in REPORT_FILES:
        content = (games / "out" / name).read_bytes()
        assert content.startswith(b"\x89PNG") == name.endswith(".png")
    with (games / "out" / "per_class.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["class"] for row in rows] == [*V2_CLASSES, "all"]
    assert float(rows[-1]["ap"]) == metrics["average_map"]
    assert int(rows[-1]["events"]) == 100


def test_the_page_needs_no_network_and_escapes_what_it_shows(games):
    evaluate(games, "--bootstrap", "20")
    page = (games / "out" / "report.html").read_text()
    assert not re.findall(r"(?:src|href)=['\"](?!data:)", page)
    assert "3 &lt;b&gt;&amp;" in page
    assert "<b>" not in page


def test_people_get_a_table(games, capsys):
    evaluate(games, "--bootstrap", "20")
    said = capsys.readouterr().out
    assert "predictions on labels, test split, 4 games" in said
    assert "Yellow->red card" in said
    assert re.search(r"Average-mAP +100 +100 +[0-9.]+ +[0-9.]+ – [0-9.]+", said)


@pytest.mark.parametrize("protocol", ["soccernet-2018", "calf"])
def test_every_protocol_writes_the_same_files(games, protocol):
    assert evaluate(games, "--protocol", protocol, "--tolerances", "5,20", "--bootstrap", "0") == 0
    metrics = read_json(games / "out" / "metrics.json")
    assert (metrics["protocol"], metrics["tolerances"], metrics["ci95"]) == (protocol, [5, 20], None)
    assert (metrics["visible"] is None) == (protocol == "soccernet-2018")
    assert sorted(path.name for path in (games / "out").iterdir()) == sorted(REPORT_FILES)


def test_several_predictions_are_compared_with_the_first(games, capsys):
    assert evaluate(games, "--bootstrap", "50", found=("predictions", "late")) == 0
    assert re.search(r"late +[0-9.]+ +-[0-9.]+ +-[0-9.]+ … ", capsys.readouterr().out)
    compared = read_json(games / "out" / "comparison.json")
    results, difference = compared["results"], compared["differences"]["late"]["average_map"]
    assert difference["value"] == results["late"]["average_map"] - results["predictions"]["average_map"] < 0
    assert difference["low"] <= difference["value"] <= difference["high"]
    assert difference["probability_positive"] < 0.05
    assert set(compared["differences"]["late"]["per_class"]) == set(V2_CLASSES)
    assert (games / "out" / "late" / "report.html").exists()
    assert (games / "out" / "comparison.csv").read_text().count("\n") == 1 + 2 * 18
    assert (games / "out" / "map_by_tolerance.png").read_bytes().startswith(b"\x89PNG")


def test_simulated_games_say_so(games):
    (games / "labels" / "dataset.json").write_text('{"name": "pretend", "simulated": true}')
    evaluate(games, "--bootstrap", "0")
    assert read_json(games / "out" / "metrics.json")["simulated"] is True
    assert "Simulated games" in (games / "out" / "report.html").read_text()


def test_missing_games_are_refused_unless_allowed_and_then_named(games, capsys):
    (games / "predictions" / GAMES[1] / "results_spotting.json").unlink()
    assert "--allow-missing" in refused(games, capsys)
    assert evaluate(games, "--allow-missing", "--bootstrap", "0") == 0
    assert read_json(games / "out" / "metrics.json")["missing_games"] == [GAMES[1]]
    said = f"1 of 4 games without predictions, taken for empty: {GAMES[1]}"
    assert said in capsys.readouterr().out
    assert html.escape(said) in (games / "out" / "report.html").read_text()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--tolerances", "wide"), "tolerances 'wide'"),
        (("--bootstrap", "-1"), "must not be negative"),
        (("--frame-rate", "0"), "must lie between 1 and 1000"),
        (("--frame-rate", "nan"), "must lie between 1 and 1000"),
        (("--classes", "v3"), "neither v1 nor v2"),
        (("--classes", "v1"), "has no Labels.json"),
        (("--split", "nowhere.json"), "nowhere.json: no such file"),
        (("--split", "holiday"), "SoccerNetGamesHoliday.json: no such split list"),
        (("--model", "somewhere"), "give either"),
        (("--labels", "nowhere"), "nowhere: no such folder or zip"),
    ],
)
def test_bad_options_are_one_line_and_nothing_written(games, capsys, options, says):
    assert says in refused(games, capsys, *options)


def test_a_folder_of_other_things_is_not_replaced(games, capsys):
    (games / "out").mkdir()
    (games / "out" / "thesis.txt").write_text("years of work")
    assert "holds thesis.txt" in refused(games, capsys)


def test_two_predictions_of_one_name_are_refused(games, capsys):
    assert "NAME=PATH" in refused(games, capsys, found=("predictions", "predictions"))


def test_without_the_heavy_libraries_the_core_is_there():
    code = (
        "import sys, rmsnet.evaluation;"
        "heavy = {'torch', 'matplotlib', 'mlflow', 'pandas', 'scipy'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
