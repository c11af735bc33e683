"""The code that a logged model carries: those modules of ours that spotting with it imports, a tenth of the package.

Each file is a request to a store on a server, when the model is logged and whenever it is fetched.
"""

import ast
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path

PYFUNC_CODE = Path(__file__).with_name("pyfunc_model.py")
"""What MLflow runs."""

PACKAGE = Path(__file__).parents[1]


def copy_carried_code(folder: Path) -> Path:
    """Write what `PYFUNC_CODE` imports of this package, and the compiled kernels, into a folder; the package in it."""
    for file in carried_files():
        copied = folder / PACKAGE.name / file.relative_to(PACKAGE)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copied)
    from rmsnet.network.kernels import library  # PyTorch

    if (kernels := library()) is not None:
        shutil.copy(kernels._name, folder / PACKAGE.name / "network")
    return folder / PACKAGE.name


@cache
def carried_files() -> frozenset[Path]:
    """The files behind every import that starts at `PYFUNC_CODE`, those inside functions too."""
    found, left = set[Path](), {PYFUNC_CODE}
    while left:
        left = {file for path in left for name in imported(path) for file in _files_of(name)} - found
        found |= left
    return frozenset(found)


@cache
def imported(path: Path) -> frozenset[str]:
    """The modules, or names of modules, that a file imports: inside functions and for type checking, too."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(names)


def _files_of(name: str) -> Iterator[Path]:
    """What of this package importing a name runs: the folders that lead to it, and its module."""
    place, *parts = name.split(".")
    if place != PACKAGE.name:
        return
    path = PACKAGE
    for part in ("", *parts):
        path /= part
        yield from filter(Path.is_file, (path / "__init__.py", path.with_suffix(".py")))
