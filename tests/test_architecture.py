"""Who imports whom: docs/architecture.md as checks."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

CORE = ("features.bank", "network.model_files", "network.spectral", "spotting.inference", "evaluation", "training.loop")
EDGES = ("av", "dvc", "great_expectations", "kfp", "matplotlib", "mlflow", "pandas", "pydantic", "torchvision", "yaml")


def test_the_core_needs_numpy_torch_and_safetensors_alone():
    """A machine with a GPU may have nothing else; training and spotting must run there."""
    code = (
        "import sys\n"
        f"for name in {EDGES!r}: sys.modules[name] = None\n"  # importing it raises ImportError
        f"for name in {CORE!r}: __import__('rmsnet.' + name)\n"
        "from rmsnet.params import TrainParams\n"
        "from rmsnet.training.loop import train\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def imported(path: Path) -> set[str]:
    """The modules that a file imports, inside functions too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


@pytest.mark.parametrize(
    ("folder", "never"),
    [("rmsnet", {"components", "pipelines", "kfp"}), ("components", {"pipelines"})],
)
def test_imports_point_one_way(folder, never, repository):
    """pipelines → components → rmsnet."""
    for path in (repository / folder).rglob("*.py"):
        assert not {name.partition(".")[0] for name in imported(path)} & never, path


def test_only_tracking_the_logged_models_code_and_its_server_talk_to_mlflow(repository):
    speakers = {
        path.relative_to(repository / "rmsnet").as_posix()
        for path in (repository / "rmsnet").rglob("*.py")
        if any(name.partition(".")[0] == "mlflow" for name in imported(path))
    }
    others = {name for name in speakers if not name.startswith("tracking/")}
    assert others == {"registry/serving.py"}
