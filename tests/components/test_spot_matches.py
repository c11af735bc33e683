"""The components that spot the matches and put them together."""

import json
import shutil
from pathlib import Path

import pytest
from kfp.dsl import HTML, Artifact, Metrics, Model

from components.collect_matches.body import body as collect
from components.data import identified
from components.door import PASSED
from components.spot_matches.body import body
from rmsnet.cli import main
from rmsnet.dataset.labels import V1_CLASSES
from rmsnet.documents import read_json
from rmsnet.files import write_json
from rmsnet.matches.sources import find_matches
from rmsnet.network.model_files import load_model


@pytest.fixture
def spot(artifacts, study):
    """A part of the matches, spotted."""

    def spot(source: Path, part: str, weights: str | None = None):
        model = study.folder / "model"
        made = {
            "spotted": artifacts(Artifact, f"spotted {part.replace('/', ' of ')}"),
            "page": artifacts(HTML, "page"),
            "metrics": artifacts(Metrics, "metrics"),
        }
        weights = weights or load_model(model).config["weights_hash"]
        body(str(source), "", identified(str(source), ""), str(model), weights, "", part, **made)
        return made

    return spot


def test_a_part_is_some_of_the_matches(spot, dataset: Path) -> None:
    made = spot(dataset, "2/3")
    names = [match.name for match in find_matches([dataset], "ResNET_TF2_PCA512", V1_CLASSES, None)][1::3]
    out = Path(made["spotted"].path)
    found = sorted(path.parent.relative_to(out).as_posix() for path in out.rglob("results_spotting.json"))
    assert found == sorted(names)
    page = Path(made["page"].path).read_text()
    assert "<title>Matches 2/3: " in page
    assert page.count("<iframe") == len(names)
    assert made["metrics"].metadata["matches"] == len(names)
    assert made["spotted"].metadata["display_name"] == "matches 2/3"


def test_another_model_at_the_same_place_is_refused(spot, dataset: Path, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        spot(dataset, "1/6", weights="others")
    assert refusal.value.code == 1
    assert "is another model than when the run began" in capsys.readouterr().err


@pytest.fixture
def together(artifacts, spot, study, dataset: Path):
    """The parts of a spotting, joined."""

    def together(source: Path = dataset, parts: tuple[str, ...] = ("1/2", "2/2")):
        spotter = artifacts(Model, "spotter", simulated="yes")
        spotter.path = str(study.folder / "model")
        made = {
            "spotted": artifacts(Artifact, "spotted"),
            "page": artifacts(HTML, "page"),
            "metrics": artifacts(Metrics, "metrics"),
        }
        said = collect([spot(source, part)["spotted"] for part in parts], spotter, str(source), "", **made)
        return {**made, "said": said}

    return together


def test_a_bad_match_does_not_stop_the_others_and_is_named_behind_them(together, dataset: Path, tmp_path: Path) -> None:
    source = Path(shutil.copytree(dataset, tmp_path / "data"))
    bad = sorted(source.rglob("2_*.npy"))[0]
    bad.write_bytes(bad.read_bytes()[:-100])
    made = together(source)
    games = len(find_matches([source], "ResNET_TF2_PCA512", V1_CLASSES, None))
    assert made["said"].startswith(f"1 of {games} matches are not spotted")
    assert str(bad) in made["said"]
    assert made["metrics"].metadata["matches"] == games - 1
    assert "1 left out" in Path(made["page"].path).read_text()
    assert together()["said"] == PASSED


def test_the_joined_parts_score_as_the_command_says(together, dataset: Path, tmp_path: Path, capsys) -> None:
    made = together()
    out = Path(made["spotted"].path)
    games = sorted(path.parent.relative_to(out).as_posix() for path in out.rglob("results_spotting.json"))
    assert made["metrics"].metadata["matches"] == len(games) == 9
    page = Path(made["page"].path).read_text()
    assert page.count("<details") == 9
    assert "<h2>Scores</h2>" in page
    write_json(tmp_path / "games.json", games)
    capsys.readouterr()
    arguments = ["evaluate", "--labels", str(dataset), "--predictions", str(out), "--classes", "v1", "--json"]
    assert main([*arguments, "--split", str(tmp_path / "games.json"), "--out", str(tmp_path / "judged")]) == 0
    assert made["metrics"].metadata["average_map"] == json.loads(capsys.readouterr().out)["average_map"]


def test_matches_without_labels_are_not_scored(together, dataset: Path, tmp_path: Path) -> None:
    bare = shutil.copytree(dataset, tmp_path / "bare")
    for labels in bare.rglob("Labels*.json"):
        labels.unlink()
    made = together(bare)
    assert set(made["metrics"].metadata) == {"matches", "events"}
    assert "Not every match has labels" in Path(made["page"].path).read_text()


def test_a_part_twice_is_refused(together, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        together(parts=("1/2", "1/2"))
    assert refusal.value.code == 2
    assert "give each shard once" in capsys.readouterr().err


def test_through_the_local_runner(spotted) -> None:
    found = spotted.metadata("spot-matches", "spotted")
    assert sorted(item["display_name"] for item in found) == ["matches 1/2", "matches 2/2"]
    assert {item["model"] for item in found} == {"models:/rmsnet/1"}
    (metrics,) = spotted.metadata("collect-matches", "metrics")
    games = list(spotted.output("collect-matches", "spotted").rglob("results_spotting.json"))
    assert metrics["matches"] == len(games) == 9
    assert metrics["events"] == sum(len(read_json(path)["predictions"]) for path in games)
    assert 0 <= metrics["average_map"] <= 1
