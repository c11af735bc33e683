"""Our pipelines, with every example deployment, against everything that is known of the backend."""

from dataclasses import replace
from pathlib import Path

import pytest

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.caching import is_hit
from pipelines.backend.cost import Cost, cost_of
from pipelines.backend.document import Document, read_document
from pipelines.backend.rules import findings
from pipelines.backend.size import MOST_WORKFLOW_BYTES
from pipelines.compiling import PIPELINES, compile_pipeline, pods
from pipelines.deployment import Deployment, load_deployment
from pipelines.resources import Resources, Workspace

EXAMPLES = ("laptop", "cluster", "nvidia")

PARAMS = {"variants": {name: {} for name in ("full", "no-masking", "no-regression", "no-uniform-offsets")}}

KNOWN = {"a moved tag is a stale hit", "pages in a loop"}
"""The examples name no digest; a page of an iteration names its variant, and the task behind the loop shows all."""


def document_of(name: str, deployment: Deployment) -> Document:
    return read_document(compile_pipeline(name, deployment, PARAMS), name)


@pytest.mark.parametrize("example", EXAMPLES)
@pytest.mark.parametrize("name", PIPELINES)
def test_nothing_in_them_breaks_a_rule(repository: Path, name: str, example: str) -> None:
    deployment = load_deployment(repository / "pipelines" / "deployments" / f"{example}.yaml")
    found = findings(document_of(name, deployment), Assumptions(iterations=pods(name, deployment)))
    assert {finding.rule.name for finding in found if finding.rule.level != "note"} <= KNOWN


def test_when_nothing_has_changed_only_the_ends_run_again() -> None:
    document = document_of("training", Deployment(extract_shards=2))
    again = {task.key for task in document.container_tasks if not is_hit(document, task)}
    assert again == {"identify-data", "register-model", "require"}
    document = document_of("ablation", Deployment(extract_shards=2))
    again = {task.key for task in document.container_tasks if not is_hit(document, task)}
    assert again == {"identify-data"}


def test_a_study_of_9_rows_9_seeds_and_17_classes_fits_a_stock_cluster() -> None:
    deployment = Deployment(extract_shards=4)
    document = document_of("ablation", deployment)
    # A training's page, metrics of each row and the folder's facts: nothing in them grows with the classes.
    assumed = Assumptions({"study": "table3", "seeds": 9}, {"train-rows": deployment.train_pods})
    assert not [finding for finding in findings(document, assumed) if finding.rule.level == "fault"]
    cost = cost_of(document, assumed)
    assert cost.compressed_bytes < MOST_WORKFLOW_BYTES / 4
    assert cost.tasks == 25


def test_a_run_that_would_not_fit_is_refused_with_the_setting_to_change() -> None:
    document = document_of("training", Deployment())
    many = Assumptions({"variants": [f"variant-{number}" for number in range(400)]})
    lines = [finding.line for finding in findings(document, many) if finding.rule.level == "fault"]
    assert any("fewer, longer iterations of train-variants (400 now)" in line for line in lines)


def test_what_two_variants_and_two_shards_cost_is_what_was_seen() -> None:
    """Seen on KFP 2.17.0 with Argo 4.0.5: 25 pods, and a workflow of 545 to 578 thousand bytes."""
    two = replace(Deployment(), extract_shards=2)
    cost: Cost = cost_of(document_of("training", two), Assumptions({"variants": ["full", "no-masking"]}))
    assert (cost.tasks, cost.pods, cost.layers) == (9, 25, 3)
    assert 450_000 < cost.workflow_bytes < 600_000


def test_the_nodes_of_a_training_are_counted() -> None:
    place = {"train": Resources(cpu="8", memory="32Gi"), "evaluate": Resources(cpu="500m", memory="2Gi")}
    three = Deployment(train_nodes=3, workspace=Workspace(size="10Gi"), **place)
    cost = cost_of(document_of("training", three), Assumptions({"variants": ["full", "no-masking"]}))
    assert (cost.nodes, cost.cpu, round(cost.memory_gib)) == (6, 2 * (3 * 8 + 0.5), 2 * (3 * 32 + 2))
    assert "18 pods and 6 nodes of trainings" in cost.lines()[0]


def test_a_small_task_takes_a_small_place() -> None:
    document = document_of("training", Deployment())
    asked = {task.key: task.container["resources"] for task in document.container_tasks if task.container}
    for name in ("identify-data", "require"):
        assert (asked[name]["resourceCpuRequest"], asked[name]["resourceMemoryRequest"]) == ("200m", "1Gi")
