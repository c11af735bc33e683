"""The commands as people type them: output, exit status, one line for bad input."""

import json
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from rmsnet import cli, tracking
from rmsnet.documents import read_json
from rmsnet.network.model_files import load_model
from rmsnet.spotting.inference import spot_features
from tests.builders import EXAMPLE, write_model
from tests.matches.builders import write_features


@pytest.fixture
def run(shop, capsys):
    """Run a command; its exit status, standard output and standard error."""

    def command(*arguments: str) -> tuple[int, str, str]:
        status = cli.main(list(arguments))
        answer = capsys.readouterr()
        return status, answer.out, answer.err

    return command


def register(run, shop, name: str, *options: str):
    places = ["--evaluation", shop.evaluation, "--features", shop.features, "--validation", shop.validation]
    return run("registry", "register", str(shop.model(name)), *map(str, places), "--out", "out", *options)


def test_a_match_is_spotted_with_what_the_registry_holds(run, shop, tmp_path):
    register(run, shop, "good")
    half = write_features(tmp_path / "half.npy")
    status, out, _ = run("spot", str(half), "--model", "models:/rmsnet@champion", "--out", "spotted", "--json")
    assert status == 0
    (match,) = json.loads(out)
    expected = spot_features(load_model(shop.model("good")), np.load(half))
    assert [event["position_ms"] for event in match["events"]] == expected.position_ms.tolist()
    origin = read_json(tmp_path / "spotted/origin.json")
    assert origin["weights_hash"] == load_model(shop.model("good")).config["weights_hash"]
    assert "models:/rmsnet@champion" in (tmp_path / "spotted/report.html").read_text()

    status, _, err = run("spot", str(half), "--model", "models:/rmsnet@nobody", "--out", "other")
    assert (status, err.count("\n")) == (2, 1)
    assert "models:/rmsnet@nobody is not to be had" in err
    assert not (tmp_path / "other").exists()


def test_a_life_of_two_versions(run, shop):
    status, out, _ = register(run, shop, "poor")
    assert status == 0
    assert "rmsnet version 1 (poor) is now @champion" in out
    status, out, _ = register(run, shop, "good", "--set", "register.minimum_games=30", "--json")
    assert status == 0
    assert json.loads(out)["promoted"] is False

    gate = ["--features", str(shop.features), "--validation", str(shop.validation), "--out", "promotion"]
    status, out, err = run("registry", "promote", *gate, "--set", "register.minimum_games=30")
    assert status == 1
    assert "enough games" in err
    assert err.count("\n") == 1
    status, out, _ = run("registry", "promote", *gate)
    assert status == 0
    assert "version 2 (good) is now @champion" in out

    judge = ["--features", str(shop.features), "--bootstrap", "0", "--out", "champion"]
    status, out, _ = run("evaluate", "--model", "models:/rmsnet@champion", *judge)
    assert status == 0
    assert "valid split" in out

    status, out, _ = run("registry", "compare", "@previous", "2", "--features", str(shop.features))
    assert status == 0
    assert re.match(r"version 1 .*; version 2 minus version 1 with", out)
    assert re.search(r"^ +minus version 1 ", out, re.MULTILINE)
    assert re.search(r"^Average-mAP +\+", out, re.MULTILINE)  # version 2 is better
    status, out, _ = run("registry", "rollback", "--reason", "misses cards")
    assert (status, out) == (0, "rmsnet: @champion 2 → 1; @previous 1 → none\n")

    status, out, _ = run("registry", "list")
    assert status == 0
    assert [line.split()[:2] for line in out.splitlines()[1:]] == [["2", "good"], ["1", "@champion"]]
    assert ["taken back" in line for line in out.splitlines()[1:]] == [True, False]
    status, out, _ = run("registry", "history")
    assert [line.split()[3] for line in out.splitlines()[1:]] == ["promote", "refused", "promote", "rollback"]
    assert "misses cards" in out
    status, out, _ = run("registry", "history", "--page", "champions.html", "--json")
    assert {path.suffix for path in Path().glob("champions.*")} == {".html", ".png", ".svg", ".csv"}
    assert "Simulated games" in Path("champions.html").read_text()
    assert [change["number"] for change in json.loads(out)] == [1, 2, 3, 4]


def test_an_empty_registry_says_so(run):
    assert run("registry", "list")[1] == "rmsnet: no version yet; make one with: rmsnet registry register\n"
    assert run("registry", "history")[1] == "rmsnet: nothing has happened yet\n"
    assert run("registry", "sync")[1].startswith("0 runs brought to")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["registry", "rollback", "--reason", "x"], "has no champion"),
        (["registry", "history", "--page", "x.html"], "never had a champion"),
        (["registry", "history", "--page", "x.pdf"], "ends in .html"),
        (["registry", "promote", "--features", "FEATURES", "--out", "x"], "no such registered model"),
        (["registry", "promote", "--features", "nowhere", "--out", "x"], "no such frame bank"),
        (["registry", "compare", "1", "2", "--features", "FEATURES"], "no such registered model"),
        (["registry", "list", "--set", "register.floor=2"], "floor must lie in [0, 1]"),
        (["registry", "list", "--set", "register.model_name=a/b"], "model_name must be"),
        (["serve", "models:/rmsnet@champion"], "is not to be had"),
        (["serve", "nowhere"], "no model there"),
    ],
)
def test_bad_input_is_one_line_and_status_2(run, shop, arguments, says):
    status, out, err = run(*[str(shop.features) if word == "FEATURES" else word for word in arguments])
    assert status == 2
    assert says in err
    assert err.count("\n") == 1
    assert out == ""


def test_a_model_of_an_older_schema_is_refused_at_load(run, shop, tmp_path):
    folder = write_model(tmp_path / "old")
    config = folder / "config.json"
    config.write_text(config.read_text().replace('"schema": 1', '"schema": 0'))
    with tracking.tracked_run("seed 0", (), {}) as tracked:
        from rmsnet.tracking import runs
        from tests.builders import EXAMPLE

        saved = tmp_path / "saved"
        good = write_model(tmp_path / "good")
        runs.save_pyfunc(good, EXAMPLE, saved)
        (saved / "artifacts" / "good" / "config.json").write_text(config.read_text())
        model_id = runs.put_model(runs.client_of(tracking.tracking_uri()), tracked.run_id, saved, {})
    tracking.create_version("rmsnet", model_id, tracked.run_id, {})
    status, _, err = run("registry", "promote", "1", "--features", str(shop.features), "--out", "x")
    assert status == 2
    assert "not a model of schema 1" in err


SMALL = [
    part
    for change in ("epochs=1", "foreground_clips=30", "background_clips=10", "clip_frames=9", "precision=float32")
    for part in ("--set", f"train.{change}")
]


def test_a_project_of_whatever_name_has_its_champion(run, shop, tmp_path, monkeypatch, python_folder):
    name = "a#b 50% 'off' & \"x\";y"
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    features = ["--features", str(shop.features)]
    for command in (
        ["train", *features, "--out", "model", *SMALL],
        ["evaluate", "--model", "model", *features, "--out", "evaluation/model", "--bootstrap", "10"],
        ["registry", "register", "model", "--evaluation", "evaluation", *features, "--out", "registration"],
    ):
        assert run(*command)[0] == 0
    status, out, _ = run("registry", "promote", "1", *features, "--validation", str(shop.validation), "--out", "ask")
    assert (status, "is now @champion" in out) == (0, True)
    np.save("half.npy", EXAMPLE)
    # In a process of its own: MLflow keeps what it found at an address, also where the folder is another one by then.
    predict = "print(len(mlflow.pyfunc.load_model('models:/rmsnet@champion').predict(numpy.load('half.npy'))))"
    said = subprocess.run(
        ["python", "-c", f"import mlflow, numpy; {predict}"],
        env={
            **os.environ,
            "PATH": f"{python_folder}:{os.environ['PATH']}",
            "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db",
        },
        capture_output=True,
        text=True,
    )
    assert int(said.stdout) > 0, said.stderr
    assert {path.name for path in tmp_path.iterdir()} == {name, "mlflow.db", "mlruns"}, "and nothing beside it"


@pytest.mark.parametrize("command", ["train", "evaluate", "register", "combine", "reproduce"])
@pytest.mark.parametrize(("name", "what"), [("a#b?c", "?"), ("a%20b", "%20")])
def test_a_place_that_mlflow_takes_for_another_is_refused_before_anything_is_computed(
    run, shop, tmp_path, monkeypatch, command, name, what
):
    (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / name)
    model, features = str(shop.model("poor")), ["--features", str(shop.features)]
    status, _, err = run(
        *{
            "train": ["train", *features, "--out", "model", *SMALL],
            "evaluate": ["evaluate", "--model", model, *features, "--out", "evaluation"],
            "register": ["registry", "register", model, "--evaluation", str(shop.evaluation), *features, "--out", "x"],
            "combine": ["combine", model, str(shop.model("good")), *features, "--out", "both"],
            "reproduce": ["reproduce", "figure5", *features, "--out", "studies", *SMALL],
        }[command]
    )
    assert (status, err.count("\n")) == (2, 1)
    assert f"{name}/mlflow.db: a store cannot lie where a name holds '{what}'" in err
    assert list(Path().iterdir()) == []
