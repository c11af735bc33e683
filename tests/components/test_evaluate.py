"""The component of the evaluate stage."""

import json
from pathlib import Path

from rmsnet.documents import read_json


def test_scores_charts_and_pages(study) -> None:
    test = read_json(Path(study.evaluation.path) / "test" / "metrics.json")
    assert study.scores.metadata["test average_map"] == test["average_map"]
    assert study.scores.metadata["test ap/card"] == test["per_class"]["card"]
    assert study.evaluation.metadata["name"] == "full"
    assert study.evaluation.metadata["mlflow_run"] == study.model.metadata["mlflow_run"]
    for report in (study.valid_report, study.test_report):
        assert "<html" in Path(report.path).read_text()
    matrix = study.confusion.metadata["confusionMatrix"]
    assert [item["displayName"] for item in matrix["annotationSpecs"]] == ["card", "subs", "soccer", "nothing"]
    json.dumps(study.confusion.metadata, allow_nan=False)


def test_through_the_local_runner(ran) -> None:
    assert len(ran.outputs("evaluate", "evaluation")) == 2
    for metadata in ran.metadata("evaluate", "confusion"):
        assert len(metadata["confusionMatrix"]["rows"]) == 4
    assert all("valid average_map" in metadata for metadata in ran.metadata("evaluate", "metrics"))
