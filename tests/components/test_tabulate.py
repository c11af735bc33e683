"""The components behind an ablation: several trainings in a pod, and their table."""

import re
from pathlib import Path
from typing import Any

import pytest
from kfp.dsl import HTML, Artifact, Metrics

from components.tabulate.body import body
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment
from rmsnet.files import write_json
from tests.components.conftest import PARAMS


def part(artifacts, scores: dict[int, float], **more: Any) -> Artifact:
    """What a pod leaves that has trained "full" with these seeds, by its test score."""
    made = artifacts(Artifact, f"part of {min(scores)}")
    metrics = {"dataset": "Simulated matches", "simulated": True, "protocol": "devkit", "tolerances": [5, 60]}
    for seed, score in scores.items():
        for split in ("valid", "test"):
            file = Path(made.path) / "rows" / "full" / str(seed) / split / "metrics.json"
            write_json(file, {**metrics, "average_map": score, **more})
    return made


def call(artifacts, name: str, parts):
    table, page, metrics = artifacts(Artifact, "table"), artifacts(HTML, "page"), artifacts(Metrics, "metrics")
    body(name, {**PARAMS, "variants": {"full": {}}}, parts, table, page, metrics)
    assert "<table>" in Path(page.path).read_text()
    return Path(table.path).read_text(), metrics.metadata


def test_a_row_beside_the_papers_numbers_with_its_interval_over_the_games(artifacts) -> None:
    text, metrics = call(artifacts, "table2", [part(artifacts, {0: 0.5}, ci95=[0.4, 0.625])])
    assert re.search(r"\| full +\| 50\.0 \[40\.0, 62\.5\] +\| 50\.0 \[40\.0, 62\.5\] +\| 67\.8 +\| 65\.5 +\|", text)
    assert "SoccerNet baseline, 20 s" in text
    assert "Simulated matches (simulated), 1 seed**" in text
    assert "not how well they do on SoccerNet" in text
    assert metrics == {"full": 0.5}


def test_seeds_of_several_pods_are_a_mean_with_its_interval_over_them(artifacts) -> None:
    text, metrics = call(artifacts, "", [part(artifacts, {0: 0.4, 2: 0.6}), part(artifacts, {1: 0.5})])
    # Student's t of 2 degrees of freedom: 4.303 * 0.1 / sqrt(3)
    assert "| 50.0 [25.2, 74.8]" in text
    assert "3 seeds**" in text
    assert metrics["full"] == pytest.approx(0.5)


def test_an_ablation_never_touches_the_registry() -> None:
    assert "register-model" not in compile_pipeline("ablation", Deployment(), {})


@pytest.mark.slow
def test_through_the_local_runner(ablated) -> None:
    """Fig. 5's two rows in one pod, then the table."""
    table = ablated.output("tabulate", "table").read_text()
    assert "Fig. 5" in table
    assert re.search(r"\| full +\| \d", table)
    assert re.search(r"\| no-regression +\| \d.*\| 58\.5 +\| 55\.7 +\|", table)
    (metrics,) = ablated.metadata("tabulate", "metrics")
    assert {"full", "no-regression"} <= set(metrics)
    (facts,) = ablated.metadata("train-study", "rows")
    assert facts["trainings"] == 2
    assert "<title>full, no-regression (1/1)</title>" in ablated.output("train-study", "page").read_text()
