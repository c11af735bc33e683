"""The component that joins the shards of a spotting."""

import json
import shutil
from pathlib import Path

import pytest
from kfp.dsl import HTML, Artifact, Dataset, Metrics, Model

from components.artifacts import refer_to
from components.collect_matches import collect_matches
from rmsnet.cli import main
from rmsnet.documents import read_json
from rmsnet.features.shards import Shard
from rmsnet.files import write_json
from rmsnet.matches.stage import spot_stage


@pytest.fixture
def call(artifacts, study, dataset: Path, tmp_path: Path):
    """Two shards of the matches, joined."""

    def call(matches_at: Path = dataset, names: tuple[str, ...] = ("1/2", "2/2")):
        matches, spotter = artifacts(Dataset, "matches"), artifacts(Model, "spotter")
        refer_to(matches_at, Path(matches.path))
        spotter.path = study.model.path
        parts = [artifacts(Artifact, f"part {number}") for number in range(len(names))]
        for part, name in zip(parts, names, strict=True):
            spot_stage([matches_at], study.model.path, Path(part.path), shard=Shard.parse(name))
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


def test_the_joined_shards_score_as_the_command_says(call, dataset: Path, tmp_path: Path, capsys) -> None:
    made = call()
    out = Path(made["spotted"].path)
    games = sorted(path.parent.relative_to(out).as_posix() for path in out.rglob("results_spotting.json"))
    assert made["metrics"].metadata["matches"] == len(games) == 6
    assert Path(made["events"].path).read_text() == (out / "events.csv").read_text()
    assert Path(made["report"].path).read_text().count("<details") == 6
    assert Path(made["scores"].path).read_text().startswith("<!")
    write_json(tmp_path / "games.json", games)
    capsys.readouterr()
    arguments = ["evaluate", "--labels", str(dataset), "--predictions", str(out), "--classes", "v1", "--json"]
    assert main([*arguments, "--split", str(tmp_path / "games.json"), "--out", str(tmp_path / "judged")]) == 0
    assert made["metrics"].metadata["average_map"] == json.loads(capsys.readouterr().out)["average_map"]


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
    assert metrics["matches"] == len(games) == 6
    assert metrics["events"] == sum(len(read_json(path)["predictions"]) for path in games)
    assert 0 <= metrics["average_map"] <= 1
