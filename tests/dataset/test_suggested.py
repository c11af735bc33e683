"""Labels that a model has suggested are told of wherever somebody is judged by them."""

import json

from rmsnet import cli
from rmsnet.dataset.class_lists import class_list
from rmsnet.dataset.game_files import GameFiles
from rmsnet.dataset.suggested import Suggested, from_index
from rmsnet.dataset.suggested_labels import suggested_in
from rmsnet.documents import read_json
from rmsnet.evaluation.stage import corpus_of
from rmsnet.features.bank import read_bank
from rmsnet.features.shards import Shard, join
from rmsnet.features.stage import extract
from rmsnet.files import write_json
from rmsnet.params import ExtractParams
from tests.field.league import FEATURES, GAMES, predictions, write_league

TEST = GAMES["test"][0]


def accept(root, game, by: str = "abc123") -> None:
    """Let the first label of a game come from a model."""
    path = root / game / "Labels.json"
    document = read_json(path)
    document["annotations"][0] |= {"origin": "suggested", "suggested_by": by}
    write_json(path, document)


def test_label_files_say_how_many_labels_a_model_has_suggested(tmp_path):
    root = write_league(tmp_path)
    files, classes = GameFiles(root), class_list("v1")
    assert suggested_in(files, GAMES["test"], classes) == Suggested()
    accept(root, TEST)
    assert suggested_in(files, GAMES["test"], classes) == Suggested(1, ("abc123",))


def test_an_evaluation_of_files_says_so(tmp_path, capsys):
    root = write_league(tmp_path / "data")
    accept(root, TEST)
    for game in GAMES["test"]:
        write_json(tmp_path / "found" / game / "results_spotting.json", predictions(game))
    out = tmp_path / "out"
    command = ["evaluate", "--labels", str(root), "--predictions", str(tmp_path / "found"), "--split", "test"]
    assert cli.main([*command, "--classes", "v1", "--out", str(out), "--bootstrap", "0"]) == 0
    said = "labels were accepted from suggestions of a model (weights abc123)"
    assert (
        f"warning: 1 of {read_json(out / 'metrics.json')['labels_suggested']['of']} {said}" in capsys.readouterr().out
    )
    assert said in (out / "report.html").read_text()
    assert json.loads((out / "metrics.json").read_text())["labels_suggested"]["by"] == ["abc123"]


def test_frame_banks_carry_it_to_the_judgement_of_models_also_joined_ones(tmp_path):
    root = write_league(tmp_path / "data")
    params = ExtractParams(features=FEATURES)
    extract(root, tmp_path / "without", params)
    assert "suggested" not in read_bank(tmp_path / "without", "test").info
    accept(root, TEST)
    extract(root, tmp_path / "with", params)
    bank = read_bank(tmp_path / "with", "test")
    assert from_index(bank.info, "test") == corpus_of(bank, "test").suggested == Suggested(1, ("abc123",))
    assert corpus_of(read_bank(tmp_path / "with", "valid"), "valid").suggested == Suggested()
    parts = [tmp_path / "part1", tmp_path / "part2"]
    for number, part in enumerate(parts, start=1):
        extract(root, part, params, shard=Shard(number, 2))
    join(parts, tmp_path / "joined")
    assert from_index(read_bank(tmp_path / "joined", "test").info, "test") == Suggested(1, ("abc123",))


def test_the_model_that_has_suggested_is_told_from_others():
    found = Suggested(3, ("abc123",))
    assert found.told(20).startswith("3 of 20 labels were accepted from suggestions of a model (weights abc123)")
    assert "of this very model" in found.told(20, "abc123def")
    assert "(weights abc123)" in found.told(20, "fff")
    assert Suggested().told(20) == ""
