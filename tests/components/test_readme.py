"""Each component's README names every input and output that it has."""

import importlib
from pathlib import Path

import pytest

FOLDERS = sorted(path.parent.name for path in (Path(__file__).parents[2] / "components").glob("*/component.py"))


@pytest.mark.parametrize("name", FOLDERS)
def test_readme(repository: Path, name: str) -> None:
    text = (repository / "components" / name / "README.md").read_text()
    spec = getattr(importlib.import_module(f"components.{name}.component"), name).component_spec
    for key in [*(spec.inputs or {}), *(spec.outputs or {})]:
        assert f"| {key} |" in text or f"{key}, " in text or f", {key} |" in text, key
