"""A champion that was taken back: what the list, the tags and MLflow's pages say of it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rmsnet import tracking
from rmsnet.registry.history import CHAMPION, Change, rolled_back
from rmsnet.registry.telling import told
from rmsnet.style.tables import markdown_text
from rmsnet.tracking.pages import VERDICT

if TYPE_CHECKING:
    from rmsnet.tracking import Version

TAKEN_BACK = "taken back"
"""The tag "decision" of a version that a rollback has taken from its place, until it is promoted again."""


def standing(version: "Version", changes: Sequence[Change]) -> str:
    """What became of a version: its decision, or that it was taken back, whatever its tag says."""
    taken = version.model_id in rolled_back(changes)
    return TAKEN_BACK if taken else version.tags.get("decision", "")


def tell_pages(name: str, change: Change) -> None:
    """Let both versions of a rollback, and the runs that trained them, say what happened to them.

    Args:
        name: of the registered model.
        change: the rollback.
    """
    versions = {version.version: version for version in tracking.versions(name)}
    said = markdown_text(f"{change.when}: {told(change, versions)}.").replace("@", "\\@")  # else people of GitHub
    moved = [versions[number] for number in change.moves[CHAMPION] if number in versions]
    for version in moved:
        before = tracking.description(name, version.version)
        tracking.describe_version(name, version.version, f"**{said}**\n\n{before[before.find('# ') :]}")
        tracking.write_note(version.run_id, VERDICT, f"{said} [version {version.version}]({page(name, version)})")
        if version.version == change.moves[CHAMPION][0]:
            tracking.tag_version(name, version.version, {"decision": TAKEN_BACK})


def page(name: str, version: "Version") -> str:
    """The address of a version in MLflow, from any page of it."""
    return f"#/models/{name}/versions/{version.version}"
