"""The component that spots a shard of the matches."""

from pathlib import Path

from kfp.dsl import HTML, Artifact, Dataset, Metrics, Model

from components.artifacts import refer_to
from components.spot_matches.component import spot_matches
from rmsnet.dataset.labels import V1_CLASSES
from rmsnet.matches.sources import find_matches


def test_a_shard_has_its_part_of_the_matches(artifacts, study, dataset: Path) -> None:
    matches, spotter = artifacts(Dataset, "matches", source="here", dvc_md5="m"), artifacts(Model, "spotter", uri="u")
    refer_to(dataset, Path(matches.path))
    spotter.path = study.model.path
    made = {
        "spotted": artifacts(Artifact, "spotted"),
        "events": artifacts(Artifact, "events"),
        "report": artifacts(HTML, "report"),
        "metrics": artifacts(Metrics, "metrics"),
    }
    spot_matches.python_func(matches, spotter, "", "2/3", **made)
    names = [match.name for match in find_matches([dataset], "ResNET_TF2_PCA512", V1_CLASSES, None)][1::3]
    out = Path(made["spotted"].path)
    assert sorted(path.parent.relative_to(out).as_posix() for path in out.rglob("results_spotting.json")) == sorted(
        names
    )
    assert Path(made["events"].path).read_text().startswith("match,half,time,")
    assert Path(made["report"].path).read_text().count("<iframe") == len(names)
    assert made["metrics"].metadata["matches"] == len(names)
    assert made["metrics"].metadata["seconds"] > 0
    facts = made["spotted"].metadata
    assert (facts["source"], facts["dvc_md5"], facts["model uri"], facts["shard"]) == ("here", "m", "u", "2/3")


def test_through_the_local_runner(spotted) -> None:
    found = spotted.metadata("spot-matches", "spotted")
    assert sorted(item["shard"] for item in found) == ["1/2", "2/2"]
    assert {item["model uri"] for item in found} == {"models:/rmsnet/1"}
