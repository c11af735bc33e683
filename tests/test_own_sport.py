"""A sport of one's own, from a folder of filmed matches and lists of events to a model that spots it."""

import csv
import json
import re
import shlex
import shutil
from pathlib import Path
from typing import Any

import pytest

from rmsnet.cli import main
from rmsnet.dataset.periods import Period
from rmsnet.documents import read_json
from rmsnet.features.bank import read_bank
from rmsnet.files import write_json, write_text
from rmsnet.simulation import simulate
from rmsnet.simulation import video as simulated_video
from tests.shown import blocks
from tests.video.datasets import random_weights

MINUTES = 5
SMALL = ["--set", "train.epochs=1", "--set", "train.foreground_clips=96", "--set", "train.background_clips=32"]
FEATURES = ["--set", "extract.features=clip_1fps"]


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Matches of four quarters, a file for each, as somebody has them who has never heard of rmsnet."""
    data = tmp_path_factory.mktemp("filmed") / "league"
    simulate(data, games=3, minutes=MINUTES, sport="basketball")
    (data / "dataset.json").unlink()
    return data


@pytest.fixture(scope="module")
def banks(filmed: Path) -> Path:
    """Frame banks of the league, by the README's commands."""
    described = ["--labels", "events.csv", "--whole-match", "--periods", "Q1,Q2,Q3,Q4x5", "--features", "clip_1fps:1:1"]
    assert main(["data", "init", str(filmed), *described]) == 0
    document = read_json(filmed / "dataset.json")
    for entry in document["classes"]:
        if entry["name"] == "dunk":
            entry["merged_into"] = "basket"
        if entry["name"] == "foul":
            entry["shown_as"] = "Foul!"
    write_json(filmed / "dataset.json", document)
    out = filmed.with_name("features")
    assert main(["validate", str(filmed), "--out", str(filmed.with_name("validation")), *FEATURES]) == 0
    assert main(["extract", str(filmed), "--out", str(out), *FEATURES]) == 0
    return out


def test_a_bank_has_the_classes_rate_and_periods_of_its_dataset(filmed: Path, banks: Path):
    bank = read_bank(banks, "train")
    assert set(bank.classes) == {"basket", "foul", "timeout"}
    assert (bank.frame_rate, bank.first_frame_seconds) == (1.0, 1.0)
    assert bank.periods == tuple(Period(f"Q{number}", MINUTES) for number in (1, 2, 3, 4))
    assert [half.half for half in bank.halves] == [1, 2, 3, 4]
    game = bank.halves[0].game
    kick_offs = read_json(filmed / game / "kick_offs.json")
    with (filmed / game / "events.csv").open() as file:
        labelled = [row for row in csv.DictReader(file) if row["label"] in ("basket", "dunk")]
    baskets = bank.truth.label == bank.classes.index("basket")
    assert baskets.sum() == len(labelled)
    in_file = [1000 * kick_offs[half] + ms for half, ms in zip(bank.truth.half, bank.truth.position_ms, strict=True)]
    clocks = [
        sum(60**place * float(part) for place, part in enumerate(row["time"].split(":")[::-1])) for row in labelled
    ]
    assert sorted(ms for ms, basket in zip(in_file, baskets, strict=True) if basket) == pytest.approx(
        [1000 * second for second in clocks]
    )


def test_a_model_of_it_spots_and_is_judged_in_its_own_clock(
    filmed: Path,
    banks: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.chdir(tmp_path)
    model = tmp_path / "model"
    assert main(["train", "--features", str(banks), "--out", str(model), *SMALL]) == 0
    config = read_json(model / "config.json")
    assert [period["name"] for period in config["periods"]] == ["Q1", "Q2", "Q3", "Q4"]
    assert config["looks"]["foul"]["shown_as"] == "Foul!"
    spotted = tmp_path / "spotted"
    capsys.readouterr()
    assert main(["spot", str(filmed), "--model", str(model), "--out", str(spotted), "--split", "test"]) == 0
    events = list(csv.DictReader((spotted / "events.csv").open()))
    assert {int(row["half"]) for row in events} == {1, 2, 3, 4}
    assert all(row["minute"].startswith(f"Q{row['half']} ") for row in events)
    page = next(spotted.rglob("report.html")).read_text()
    data: dict[str, Any] = json.loads(re.findall(r'<script[^>]*id="?match"?[^>]*>(.*?)</script>', page, re.DOTALL)[0])
    assert [half["name"] for half in data["halves"]] == ["Q1", "Q2", "Q3", "Q4"]
    assert "Foul!" in [one["name"] for one in data["classes"]]
    assert len(data["truth"]) == len(list(csv.DictReader(next(filmed.rglob("003/events.csv")).open())))
    judged = tmp_path / "judged"
    command = ["evaluate", "--labels", str(filmed), "--predictions", str(spotted), "--split", "test", "--out"]
    assert main([*command, str(judged)]) == 0
    with (judged / "per_class.csv").open() as file:
        assert sum(int(row["events"]) for row in csv.DictReader(file) if row["class"] in config["classes"]) == len(
            data["truth"]
        )


@pytest.mark.slow
def test_the_commands_of_the_guide_lead_from_filmed_matches_to_the_spots_of_a_new_one(
    repository: Path, no_pictures: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """As somebody has it who has filmed: a video of each match, a list of its events, and when its halves began.

    What is drawn as basketball is taken for two halves of its four quarters; the numbers mean nothing.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(simulated_video, "VIDEO_RATE", 1)
    simulate(tmp_path / "drawn", games=5, minutes=2, seed=10, sport="basketball", video=True)
    for number, events in enumerate(sorted(tmp_path.glob("drawn/*/*/*/events.csv")), start=1):
        match = tmp_path / ("new_match" if number == 5 else f"league/match {number}")
        match.mkdir(parents=True)
        shutil.copy(events.with_name("224p.mkv"), match / "camera.mkv")
        write_json(match / "kick_offs.json", read_json(events.with_name("kick_offs.json"))[::2])
        if match.parent.name == "league":
            shutil.copy(events, match)
    backbone = "shufflenet_v2_x0_5"
    weights = random_weights(tmp_path / "backbone.pth", backbone)
    small = {"backbone": backbone, "weights": str(weights), "height": 32, "pca": 8}
    short = {"epochs": 1, "foreground_clips": 96, "background_clips": 32, "precision": "float32"}
    write_json(
        tmp_path / "params.yaml",
        {"extract": small, "train": short, "evaluate": {"bootstrap": 0}, "register": {"floor": 0}},
    )

    commands = blocks(repository / "docs/datasets.md", "docs/datasets.md")[0].commands()
    assert len(commands) <= 10
    for command in commands:
        program, *arguments = shlex.split(command)
        assert program == "rmsnet"
        assert main(arguments) == 0, command

    events = list(csv.DictReader((tmp_path / "spotted/events.csv").open()))
    assert {row["half"] for row in events} <= {"1", "2"}
    assert {row["label"] for row in events} <= {"basket", "dunk", "foul", "timeout"}
    page = (tmp_path / "spotted/report.html").read_text()
    data = json.loads(re.findall(r'<script[^>]*id="?match"?[^>]*>(.*?)</script>', page, re.DOTALL)[0])
    kick_offs = read_json(tmp_path / "new_match/kick_offs.json")
    assert [half["video_start"] for half in data["halves"]] == kick_offs
    assert {half["video_name"] for half in data["halves"]} == {"camera.mkv"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("events.csv", "time,label\n0:03:30.000,bascket\n", "unknown class 'bascket' (1 time, nearest 'basket')"),
        ("events.csv", "time,label\n0:00:01.000,foul\n", "before the first kick-off"),
        ("kick_offs.json", "[10, 5, 20, 30]", "not in order"),
        ("kick_offs.json", "[10, 20]", "2 kick-offs for 4 periods"),
        ("kick_offs.json", "[10, 20, 30, 99999]", "period 4 begins at 99999 s"),
    ],
)
def test_what_does_not_fit_is_one_line_and_nothing_is_made(
    banks: Path, filmed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str, content: str, said: str
):
    file = next(filmed.rglob(f"001/{name}"))
    before = file.read_text()
    write_text(file, content)
    try:
        assert main(["extract", str(filmed), "--out", str(tmp_path / "out"), *FEATURES]) == 2
    finally:
        write_text(file, before)
    error = capsys.readouterr().err
    assert said in error
    assert str(file.parent) in error
    assert not (tmp_path / "out").exists()


def test_a_rate_that_the_dataset_does_not_have_is_refused(
    banks: Path, filmed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    other = ["--set", "extract.frame_rate=5"]
    assert main(["extract", str(filmed), "--out", str(tmp_path / "out"), *FEATURES, *other]) == 2
    assert "clip_1fps has 1 rows a second" in capsys.readouterr().err


def test_another_description_is_not_written_over_one_that_is_there(
    banks: Path, filmed: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["data", "init", str(filmed), "--labels", "events.csv", "--periods", "2x30"]) == 2
    assert "dataset.json" in capsys.readouterr().err
    assert len(read_json(filmed / "dataset.json")["periods"]) == 4


def test_matches_that_nobody_has_labelled_are_described_by_what_there_is_to_label(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "league" / "match").mkdir(parents=True)
    command = ["data", "init", str(tmp_path / "league"), "--labels", "events.csv"]
    assert main(command) == 2
    assert "of matches that nobody has labelled yet say what there is to label" in capsys.readouterr().err
    assert main([*command, "--classes", "goal,card"]) == 0
    document = read_json(tmp_path / "league" / "dataset.json")
    assert [entry["name"] for entry in document["classes"]] == ["goal", "card"]
