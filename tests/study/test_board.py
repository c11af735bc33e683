"""The board: published results beside ours, never two ways of measuring in one table."""

import csv
from dataclasses import replace

import pytest

from rmsnet.dataset.labels import V1_CLASSES, V2_CLASSES
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.evaluation import average_map
from rmsnet.features.bank import read_bank
from rmsnet.network.model_files import load_model
from rmsnet.spotting.inference import spot_bank
from rmsnet.study.published import BOARDS
from rmsnet.study.stage import reproduce
from tests.builders import bank, shine, write_bank
from tests.study.test_stage import PARAMS

SMALL = replace(PARAMS, train=replace(PARAMS.train, epochs=1))


def write_banks(folder, classes=V1_CLASSES):
    """Three games for each split; every class comes in turn."""
    events = [
        (half, frame, place % len(classes)) for half in range(6) for place, frame in enumerate(range(20, 380, 20))
    ]
    for seed, split in enumerate(("train", "valid", "test")):
        write_bank(folder, split, shine(bank([400] * 6, events, width=20, classes=classes, seed=seed)))
    return folder


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    """Folder of the board, and of its frame banks: SoccerNet's three classes, simulated."""
    root = tmp_path_factory.mktemp("board")
    features = write_banks(root / "features")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{root / 'mlflow.db'}")
        reproduce("board", features, root / "studies", SMALL, seeds=1, device="cpu", progress=False)
    return root / "studies" / "board", features


def test_every_list_is_a_table_of_its_own_and_ours_stands_where_it_was_measured_in_that_way(board):
    folder, _ = board
    parts = (folder / "table.md").read_text().split("**SoccerNet-v")[1:]
    assert len(parts) == len(BOARDS)
    for part, of in zip(parts, BOARDS, strict=True):
        assert ("rmsnet, the paper's way, simulated" in part) == (of.classes == "v1")
        assert ("not how well they do on SoccerNet" in part) == (of.classes == "v1")
        assert ("data.classes: v2" in part) == (of.classes == "v2")
        assert all(result.source in part for result in of.results)
    with (folder / "table.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(len(of.results) for of in BOARDS)
    assert {row["measured as"] for row in rows} == {of.title for of in BOARDS}


def test_ours_is_counted_by_the_code_that_counted_theirs(board):
    folder, features = board
    document = read_json(folder / "result.json")
    assert document["simulated"] is True
    test = read_bank(features, "test")
    (model,) = (
        path.parent
        for path in (folder.parent / "runs").glob("*/config.json")
        if read_json(path)["train"]["average_decay"] == 0
    )
    predictions = spot_bank(load_model(model), test, SMALL.spot)
    found = {}
    for of in document["boards"]:
        if of["classes"] == "v1":
            scores = average_map(
                test.truth, predictions, halves=6, classes=3, frame_rate=test.frame_rate, protocol=of["protocol"]
            )
            assert of["measured"]["the paper's way"]["mean"] == pytest.approx(scores.average_map)
            found[of["protocol"]] = scores.average_map
    assert set(found) == {"soccernet-2018", "calf", "devkit"}
    assert len(set(found.values())) > 1, "the protocols tell these predictions apart"


def test_no_way_of_measuring_has_two_lists_and_every_number_a_source():
    ways = [(of.classes, of.tolerances, of.protocol) for of in BOARDS]
    assert len(set(ways)) == len(ways)
    for of in BOARDS:
        assert all(result.source for result in of.results)
        assert all(result.average_map is None or 0 < result.average_map < 1 for result in of.results)


@pytest.mark.parametrize(
    ("name", "reads", "loose", "tight"),
    [
        ("NetVLAD++, OpenSportsLab", "ResNet-152, PCA 512", 0.5050, 0.1195),
        ("NetVLAD, OpenSportsLab", "ResNet-152, PCA 512", 0.4835, 0.0738),
        ("NetVLAD, OpenSportsLab", "Baidu embeddings", 0.7081, 0.0666),
        ("RMS-Net (AImageLab-RMS)", "frames", 0.6349, 0.2883),
        ("COMEDIAN, ensemble", "frames", 0.776, 0.731),
    ],
)
def test_the_published_numbers_of_soccernet_v2(name, reads, loose, tight):
    """From the model cards of OpenSportsLab, the leaderboard of 2021, and the paper of COMEDIAN."""
    scores = {
        of.tolerances: result.average_map
        for of in BOARDS
        for result in of.results
        if of.classes == "v2" and (result.name, result.reads) == (name, reads)
    }
    assert scores == {"loose": loose, "tight": tight}


def test_17_classes_fill_the_other_tables_and_classes_of_ones_own_none(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    own = write_banks(tmp_path / "own", ("basket", "foul", "timeout"))
    with pytest.raises(UserError, match="board: these frame banks have the classes basket, foul, timeout"):
        reproduce("board", own, tmp_path / "studies", SMALL, seeds=1, progress=False)
    assert not (tmp_path / "studies").exists()
    v2 = write_banks(tmp_path / "v2", V2_CLASSES)
    reproduce("board", v2, tmp_path / "studies", SMALL, seeds=1, device="cpu", progress=False)
    document = read_json(tmp_path / "studies" / "board" / "result.json")
    filled = {(of["classes"], of["tolerances"]) for of in document["boards"] if of["measured"]}
    assert filled == {("v2", "loose"), ("v2", "tight")}
