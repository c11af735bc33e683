"""Small pipelines for one rule each, compiled as anybody's would be."""

from collections.abc import Callable
from pathlib import Path

import pytest
from kfp import compiler, dsl

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document, read_document
from pipelines.backend.rules import findings

Compiled = Callable[[dsl.base_component.BaseComponent], Document]


@pytest.fixture
def compiled(tmp_path: Path) -> Compiled:
    def compiled(pipeline) -> Document:
        compiler.Compiler().compile(pipeline, str(tmp_path / "pipeline.yaml"))
        return read_document((tmp_path / "pipeline.yaml").read_text(), "pipeline.yaml")

    return compiled


def lines(document: Document, rule: str, assumed: Assumptions = Assumptions()) -> list[str]:  # noqa: B008  # frozen
    """What one rule says of a pipeline."""
    return [finding.line for finding in findings(document, assumed) if finding.rule.name == rule]
