"""Ball actions, and Team mAP@1, against the numbers of their official code on made-up games."""

import json
from pathlib import Path

import pytest

from rmsnet.cli import main
from rmsnet.dataset.ball_actions import BALL_CLASSES, SPLITS
from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.soccernet import read_split_file
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.evaluation.files import games_of_split, read_predictions, read_truth
from rmsnet.evaluation.metric import average_map
from rmsnet.evaluation.team import team_score
from rmsnet.files import write_json
from rmsnet.spots import Truth
from tests.evaluation.ball_games import made_games

EXACT = 1e-12

# What mAPevaluateCodabench of util/eval.py (SoccerNet/sn-teamspotting, commit 091fed2, SoccerNet 0.2) says of
# `ball_games.made_games`: with teams, "at1" and "tight"; and without, "mAP_no_team".
OFFICIAL = {
    "at1": {
        "team_map": 0.259791372053082,
        "per_action": [
            *(0.3383455920428998, 0.24228347665847666, 0.1963687827324191, 0.2869299817829229, 0.27057347224811334),
            *(0.29369433248743587, 0.20958278436539304, 0.20072150072150072, 0.23332240675990673, 0.2816911349520045),
            *(0.3087495508444125, 0.25523344904149864),
        ],
        "map": 0.3084724883501852,
        "per_class": [
            *(0.40632953755247114, 0.2940750503118368, 0.280901904419691, 0.29239200515796254, 0.3349679468006131),
            *(0.35745223156290346, 0.27685950413223137, 0.2592592592592592, 0.2727710000437273, 0.2702569169960474),
            *(0.36678046434143996, 0.2896240396240396),
        ],
    },
    "tight": {
        "team_map": 0.446558726131353,
        "per_action": [
            *(0.4890249148181013, 0.42500478885544524, 0.4242257797906193, 0.5555252093322914, 0.42775290307188235),
            *(0.5273301845119798, 0.38223518263924694, 0.3692235542235542, 0.32171701995920743, 0.45994042361075455),
            *(0.5218469091772064, 0.454877843585947),
        ],
        "map": 0.5389324942470165,
        "per_class": [
            *(0.6195900510734955, 0.5496196389020831, 0.497760054060551, 0.5888751801494292, 0.6084041529384008),
            *(0.5908281522372488, 0.4827577725304998, 0.48462482999120915, 0.4380170755170756, 0.5199892951251646),
            *(0.5814417761176149, 0.505281952321426),
        ],
    },
}


@pytest.fixture(scope="module")
def games(tmp_path_factory) -> Path:
    """labels/ and found/ of the test split."""
    folder = tmp_path_factory.mktemp("ball")
    for game, (labels, predictions) in made_games().items():
        write_json(folder / "labels" / game / "Labels-ball.json", labels)
        write_json(folder / "found" / game / "results_spotting.json", predictions)
    return folder


def evaluate(games: Path, out: Path, *options: str) -> int:
    sources = ["--labels", str(games / "labels"), "--predictions", str(games / "found"), "--bootstrap", "0"]
    return main(["evaluate", *sources, "--out", str(out), *options])


@pytest.mark.parametrize("metric", OFFICIAL)
def test_team_map_is_the_official_number(metric, games, tmp_path, capsys):
    assert evaluate(games, tmp_path / "out", "--classes", "ball-teams", "--tolerances", metric) == 0
    scores, official = read_json(tmp_path / "out" / "metrics.json"), OFFICIAL[metric]
    assert scores["team_map"] == pytest.approx(official["team_map"], abs=EXACT)
    assert list(scores["team_map_per_action"]) == list(BALL_CLASSES)
    assert list(scores["team_map_per_action"].values()) == pytest.approx(official["per_action"], abs=EXACT)
    said = f"{100 * official['team_map']:.2f} %"
    assert f"Team mAP: {said}" in capsys.readouterr().out
    assert said in (tmp_path / "out" / "report.html").read_text()


def test_without_teams_it_is_the_development_kits_at_25_frames_a_second_within_half_a_second(games, tmp_path):
    assert evaluate(games, tmp_path / "out", "--classes", "ball") == 0
    scores, official = read_json(tmp_path / "out" / "metrics.json"), OFFICIAL["at1"]
    assert (scores["frame_rate"], scores["tolerances"]) == (25, [1])
    assert scores["average_map"] == pytest.approx(official["map"], abs=EXACT)
    assert list(scores["per_class"].values()) == pytest.approx(official["per_class"], abs=EXACT)
    assert "team_map" not in scores


def test_at1_reaches_half_a_second(tmp_path):
    """12 frames of 25 a second are near enough, 13 are not."""
    truth = Truth(*(read_truth_of([0], tmp_path / "truth")))
    for frames, score in ((12, 1.0), (13, 0.0)):
        found = found_at(40 * frames, tmp_path / str(frames))
        at1 = average_map(truth, found, halves=2, classes=12, frame_rate=25, tolerances=(1,))
        assert at1.per_class[0] == score


def read_truth_of(times_ms: list[int], folder: Path):
    rows = [{"gameTime": "1 - 00:00", "label": "PASS", "position": time} for time in times_ms]
    write_json(folder / "g" / "Labels-ball.json", {"annotations": rows})
    truth = read_truth(folder, ["g"], class_list("ball"))
    return truth.half, truth.position_ms, truth.label, truth.visible


def found_at(position_ms: int, folder: Path):
    row = {"label": "PASS", "position": position_ms, "half": 1, "confidence": 0.5}
    write_json(folder / "g" / "results_spotting.json", {"predictions": [row]})
    return read_predictions(folder, ["g"], class_list("ball")).predictions


def test_an_action_that_never_happens_is_left_out_of_the_mean(games):
    """The official code divides nothing by nothing there."""
    classes = class_list("ball-teams")
    labels, found = games / "labels", games / "found"
    whole = read_truth(labels, SPLITS["test"], classes)
    kept = whole.label // 2 != BALL_CLASSES.index("GOAL")
    truth = Truth(whole.half[kept], whole.position_ms[kept], whole.label[kept], whole.visible[kept])
    predictions = read_predictions(found, SPLITS["test"], classes).predictions
    score = average_map(truth, predictions, halves=4, classes=24, frame_rate=25, tolerances=(1,))
    team = team_score(score, truth, 25)
    *others, goal = team.per_action.values()
    assert goal is None
    assert others == pytest.approx(OFFICIAL["at1"]["per_action"][:-1], abs=EXACT)
    assert team.team_map == pytest.approx(sum(others) / 11, abs=EXACT)
    nothing = Truth(*(column[:0] for column in (whole.half, whole.position_ms, whole.label, whole.visible)))
    assert team_score(score, nothing, 25).team_map == 0


def test_events_without_a_team_are_named(games, tmp_path):
    row = {"gameTime": "1 - 00:01", "label": "PASS", "position": "1160"}
    write_json(tmp_path / SPLITS["valid"][0] / "Labels-ball.json", {"annotations": [row]})
    with pytest.raises(UserError, match="entry 0: no 'team'"):
        read_truth(tmp_path, SPLITS["valid"], class_list("ball-teams"))
    write_json(tmp_path / SPLITS["valid"][0] / "Labels-ball.json", {"annotations": [{**row, "team": "home"}]})
    with pytest.raises(UserError, match=r"label 'PASS-home' is not in the class list ball-teams"):
        read_truth(tmp_path, SPLITS["valid"], class_list("ball-teams"))


def test_splits_are_those_of_the_challenge(tmp_path):
    assert games_of_split("valid", tmp_path, SPLITS) == [
        "england_efl/2019-2020/2019-10-01 - Middlesbrough - Preston North End"
    ]
    assert {split: len(games) for split, games in SPLITS.items()} == {"train": 4, "valid": 1, "test": 2, "challenge": 2}
    (tmp_path / "SoccerNetGamesTest.json").write_text(json.dumps(["a/b/c"]))
    assert games_of_split("test", tmp_path, SPLITS) == ["a/b/c"]
    data = Path(pytest.importorskip("SoccerNet").__file__).parent / "data"
    for split, games in SPLITS.items():
        assert sorted(read_split_file(data / f"Ball{split.capitalize()}.json")) == sorted(games)
