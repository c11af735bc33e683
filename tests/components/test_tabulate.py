"""The component behind an ablation."""

import re
from pathlib import Path

import pytest
from kfp.dsl import Markdown, Metrics

from components.tabulate import tabulate
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment
from tests.components.conftest import PARAMS


def call(artifacts, study, name: str, evaluations):
    table, metrics = artifacts(Markdown, "table"), artifacts(Metrics, "metrics")
    params = {**PARAMS, "variants": {"full": {}}}
    tabulate.python_func(name, params, evaluations, table, metrics)
    return Path(table.path).read_text(), metrics.metadata


def test_a_row_beside_the_papers_numbers_with_its_interval_over_the_games(artifacts, study) -> None:
    text, metrics = call(artifacts, study, "table2", [study.evaluation])
    score = study.scores.metadata
    low, high = score["test average_map_low"], score["test average_map_high"]
    assert f"| {100 * score['test average_map']:.1f} [{100 * low:.1f}, {100 * high:.1f}]" in text
    assert re.search(r"\| 67\.8 +\| 65\.5 +\|", text)
    assert "SoccerNet baseline, 20 s" in text
    assert "Simulated matches (simulated), 1 seed**" in text
    assert "not how well they do on SoccerNet" in text
    assert metrics == {"full": score["test average_map"]}


def test_several_seeds_are_a_mean_with_its_interval_over_them(artifacts, study) -> None:
    text, metrics = call(artifacts, study, "", [study.evaluation] * 3)
    mean = f"{100 * study.scores.metadata['test average_map']:.1f}"
    assert f"| {mean} [{mean}, {mean}]" in text
    assert "3 seeds**" in text
    assert metrics["full"] == pytest.approx(study.scores.metadata["test average_map"])


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
