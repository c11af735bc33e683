import json
import shutil

import numpy as np

from rmsnet import cli
from rmsnet.files import write_json
from rmsnet.validation.inspection import describe, inspect
from tests.validation.datasets import FEATURES, FRAMES, GAMES, feature_file, make_dataset

GAME = GAMES["train"][0]


def test_a_dataset_is_described_in_numbers(tmp_path):
    root = make_dataset(tmp_path / "data")
    np.save(root / GAME / "2_ResNET_TF2.npy", np.zeros((FRAMES, 4), np.float32))
    (root / GAME / "1_224p.mkv").write_bytes(b"video")
    (root / "league_one/2014-2015/of the challenge").mkdir()
    found = inspect(root, features=FEATURES)
    assert (found["dataset"], found["simulated"], found["classes"]) == ("Tiny", True, "v1")
    assert found["splits"]["train"] == {
        "games": 3,
        "halves_with_features": 6,
        "hours": 0.2,
        "frames": 6 * FRAMES,
        "events": {"card": 3, "subs": 3, "soccer": 3},
    }
    counts = {name: of["count"] for name, of in found["files"].items()}
    assert counts == {"Labels.json": 5, "{half}_tiny.npy": 10, "{half}_ResNET_TF2.npy": 1, "{half}_224p.mkv": 1}
    assert found["files"]["{half}_224p.mkv"]["bytes"] == 5
    assert found["unlisted"] == ["league_one/2014-2015/of the challenge"]
    assert f"{GAME}: no {{half}}_224p.mkv for half 2" in found["gaps"]


def test_gaps_are_named(tmp_path):
    root = make_dataset(tmp_path / "data")
    feature_file(root, GAME, 2).unlink()
    (root / GAMES["train"][1] / "Labels.json").unlink()
    shutil.rmtree(root / GAMES["test"][0])
    found = inspect(root, features=FEATURES)
    assert found["gaps"] == [
        f"{GAMES['test'][0]}: folder absent",
        f"{GAMES['train'][1]}: no Labels.json",
        f"{GAME}: no {{half}}_{FEATURES}.npy for half 2",
    ]
    assert all(gap in describe(found) for gap in found["gaps"])


def test_the_command_prints_a_table_or_json_and_writes_a_page(tmp_path, capsys):
    root = make_dataset(tmp_path / "data")
    write_json(root / "dataset.json", {"name": "<i>Tiny</i>", "simulated": False})
    command = ["data", "inspect", str(root), "--set", f"extract.features={FEATURES}"]
    assert cli.main([*command, "--page", str(tmp_path / "page.html")]) == 0
    assert "no gaps" in capsys.readouterr().out
    page = (tmp_path / "page.html").read_text()
    assert "&lt;i&gt;Tiny" in page
    assert page.count("data:image/png;base64,") == 3
    assert cli.main([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["splits"]["valid"]["games"] == 1
    assert cli.main(["data", "inspect", str(tmp_path / "nowhere")]) == 2
