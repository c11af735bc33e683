"""Which games and moments `rmsnet annotate --next` chooses, and which it leaves alone."""

import json
import shutil
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from rmsnet.annotating.desk import Desk, Desks
from rmsnet.annotating.games import Asked, find_games
from rmsnet.annotating.jobs import Jobs
from rmsnet.annotating.next_games import APART_SECONDS, next_games, read_looks
from rmsnet.annotating.suggesting import open_suggester
from rmsnet.cli import main
from rmsnet.dataset.roles import CHOSEN, split
from rmsnet.errors import UserError
from rmsnet.files import write_json
from rmsnet.network.model_files import combine_models, load_model
from rmsnet.network.onnx_model import save_onnx
from tests.builders import random_model, write_labels, write_lists, write_model

CLASSES = ("Goal", "Corner")
ASKED = Asked(classes="v2")


def write_game(root: Path, name: str, seed: int, frames: int = 240) -> str:
    folder = root / "league" / "season" / name
    folder.mkdir(parents=True)
    for half in (1, 2):
        features = np.random.default_rng(10 * seed + half).normal(size=(frames, 8)).astype(np.float32)
        np.save(folder / f"{half}_test.npy", features)
    return f"league/season/{name}"


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """Two models, and a dataset: one game is labelled, one is there to judge by, three are open."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for seed in range(2):
        write_model(Path(f"model {seed}"), model=random_model(classes=CLASSES, seed=seed, clip_frames=21))
    names = ["labelled", "judged", "one", "two", "three"]
    games = [write_game(Path("data"), name, number) for number, name in enumerate(names)]
    event = {"gameTime": "1 - 00:30", "label": "Goal", "position": "30000", "team": "home", "visibility": "visible"}
    write_labels(Path("data") / games[0], [event], "v2")
    write_lists(Path("data"), train=games[:1], valid=games[1:2])
    return Path("data")


def suggesters(*models: str):
    return [open_suggester(model, "cpu") for model in models]


def chosen(root: Path, *models: str, count: int = 8, told: list[str] | None = None):
    asked = suggesters(*models)
    tell = (told if told is not None else []).append
    return next_games(find_games([root], asked[0].features), root, asked, ASKED, count, tell)


def test_open_games_are_chosen_with_their_moments_and_what_judges_or_is_labelled_is_not(shop):
    told: list[str] = []
    games = chosen(shop, "model 0", "model 1", told=told)
    assert {game.name.split("/")[-1] for game in games} <= {"one", "two", "three"}
    looks = {game.name: read_looks(game).moments for game in games}
    assert sum(map(len, looks.values())) == 8
    for of_game in looks.values():
        assert {look.label for look in of_game} <= set(CLASSES)
        assert list(of_game) == sorted(of_game, key=lambda look: (look.half, look.position_ms))
        assert all(0 <= look.position_ms <= 120_000 and look.uncertainty >= look.disagreement for look in of_game)
    assert not list(shop.glob("league/season/judged/.annotating/*"))
    assert any("1 games of valid, test or gate have no labels" in line for line in told)
    labels = [look.label for of_game in looks.values() for look in of_game]
    assert labels.count("Goal") == labels.count("Corner") == 4


def test_a_season_of_a_dataset_is_known_by_the_lists_above_it(shop):
    asked = suggesters("model 0")
    season = shop / "league" / "season"
    games = next_games(find_games([season], asked[0].features), season, asked, ASKED, 100, lambda line: None)
    assert sorted(game.name for game in games) == ["one", "three", "two"]


def test_the_members_of_an_ensemble_are_asked_one_by_one(shop):
    Path("pair").mkdir()
    combine_models([Path("model 0"), Path("model 1")], Path("pair"), "pair")
    apart = [(game.name, read_looks(game).moments) for game in chosen(shop, "model 0", "model 1")]
    together = [(game.name, read_looks(game).moments) for game in chosen(shop, "pair")]
    assert apart == together
    assert any(look.disagreement > 0 for _, looks in apart for look in looks)


def test_a_model_that_is_exported_for_onnx_runtime_is_asked_as_any_other(shop):
    Path("exported").mkdir()
    save_onnx(Path("exported"), load_model(Path("model 1")))
    apart = [(game.name, read_looks(game).moments) for game in chosen(shop, "model 0", "model 1")]
    together = [(game.name, read_looks(game).moments) for game in chosen(shop, "model 0", "exported")]
    assert apart == together


def test_a_single_model_is_asked_and_it_is_said_that_several_know_more(shop):
    told: list[str] = []
    games = chosen(shop, "model 0", told=told)
    assert all(look.disagreement == 0 for game in games for look in read_looks(game).moments)
    assert told[0].startswith("one model: what it is unsure of is chosen")


def test_a_game_that_was_chosen_is_one_to_train_on_for_good(shop):
    """Most roles are empty: whatever comes next would judge."""
    first, *_ = chosen(shop, "model 0", count=1)
    for name in ("one", "two", "three"):
        write_labels(shop / "league" / "season" / name, [], "v2")
    made = split(shop)
    assert first.name in made["train"]
    assert split(shop) == made


def test_the_page_is_told_what_is_worth_a_look(shop):
    first, *_ = chosen(shop, "model 0", "model 1")
    desk = Desk(first, ASKED, Jobs())
    try:
        looks = desk.data()["looks"]
    finally:
        desk.close()
    assert json.loads(json.dumps(looks)) == [vars(look) for look in read_looks(first).moments]
    assert all(
        later["position_ms"] - earlier["position_ms"] > 900 * APART_SECONDS
        for earlier, later in pairwise(looks)
        if earlier["half"] == later["half"]
    )


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--next"], "say with --model whose doubts choose"),
        (["--next", "-1", "--model", "model 0"], "--next -1: a number of moments"),
        (["--model", "model 0", "--model", "model 1"], "one model suggests; several are asked with --next alone"),
        (["--next", "--model", "model 0", "--model", "short"], "--model short: clip_frames: 31, and 21 of model 0"),
        (
            ["--next", "--model", "model 0", "--model", "other"],
            "--model other: classes: Goal, Foul, and Goal, Corner of",
        ),
        (["--next", "--model", "nowhere"], "nowhere: no model there"),
    ],
)
def test_what_cannot_choose_is_one_line(options, says, shop, capsys):
    write_model(Path("short"), model=random_model(classes=CLASSES, clip_frames=31))
    write_model(Path("other"), model=random_model(classes=("Goal", "Foul"), clip_frames=21))
    assert main(["annotate", "data", "--classes", "v2", "--no-browser", *options]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1


def test_where_every_game_is_labelled_or_judges_nothing_is_left_to_choose(shop):
    for name in ("one", "two", "three"):
        shutil.rmtree(shop / "league" / "season" / name)
    with pytest.raises(UserError, match="no game to choose: 1 have labels, 1 are there to judge by"):
        chosen(shop, "model 0")


def test_a_damaged_list_of_moments_is_one_line(shop):
    first, *_ = chosen(shop, "model 0")
    write_json(first.folder / CHOSEN, {"moments": [{"half": "one"}]})
    with pytest.raises(UserError, match=r"next\.json: .*remove it"):
        read_looks(first)
    row, *_ = Desks([first], ASKED).overview()
    assert row["looks"] == 0
    assert "remove it" in row["note"]
