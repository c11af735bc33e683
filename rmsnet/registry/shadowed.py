"""What servers saw of a challenger that answers along: how often it found what the champion found.

Counts, kept as a tag of the challenger's version. They say where two models differ, not who is right: nothing decides
by them. Servers that write at the same moment may lose what one of them has counted since it last wrote.
"""

import json
from collections.abc import Mapping

from rmsnet import tracking
from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.style.tables import Row

SHADOW_TAG = "shadow"

COUNTS = ("halves", "both", "champion_alone", "challenger_alone")
"""Halves that both answered; events that both found, and that one alone found."""

CHAMPIONS = 20
"""Of so many, the latest, a version keeps what it was compared with; a tag has 5,000 characters."""


def record_shadow(name: str, version: int, champion: str, counts: Mapping[str, int]) -> None:
    """Add to what is kept of a version.

    Args:
        name: of the registered model.
        version: the challenger's number.
        champion: whom it was compared with, NAME/VERSION.
        counts: COUNTS since the last time.

    Raises:
        UserError: the store is away, has no such version, or takes nothing from this server.
    """
    told = next((_told(found.tags) for found in tracking.versions(name) if found.version == version), {})
    before = told.pop(champion, {})
    told[champion] = {key: before.get(key, 0) + counts[key] for key in COUNTS}
    tracking.tag_version(name, version, {SHADOW_TAG: json.dumps(dict(list(told.items())[-CHAMPIONS:]))})


def shadow_rows(name: str) -> list[Row]:
    """A row for each version and each that it was compared with, the oldest version first."""
    return [
        {"version": version.version, "along with": champion, **{key.replace("_", " "): counts[key] for key in COUNTS}}
        for version in reversed(tracking.versions(name))
        for champion, counts in _told(version.tags).items()
    ]


def _told(tags: Mapping[str, str]) -> dict[str, dict[str, int]]:
    """What a tag says; nothing where it was edited by hand."""
    try:
        told = read_document(tags.get(SHADOW_TAG, "{}").encode(), dict[str, dict[str, int]], SHADOW_TAG)
    except UserError:
        return {}
    return {champion: counts for champion, counts in told.items() if counts.keys() >= set(COUNTS)}
