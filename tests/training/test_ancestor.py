"""A training that starts from a model: what it keeps, what it refuses, what it says."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rmsnet import tracking
from rmsnet.cli import main
from rmsnet.documents import read_json
from rmsnet.features.games import GAMES_FILE, all_keys, game_keys, read_used_games
from rmsnet.network.model import RMSNet
from rmsnet.network.model_files import combine_models, load_model
from rmsnet.registry.card import model_card
from rmsnet.registry.gate import used_games_checks
from rmsnet.training.ancestor import read_ancestor
from rmsnet.training.history import Epoch
from rmsnet.training.loop import CHECKPOINT, partial_folder, train
from tests.builders import bank, learnable_bank, random_model, shine, write_bank, write_model
from tests.training.test_loop import SMALL, Interrupted, run, same_weights

CLASSES = ("card", "subs", "soccer")


@pytest.fixture
def ancestor(tmp_path):
    return read_ancestor("before", write_model(tmp_path / "before", clip_frames=SMALL.clip_frames))


def test_classes_keep_their_rows_by_name_new_ones_are_fresh_and_dropped_ones_vanish(ancestor):
    fresh = RMSNet(8, 4)
    made = RMSNet(8, 4)
    made.load_state_dict(fresh.state_dict())
    ancestor.put_into(made, ("corner", "soccer", "card", "penalty"))
    theirs = ancestor.network.state_dict()
    for name, weight in made.state_dict().items():
        if name.startswith("fc_cls."):
            assert torch.equal(weight[[1, 2, 4]], theirs[name][[2, 0, 3]])
            assert torch.equal(weight[[0, 3]], fresh.state_dict()[name][[0, 3]])
        else:
            assert torch.equal(weight, theirs[name])


def test_the_same_classes_begin_with_the_same_answers(ancestor):
    made = RMSNet(8, 3).eval()
    ancestor.put_into(made, CLASSES)
    clips = torch.randn(2, 9, 8)
    for ours, theirs in zip(made(clips), ancestor.network(clips), strict=True):
        assert torch.equal(ours, theirs)


def test_it_is_better_after_one_epoch_than_fresh_weights_are(tmp_path):
    """What was learned is not learned again."""
    long = replace(SMALL, epochs=12, foreground_clips=480, background_clips=160)
    run(tmp_path / "before", long)
    short = replace(SMALL, epochs=1)
    started = run(tmp_path / "started", short, ancestor=read_ancestor("before", tmp_path / "before"))
    assert started["valid_average_map"] > run(tmp_path / "fresh", short)["valid_average_map"] + 0.2


def test_an_interrupted_training_that_started_from_a_model_continues_to_the_same_weights(tmp_path):
    run(tmp_path / "before", replace(SMALL, epochs=1))
    ancestor = read_ancestor("before", tmp_path / "before")

    def stop(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise Interrupted

    run(tmp_path / "unbroken", ancestor=ancestor)
    with pytest.raises(Interrupted):
        run(tmp_path / "broken", ancestor=ancestor, on_epoch=stop)
    told: list[Epoch] = []
    run(tmp_path / "broken", ancestor=ancestor, on_epoch=told.append)
    assert [epoch.epoch for epoch in told] == [1, 2, 3, 4]
    assert same_weights(tmp_path / "unbroken", tmp_path / "broken")
    run(tmp_path / "fresh")
    assert not same_weights(tmp_path / "fresh", tmp_path / "unbroken")


@pytest.mark.parametrize("other", [None, "another"])
def test_a_training_that_started_elsewhere_is_not_continued(other, tmp_path, ancestor):
    """The same parameters and data, but from fresh weights or from another model: it starts over."""
    made = shine(bank([300], [(0, frame, frame // 30 % 3) for frame in range(30, 270, 30)]))
    from_other = other and read_ancestor(other, write_model(tmp_path / other, seed=1, clip_frames=SMALL.clip_frames))

    def stop(epoch: Epoch) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        train(made, made, SMALL, tmp_path / "model", device="cpu", ancestor=ancestor, on_epoch=stop)
    assert (partial_folder(tmp_path / "model") / CHECKPOINT).exists()
    train(made, made, SMALL, tmp_path / "model", device="cpu", ancestor=from_other or None)
    train(made, made, SMALL, tmp_path / "unbroken", device="cpu", ancestor=from_other or None)
    assert same_weights(tmp_path / "model", tmp_path / "unbroken")


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A trained model, the banks it was trained on, and others in which there is a new class."""
    root = tmp_path_factory.mktemp("ancestor")
    for number, split in enumerate(("train", "valid")):
        write_bank(root / "features", split, learnable_bank(1, seed=number))
        write_bank(
            root / "more", split, replace(learnable_bank(1, seed=7 + number), classes=("card", "corner", "soccer"))
        )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert main(training("features", "models/before")) == 0
        yield root


def training(features: str, out: str, *more: str) -> list[str]:
    small = ("clip_frames=9", "foreground_clips=60", "background_clips=20", "batch_size=16", "epochs=1")
    settings = [option for setting in small for option in ("--set", f"train.{setting}")]
    return ["train", "--features", features, "--out", out, *settings, *more]


def test_the_model_its_run_and_its_games_say_what_it_started_from(shop):
    assert main(training("more", "models/after", "--start-from", "models/before")) == 0
    before, after = (read_json(Path(f"models/{name}/config.json")) for name in ("before", "after"))
    told = after["started_from"]
    assert (told["model"], told["weights_hash"]) == ("models/before", before["weights_hash"])
    tags = tracking.run_tags(read_json(Path("models/after/run.json"))["run_id"])
    assert tags["started_from"] == "models/before"
    assert tags["started_from.weights_hash"] == before["weights_hash"]
    used = read_used_games(Path("models/after"))
    assert used.learned == all_keys(learnable_bank(1)) | all_keys(
        replace(learnable_bank(1, seed=7), classes=after["classes"])
    )
    assert used.chosen >= all_keys(learnable_bank(1, seed=1))


def test_the_gate_does_not_ask_on_games_that_the_ancestor_learned_from(shop):
    assert main(training("more", "models/child", "--start-from", "models/before")) == 0
    of_ancestor, fresh = learnable_bank(1), learnable_bank(1, seed=30)
    used = read_used_games(Path("models/child"))
    for made, passes in ((of_ancestor, False), (fresh, True)):
        checks = used_games_checks(list(game_keys(made).values()), used, None, challenged=False)
        assert all(check.passed for check in checks) == passes


def test_the_card_says_what_it_started_from(ancestor):
    version = tracking.Version(2, "m-1", "run", 0, (), {})
    started = random_model(started_from=ancestor.told(), weights_hash="abc")
    card = model_card("rmsnet", version, started, {"valid": {"average_map": 0.5}}, None, {})
    told = next(line for line in card.splitlines() if "started from" in line)
    assert ancestor.weights_hash in told
    assert "before" in told
    assert "started from" not in model_card(
        "rmsnet", version, random_model(weights_hash="abc"), {"valid": {"average_map": 0.5}}, None, {}
    )


def test_the_lineage_names_every_ancestor(shop, capsys):
    for name, start in (("second", "before"), ("third", "second")):
        assert main(training("more", f"models/{name}", "--start-from", f"models/{start}")) == 0
    capsys.readouterr()
    assert main(["data", "lineage", "models/third", "--features", "more"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("ancestor")]
    hashes = [read_json(Path(f"models/{name}/config.json"))["weights_hash"] for name in ("before", "second")]
    assert [line.split()[-1] for line in lines] == hashes


def test_a_run_from_a_model_is_another_variant_than_one_from_fresh_weights(shop):
    for name, more in (("fresh", []), ("full", ["--start-from", "models/before"])):
        assert main([*training("more", f"models/{name}/full"), *more]) == 0
    tags = [tracking.run_tags(read_json(Path(f"models/{name}/full/run.json"))["run_id"]) for name in ("fresh", "full")]
    assert tags[0]["rmsnet.study.of"] == tags[1]["rmsnet.study.of"]
    assert tags[0]["rmsnet.variant.of"] != tags[1]["rmsnet.variant.of"]


def test_games_that_nobody_recorded_of_the_ancestor_are_recorded_of_no_heir(shop):
    shutil.copytree("models/before", "models/unknown")
    Path("models/unknown", GAMES_FILE).unlink()
    assert main(training("more", "models/heir", "--start-from", "models/unknown")) == 0
    assert read_used_games(Path("models/heir")) is None


@pytest.mark.parametrize(
    ("features", "model", "setting", "says"),
    [
        (
            "more",
            "models/before",
            ["train.clip_frames=11"],
            "clip_frames: the model was trained on 9, train.clip_frames is 11",
        ),
        ("wide", "models/before", [], "width: the model was trained on 8, the frame bank holds 9"),
        ("fast", "models/before", [], "frame_rate: the model was trained on 2.0, the frame bank holds 5.0"),
        ("other", "models/before", [], "features: the model was trained on test, the frame bank holds baidu"),
        ("more", "models/pair", [], "is an ensemble of 2 models; start from one of its members"),
        ("more", "models/nowhere", [], "models/nowhere: no model there"),
        ("more", "models:/rmsnet@champion", [], "models:/rmsnet@champion"),
        ("swapped", "models/before", [], "has learned from league/season/game 0, which is in valid here"),
    ],
)
def test_what_it_cannot_start_from_is_one_line_and_nothing_is_written(features, model, setting, says, shop, capsys):
    if not Path("wide").exists():
        for number, split in enumerate(("train", "valid")):
            made = learnable_bank(1, seed=20 + number)
            write_bank(Path("wide"), split, learnable_bank(1, width=9, seed=20 + number))
            write_bank(Path("fast"), split, replace(made, frame_rate=5.0))
            write_bank(Path("other"), split, made, features={"name": "baidu"})
            write_bank(Path("swapped"), split, learnable_bank(1, seed=1 - number))
        pair = Path("models/pair")
        pair.mkdir()
        for seed in range(2):
            write_model(Path(f"models/member {seed}"), model=random_model(seed=seed, clip_frames=9))
        combine_models([Path(f"models/member {seed}") for seed in range(2)], pair, "pair")
    settings = [option for each in setting for option in ("--set", each)]
    capsys.readouterr()
    assert main([*training(features, "models/refused", "--start-from", model), *settings]) == 2
    told = capsys.readouterr().err
    assert says in told
    assert told.count("\n") == 1
    assert not Path("models/refused").exists()
    assert not partial_folder(Path("models/refused")).exists()
    assert load_model(Path("models/before"))
