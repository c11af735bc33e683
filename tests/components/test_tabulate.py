"""The component behind an ablation."""

import re
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import Artifact, Markdown, Metrics

from components.tabulate.component import tabulate
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment
from rmsnet.files import write_json
from tests.components.conftest import PARAMS


def judged(artifacts, score: float, **more: Any) -> Artifact:
    """An evaluation of "full" with this test score."""
    evaluation = artifacts(Artifact, f"evaluation of {score}")
    metrics = {"dataset": "Simulated matches", "simulated": True, "protocol": "devkit", "tolerances": [5, 60]}
    for split in ("valid", "test"):
        write_json(Path(evaluation.path) / split / "metrics.json", {**metrics, "average_map": score, **more})
    evaluation.metadata["name"] = "full"
    return evaluation


def call(artifacts, name: str, evaluations):
    table, metrics = artifacts(Markdown, "table"), artifacts(Metrics, "metrics")
    params = {**PARAMS, "variants": {"full": {}}}
    tabulate.python_func(name, params, evaluations, table, metrics)
    return Path(table.path).read_text(), metrics.metadata


def test_a_row_beside_the_papers_numbers_with_its_interval_over_the_games(artifacts) -> None:
    text, metrics = call(artifacts, "table2", [judged(artifacts, 0.5, ci95=[0.4, 0.625])])
    assert re.search(r"\| full +\| 50\.0 \[40\.0, 62\.5\] +\| 50\.0 \[40\.0, 62\.5\] +\| 67\.8 +\| 65\.5 +\|", text)
    assert "SoccerNet baseline, 20 s" in text
    assert "Simulated matches (simulated), 1 seed**" in text
    assert "not how well they do on SoccerNet" in text
    assert metrics == {"full": 0.5}


def test_several_seeds_are_a_mean_with_its_interval_over_them(artifacts) -> None:
    text, metrics = call(artifacts, "", [judged(artifacts, score) for score in (0.4, 0.5, 0.6)])
    # Student's t of 2 degrees of freedom: 4.303 * 0.1 / sqrt(3)
    assert "| 50.0 [25.2, 74.8]" in text
    assert "3 seeds**" in text
    assert metrics["full"] == pytest.approx(0.5)


def test_an_ablation_never_touches_the_registry() -> None:
    assert "register" not in compile_pipeline("ablation", Deployment(), {})


@pytest.mark.slow
def test_through_the_local_runner(ablated) -> None:
    """Fig. 5's two rows as a DAG, trained side by side."""
    table = ablated.output("tabulate", "table").read_text()
    assert "Fig. 5" in table
    assert re.search(r"\| full +\| \d", table)
    assert re.search(r"\| no-regression +\| \d.*\| 58\.5 +\| 55\.7 +\|", table)
    (metrics,) = ablated.metadata("tabulate", "metrics")
    assert {"full", "no-regression"} <= set(metrics)
    assert sorted(item["name"] for item in ablated.metadata("evaluate", "evaluation")) == ["full", "no-regression"]
