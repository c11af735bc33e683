"""Who imports whom: docs/architecture.md as checks."""

import ast
import re
import subprocess
import sys
from collections.abc import Collection, Iterator, Mapping
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from rmsnet.tracking.carried_code import imported

HALL = (
    "__init__",
    "cli",
    "documents",
    "errors",
    "files",
    "locks",
    "logs",
    "params",
    "parts",
    "progress",
    "provenance",
    "settings",
    "spots",
    "waiting",
)
"""What every room stands on, and the command."""

ROOMS = (
    "style",
    "reading",
    "network",
    "video",
    "dataset",
    "simulation",
    "features",
    "validation",
    "spotting",
    "tracking",
    "evaluation",
    "training",
    "registry",
    "serving",
    "matches",
    "annotating",
    "live",
    "study",
    "workplace",
    "commands",
)
"""A room may import those before it."""

CORE = (
    "features/bank",
    "network/*",
    "spotting/*",
    "evaluation/cells",
    "evaluation/matching",
    "evaluation/counting",
    "evaluation/average_precision",
    "evaluation/segments",
    "evaluation/suppression",
    "evaluation/metric",
    "evaluation/bootstrap",
    "training/ancestor",
    "training/clips",
    "training/sampling",
    "training/inputs",
    "training/history",
    "training/learner",
    "training/step_graph",
    "training/trainer",
    "training/loop",
)
"""Clips, masking, network, training, spotting, metric: NumPy and PyTorch alone."""

EDGES = ("av", "dvc", "great_expectations", "kfp", "matplotlib", "mlflow", "pandas", "pydantic", "torchvision", "yaml")

LONGEST = 400
"""Lines of a file; in more there are two ideas."""

MEDIAN = 130


@pytest.fixture(scope="session")
def imports(repository: Path) -> Mapping[str, frozenset[str]]:
    """What each module of rmsnet imports."""
    return {module: imported(path) for module, path in modules(repository).items()}


@cache
def modules(repository: Path) -> dict[str, Path]:
    """rmsnet's files by module; a folder's `__init__` is the folder."""
    files = sorted((repository / "rmsnet").rglob("*.py"))
    names = (path.relative_to(repository).with_suffix("").as_posix().replace("/", ".") for path in files)
    return {name.removesuffix(".__init__"): path for name, path in zip(names, files, strict=True)}


def room(module: str) -> str:
    """The folder of a module; "" for the hall."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[1] in ROOMS else ""


def arrows(imports: Mapping[str, frozenset[str]]) -> Iterator[tuple[str, str]]:
    """(module, module that it imports, or imports a name of) of rmsnet."""
    for module, names in imports.items():
        for name in names:
            found = name if name in imports else name.rpartition(".")[0]
            if found in imports:
                yield module, found


def test_the_hall_holds_what_every_room_stands_on_and_nothing_else(repository):
    assert {path.stem for path in (repository / "rmsnet").glob("*.py")} == set(HALL)
    rooms = {path.name for path in (repository / "rmsnet").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert rooms == set(ROOMS)


def test_rooms_import_only_rooms_that_come_before_them(imports):
    place = {"": -1, **{name: number for number, name in enumerate(ROOMS)}}
    climbing = {
        f"{module} imports {name}"
        for module, name in arrows(imports)
        if place[room(name)] > place[room(module)] and module != "rmsnet.cli"
    }
    assert not climbing


def test_the_drawing_of_the_house_is_the_house(imports, repository):
    drawn = (repository / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"^ +(\w+) --> (\w+)$", drawn, re.MULTILINE))
    assert set(re.findall(r'^ +(\w+)\["', drawn, re.MULTILINE)) == set(ROOMS)
    between = {(room(module), room(name)) for module, name in arrows(imports)}
    direct = {(above, below) for above, below in between if above and below and above != below}
    assert shown == {arrow for arrow in direct if not follows(arrow, direct)}


def follows(arrow: tuple[str, str], arrows: Collection[tuple[str, str]]) -> bool:
    """Whether the other arrows lead from its start to its end as well."""
    start, end = arrow
    reached, left = set(), {below for above, below in arrows if above == start and below != end}
    while left:
        reached |= left
        left = {below for above, below in arrows if above in left} - reached
    return end in reached


def test_files_that_the_documents_name_are_there(repository):
    rooms = "|".join(("rmsnet", "components", "pipelines", "benchmarks", "tests", *ROOMS))
    for document in (*(repository / "docs").glob("*.md"), repository / "README.md"):
        for name in re.findall(rf"`((?:{rooms})/[\w./]+\.(?:py|c|js|css|sh))\b", document.read_text(encoding="utf-8")):
            assert any((folder / name).exists() for folder in (repository, repository / "rmsnet")), (
                f"{document}: {name}"
            )


def test_no_files_import_each_other_in_a_circle(imports):
    below: dict[str, set[str]] = {module: set() for module in imports}
    for module, name in arrows(imports):
        below[module].add(name)
    TopologicalSorter(below).prepare()  # raises CycleError, which names the circle


def test_the_core_never_imports_an_edge(repository):
    package = repository / "rmsnet"
    for pattern in CORE:
        paths = list(package.glob(f"{pattern}.py"))
        assert paths, pattern
        for path in paths:
            assert not {name.partition(".")[0] for name in imported(path)} & set(EDGES), path


def test_the_core_needs_numpy_torch_and_safetensors_alone():
    """A machine with a GPU may have nothing else; training and spotting must run there, benchmarks/gpu.sh too.

    Fine-tuning and extraction import torchvision when they build a network, PyAV when they open a video.
    """
    core = ("training.loop", "spotting.inference", "network.model_files", "evaluation.metric", "evaluation.bootstrap")
    names = (*core, "training.finetuning", "video.backbones", "video.torch_extractor")
    code = (
        "import sys\n"
        f"for name in {EDGES!r}: sys.modules[name] = None\n"  # importing it raises ImportError
        f"for name in {names!r}: __import__('rmsnet.' + name)\n"
        "from rmsnet.params import TrainParams\n"
        "TrainParams()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("folder", "never"),
    [("rmsnet", {"components", "pipelines", "kfp"}), ("components", {"pipelines"})],
)
def test_imports_point_one_way(folder, never, repository):
    """pipelines → components → rmsnet."""
    for path in (repository / folder).rglob("*.py"):
        assert not {name.partition(".")[0] for name in imported(path)} & never, path


def test_only_tracking_talks_to_mlflow(imports):
    speakers = {module for module, names in imports.items() if any(name.split(".")[0] == "mlflow" for name in names)}
    assert {room(module) for module in speakers} == {"tracking"}


def test_what_a_folder_keeps_to_itself_nobody_else_imports(imports):
    """A name with an underscore stays in its module."""
    private = {
        f"{module} imports {name}"
        for module, names in imports.items()
        for name in names
        if name.startswith("rmsnet.") and name.rsplit(".", 1)[1].startswith("_") and room(name) != room(module)
    }
    assert not private


def test_every_room_says_what_it_is_for(repository):
    """In, out, and which file to read first."""
    for name in ROOMS:
        path = repository / "rmsnet" / name / "__init__.py"
        text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
        assert re.search(r"^In: .+\nOut: .+\nRead first: ", text, re.MULTILINE), path
        for file in re.findall(r"`([\w/]+\.py)`", text):
            assert (path.parent / file).exists(), f"{path}: names {file}"
        public = text.partition("Public: ")[2]
        code = "".join(file.read_text(encoding="utf-8") for file in path.parent.rglob("*.py") if file != path)
        for word in re.findall(r"`(\w+)`", public):
            assert re.search(rf"^(?:def|class) {word}\b|^{word}\b.* =", code, re.MULTILINE), f"{path}: names {word}"


def test_files_are_short(repository):
    lines = {path: len(path.read_text(encoding="utf-8").splitlines()) for path in modules(repository).values()}
    assert not {path.name: count for path, count in lines.items() if count > LONGEST}
    assert sorted(lines.values())[len(lines) // 2] <= MEDIAN
