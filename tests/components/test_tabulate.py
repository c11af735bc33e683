"""The component behind an ablation."""

from pathlib import Path

from kfp.dsl import Markdown, Metrics

from components.tabulate import tabulate
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment


def test_a_row_for_each_variant_beside_the_papers(artifacts, study) -> None:
    table, metrics = artifacts(Markdown, "table"), artifacts(Metrics, "metrics")
    tabulate.python_func([study.evaluation], table, metrics)
    text = Path(table.path).read_text()
    assert "Simulated matches (simulated) beside the paper's Table III" in text
    assert "| full " in text
    assert "| 67.8 | 65.5 |" in text
    assert metrics.metadata == {"full": study.scores.metadata["test average_map"]}


def test_an_ablation_never_touches_the_registry() -> None:
    assert "register" not in compile_pipeline("ablation", Deployment(), {}).replace("rmsnet.registry.report", "")
