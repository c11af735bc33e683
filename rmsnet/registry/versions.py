"""A version of a registered model by its number or alias."""

from typing import TYPE_CHECKING

from rmsnet import tracking
from rmsnet.errors import UserError

if TYPE_CHECKING:
    from rmsnet.tracking import Version


def find_version(name: str, reference: str) -> "Version":
    """A version by number or alias.

    Raises:
        UserError: no such model, version or alias.
    """
    versions = tracking.versions(name)
    if not versions:
        raise UserError(f"{name}: no such registered model in {tracking.tracking_uri()}")
    for version in versions:
        if reference.removeprefix("@") in version.aliases or reference == str(version.version):
            return version
    known = ", ".join(f"{version.version}" + "".join(f" @{alias}" for alias in version.aliases) for version in versions)
    raise UserError(f"{name}: no version or alias {reference!r}; there are: {known}")


def registered(model: str) -> tuple[str, "Version"]:
    """Name and version that models:/NAME@ALIAS or models:/NAME/VERSION means now.

    Raises:
        UserError: it names no version, or no such model, version or alias.
    """
    name, _, reference = model.removeprefix("models:/").replace("@", "/@").partition("/")
    if not (model.startswith("models:/") and name and reference):
        raise UserError(f"{model}: say which version: models:/NAME@champion or models:/NAME/1")
    return name, find_version(name, reference)
