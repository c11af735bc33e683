"""The component that joins the shards of a spotting."""

import json
import shutil
from pathlib import Path

import pytest
from kfp.dsl import HTML, Artifact, Dataset, Metrics, Model

from components.artifacts import refer_to
from components.collect_matches import collect_matches
from rmsnet.cli import main
from rmsnet.extraction import Shard
from rmsnet.spot_stage import spot_stage


@pytest.fixture
def call(artifacts, study, dataset: Path, tmp_path: Path):
    """Two shards of the test split's matches, joined."""

    def call(matches_at: Path = dataset, names: tuple[str, ...] = ("1/2", "2/2")):
        matches, spotter = artifacts(Dataset, "matches"), artifacts(Model, "spotter")
        refer_to(matches_at, Path(matches.path))
        spotter.path = study.model.path
        parts = [artifacts(Artifact, f"part {number}") for number in range(len(names))]
        for part, name in zip(parts, names, strict=True):
            spot_stage([matches_at], study.model.path, Path(part.path), split="test", shard=Shard.parse(name))
        made = {
            "spotted": artifacts(Artifact, "spotted"),
            "events": artifacts(Artifact, "events"),
            "report": artifacts(HTML, "report"),
            "scores": artifacts(HTML, "scores"),
            "metrics": artifacts(Metrics, "metrics"),
        }
        collect_matches.python_func(parts, matches, spotter, **made)
        return made

    return call


def test_the_joined_shards_are_what_one_spotting_makes_and_score_as_the_evaluate_stage_says(
    call, study, dataset: Path, tmp_path: Path
) -> None:
    made = call()
    out, whole = Path(made["spotted"].path), tmp_path / "whole"
    spot_stage([dataset], study.model.path, whole, split="test")
    for name in ("results_spotting.json", "events.csv", "origin.json"):
        found = sorted(path.relative_to(whole) for path in whole.rglob(name))
        assert found == sorted(path.relative_to(out) for path in out.rglob(name))
        assert all(sorted((out / path).read_text()) == sorted((whole / path).read_text()) for path in found)
    assert made["metrics"].metadata["average_map"] == pytest.approx(study.scores.metadata["test average_map"])
    assert Path(made["scores"].path).read_text().startswith("<!")
    arguments = ["evaluate", "--labels", str(dataset), "--predictions", str(out), "--classes", "v1", "--split", "test"]
    assert main([*arguments, "--bootstrap", "0", "--out", str(tmp_path / "judged")]) == 0


def test_matches_without_labels_are_not_scored(call, dataset: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    shutil.copytree(dataset, bare)
    for labels in bare.rglob("Labels*.json"):
        labels.unlink()
    made = call(bare)
    assert set(made["metrics"].metadata) == {"matches", "events"}
    assert "Not every match has labels" in Path(made["scores"].path).read_text()


def test_a_shard_twice_is_refused(call, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        call(names=("1/2", "1/2"))
    assert refusal.value.code == 2
    assert "give each shard once" in capsys.readouterr().err


def test_through_the_local_runner(spotted) -> None:
    (metrics,) = spotted.metadata("collect-matches", "metrics")
    games = list(spotted.output("collect-matches", "spotted").rglob("results_spotting.json"))
    assert metrics["matches"] == len(games) == 2
    assert metrics["events"] == sum(len(json.loads(path.read_text())["predictions"]) for path in games)
    assert 0 <= metrics["average_map"] <= 1
