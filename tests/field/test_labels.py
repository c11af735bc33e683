"""Labels and predictions of another match in a game's folder (F11), events of extra time (F32)."""

import json

import pytest

from rmsnet import cli
from rmsnet.dataset.labels import LabelFile
from tests.field.league import (
    GAMES,
    LABELS,
    SET_FEATURES,
    game,
    predictions,
    write_json,
    write_labels,
    write_league,
    write_predictions,
)
from tests.matches.builders import write_model

ONE, OTHER = GAMES["train"]


@pytest.fixture
def data(tmp_path):
    return write_league(tmp_path / "data")


def swap(data) -> None:
    """What a script does that sorts the files of two matches wrongly."""
    write_labels(data / ONE, OTHER)
    write_labels(data / OTHER, ONE)


def run(capsys, *arguments) -> tuple[int, str]:
    status = cli.main([str(argument) for argument in arguments])
    return status, capsys.readouterr().err


def evaluated(capsys, data, found, out, *options):
    split = data.parent / "split.json"
    write_json(split, [ONE, OTHER])
    arguments = ("--labels", data, "--predictions", found, "--split", split, "--classes", "v1", "--bootstrap", "0")
    return run(capsys, "evaluate", *arguments, "--out", out, *options)


def test_validation_says_which_games_have_each_others_labels(data, tmp_path, capsys):
    swap(data)
    assert run(capsys, "validate", data, "--out", tmp_path / "report", *SET_FEATURES)[0] == 1
    report = (tmp_path / "report" / "report.md").read_text()
    for name, other in ((ONE, OTHER), (OTHER, ONE)):
        assert f"game {name}, labels says that it is of '{other}/'; put this game's own file there" in report


def test_no_bank_and_no_page_is_made_of_them(data, tmp_path, capsys):
    swap(data)
    status, said = run(capsys, "extract", data, "--out", tmp_path / "features", *SET_FEATURES)
    assert status == 2
    assert f"{ONE}/Labels.json: says that it is of '{OTHER}/'" in said
    model = write_model(tmp_path / "model")
    status, said = run(capsys, "spot", data, "--split", "train", "--model", model, "--out", tmp_path / "out")
    assert status == 2
    assert f"{ONE}/Labels.json: says that it is of '{OTHER}/'" in said
    assert not (tmp_path / "features").exists()
    assert not (tmp_path / "out").exists()


def test_swapped_labels_and_swapped_predictions_are_not_evaluated(data, tmp_path, capsys):
    found = write_predictions(tmp_path / "found", [ONE, OTHER])
    assert evaluated(capsys, data, found, tmp_path / "out")[0] == 0
    write_json(found / ONE / "results_spotting.json", predictions(OTHER))
    status, said = evaluated(capsys, data, found, tmp_path / "again")
    assert status == 2
    assert f"{ONE}/results_spotting.json: says that it is of '{OTHER}'" in said
    swap(data)
    status, said = evaluated(capsys, data, write_predictions(found, [ONE, OTHER]), tmp_path / "again")
    assert status == 2
    assert f"{ONE}/Labels.json: says that it is of '{OTHER}/'" in said


def test_of_a_match_that_is_not_known_here_evaluation_warns_and_goes_on(data, tmp_path, capsys):
    """The file may be right and the folder renamed."""
    found = write_predictions(tmp_path / "found", [ONE, OTHER])
    write_json(found / ONE / "results_spotting.json", predictions("elsewhere/2020/Another match"))
    status, said = evaluated(capsys, data, found, tmp_path / "out")
    assert status == 0
    assert "results_spotting.json: says that it is of 'elsewhere/2020/Another match'" in said


@pytest.mark.parametrize(
    "said",
    [
        "",
        ONE,
        f"{ONE}/",
        f"/{ONE}/",
        ONE.replace("/", "\\"),
        ONE.rsplit("/", 1)[1],
        f"/mnt/SoccerNet/{ONE}/",
        f"https://example.org/{ONE}",
    ],
)
def test_other_ways_to_say_the_same_match_are_no_fault(said):
    assert LabelFile(said, []).other_game(ONE) == ""


def test_accents_in_either_unicode_form_are_the_same_match():
    composed, decomposed = game(0, "Atlético"), game(0, "Atle\u0301tico")
    assert LabelFile(decomposed, []).other_game(composed) == LabelFile(composed, []).other_game(decomposed) == ""


EXTRA = (("3 - 02:10", "soccer-ball"), ("5 - 00:30", "soccer-ball"))


def test_extra_time_is_refused_with_the_game_the_number_and_the_way_on(data, tmp_path, capsys):
    write_labels(data / ONE, ONE, LABELS + EXTRA)
    status, said = run(capsys, "extract", data, "--out", tmp_path / "features", *SET_FEATURES)
    assert status == 2
    assert f"{ONE}/Labels.json: annotation 3: gameTime '3 - 02:10' names half 3" in said
    assert "2 events of extra time (half 3, 5) in the file; --set extract.extra_time=leave-out" in said
    assert run(capsys, "validate", data, "--out", tmp_path / "report", *SET_FEATURES)[0] == 1
    report = (tmp_path / "report" / "report.md").read_text()
    assert f"game {ONE}, extra_time 2 events of extra time (half 3, 5); --set extract.extra_time=leave-out" in report


def test_left_out_it_is_counted(data, tmp_path, capsys):
    write_labels(data / ONE, ONE, LABELS + EXTRA)
    way_on = (*SET_FEATURES, "--set", "extract.extra_time=leave-out")
    status, said = run(capsys, "extract", data, "--out", tmp_path / "features", *way_on)
    assert status == 0
    assert f"warning: train: {ONE}: 2 events of extra time (half 3, 5) left out" in said
    assert len(json.loads((tmp_path / "features" / "train.json").read_text())["events"]) == 6
    assert run(capsys, "validate", data, "--out", tmp_path / "report", *way_on)[0] == 0
    report = (tmp_path / "report" / "report.md").read_text()
    assert "2 events of extra time (half 3, 5) left out" in report


def test_an_evaluation_goes_on_without_it_when_told_to(data, tmp_path, capsys):
    write_labels(data / ONE, ONE, LABELS + EXTRA)
    found = write_predictions(tmp_path / "found", [ONE, OTHER])
    status, said = evaluated(capsys, data, found, tmp_path / "out")
    assert status == 2
    assert "2 events of extra time (half 3, 5) in the file; --leave-out-extra-time goes on without them" in said
    status, said = evaluated(capsys, data, found, tmp_path / "out", "--leave-out-extra-time")
    assert status == 0
    assert "2 events of extra time (half 3, 5) left out" in said


def test_spotting_says_that_the_third_and_the_fourth_half_were_not_used(data, tmp_path, capsys):
    write_labels(data / ONE, ONE, LABELS + EXTRA)
    for half in (3, 4):
        (data / ONE / f"{half}_224p.mkv").touch()
    model = write_model(tmp_path / "model")
    status, said = run(capsys, "spot", data, "--split", "train", "--model", model, "--out", tmp_path / "out")
    assert status == 0
    assert (
        f"{data / ONE}: 3_224p.mkv, 4_224p.mkv: not used; events are spotted in halves 1 and 2, not in extra time"
        in said
    )
    assert f"warning: {ONE}: 2 events of extra time (half 3, 5) left out" in said
