"""What a logged model, or an image, is made of and needs, as a CycloneDX document: a software bill of materials."""

from collections.abc import Iterable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, distribution, distributions
from typing import Any

import rmsnet

SBOM_FILE = "sbom.cdx.json"
"""In a folder with an MLflow model; under its hash and its signature like everything there."""


def bill_of_materials(name: str, weights_hash: str, packages: Iterable[str]) -> dict[str, Any]:
    """CycloneDX 1.6 of a model: itself, the code that it carries, the installed packages that it needs, and theirs.

    Args:
        name: of the model.
        weights_hash: what tells its weights from others.
        packages: that it needs by itself.
    """
    direct = [_canonical(package) for package in packages]
    needed = _closure(direct)
    model = {
        "type": "machine-learning-model",
        "bom-ref": "model",
        "name": name,
        "version": weights_hash,
        "licenses": [{"license": {"id": "MIT"}}],
    }
    code = {"type": "library", "bom-ref": "code", "name": "rmsnet", "version": rmsnet.__version__}
    first = [{"ref": "model", "dependsOn": ["code"]}, {"ref": "code", "dependsOn": sorted(map(_purl, direct))}]
    return _document(model, [code], first, needed)


def bill_of_the_environment() -> dict[str, Any]:
    """CycloneDX 1.6 of everything that is installed beside rmsnet: of an image, what its Python finds."""
    names = sorted({_canonical(found.metadata["Name"]) for found in distributions()} - {"rmsnet"})
    needed = {name: set(_requirements(name)) for name in names}
    here = {
        "type": "application",
        "bom-ref": "rmsnet",
        "name": "rmsnet",
        "version": rmsnet.__version__,
        "licenses": [{"license": {"id": "MIT"}}],
    }
    return _document(here, [], [{"ref": "rmsnet", "dependsOn": sorted(map(_purl, names))}], needed)


def _document(
    about: Mapping[str, Any],
    components: Sequence[Mapping[str, Any]],
    dependencies: Sequence[Mapping[str, Any]],
    packages: Mapping[str, set[str]],
) -> dict[str, Any]:
    """What a bill is of, its own components and dependencies, and packages with those that each needs."""
    libraries = [
        {
            "type": "library",
            "bom-ref": _purl(package),
            "name": package,
            "version": distribution(package).version,
            "purl": _purl(package),
        }
        for package in sorted(packages)
    ]
    among = (
        {"ref": _purl(package), "dependsOn": sorted(map(_purl, packages[package]))} for package in sorted(packages)
    )
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": about},
        "components": [*components, *libraries],
        "dependencies": [*dependencies, *among],
    }


def _purl(package: str) -> str:
    return f"pkg:pypi/{package}@{distribution(package).version}"


def _closure(packages: Iterable[str]) -> Mapping[str, set[str]]:
    """The packages that are needed in the end, each with those that it names itself; what is not installed is not."""
    found: dict[str, set[str]] = {}
    waiting = list(packages)
    while waiting:
        package = waiting.pop()
        if package not in found:
            found[package] = set(_requirements(package))
            waiting += found[package]
    return found


def _requirements(package: str) -> Iterable[str]:
    from packaging.requirements import Requirement

    for line in distribution(package).requires or []:
        requirement = Requirement(line)
        if requirement.marker is not None and not requirement.marker.evaluate({"extra": ""}):
            continue
        try:
            distribution(requirement.name)
        except PackageNotFoundError:
            continue
        yield _canonical(requirement.name)


def _canonical(package: str) -> str:
    from packaging.utils import canonicalize_name

    return str(canonicalize_name(package))
