"""The history of a registered model, kept in the registry itself."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rmsnet.documents import read_document, structured
from rmsnet.tracking.model_versions import all_versions, insisting, make_registered_model
from rmsnet.tracking.models import FILES_HASH_TAG
from rmsnet.tracking.store import asking, our_client

RECORD_TAG = "record"


APPLIED_TAG = "applied"


_SUFFIX = "-history"


def history_name(name: str) -> str:
    return f"{name}{_SUFFIX}"


def lines() -> list[str]:
    """The registered models of which a history is kept here."""
    with asking("histories"):
        client = our_client()
        names, token = [], None
        while True:
            page = client.search_registered_models(f"name LIKE '%{_SUFFIX}'", max_results=1000, page_token=token)
            names += [item.name for item in page]
            token = page.token
            if not token:
                break
        ours = [name for name in names if any(RECORD_TAG in item.tags for item in all_versions(name))]
    return [name.removesuffix(_SUFFIX) for name in ours]


def append_record(name: str, version: int | None, record: Mapping[str, Any], text: str) -> int:
    """Append a record to the history of a registered model; its number.

    Args:
        name: of the registered model.
        version: that the change is about: models:/NAME-history/<number> loads it, whatever aliases do later. None:
            about none that is left.
        record: what happened.
        text: the same for people.
    """
    with asking(f"{name}: history"):
        client = our_client()
        make_registered_model(client, history_name(name), f"Changes of the aliases of {name}, a version for each.")
        source = f"models:/{name}/{version}" if version else _last_source(name)
        made = client.create_model_version(
            history_name(name),
            source,
            tags={RECORD_TAG: json.dumps(record), **_hash_of(client, name, version)},
            description=text,
            await_creation_for=0,
        )
        return int(made.version)


def _hash_of(client: Any, name: str, version: int | None) -> dict[str, str]:
    """The hash of the files that the record leads to."""
    tags = client.get_model_version(name, str(version)).tags if version else {}
    return {FILES_HASH_TAG: tags[FILES_HASH_TAG]} if FILES_HASH_TAG in tags else {}


def _last_source(name: str) -> str:
    numbers = [int(item.version) for item in all_versions(history_name(name))]
    return f"models:/{history_name(name)}/{max(numbers)}"


def records(name: str) -> list[tuple[int, dict[str, Any], bool]]:
    """(number, record, whether its aliases are set) of the history of a registered model, oldest first.

    Raises:
        UserError: a record that is none of ours: the history was edited by hand.
    """
    with asking(f"{name}: history"):
        found = sorted(all_versions(history_name(name)), key=lambda item: int(item.version))
    return [(int(item.version), _record(name, item), APPLIED_TAG in item.tags) for item in found]


@dataclass(frozen=True)
class _Record:
    """What is read of a record."""

    kind: str
    when: str
    who: str
    why: str
    decision: str | None
    moves: dict[str, tuple[int | None, int | None]]
    models: dict[str, str]

    def __post_init__(self) -> None:
        if not all(version.isdecimal() for version in self.models):
            raise ValueError("models: not by their versions")


def _record(name: str, item: Any) -> dict[str, Any]:
    where = f"{history_name(name)} version {item.version}: is no record of a change"
    advice = "it was made or edited by hand: delete that version"
    record = read_document(item.tags.get(RECORD_TAG, "").encode(), dict[str, Any], where, advice)
    structured(record, _Record, where, advice)
    return record


def mark_applied(name: str, number: int) -> None:
    with asking(f"{name}: history"):
        client = our_client()
        insisting(lambda: client.set_model_version_tag(history_name(name), str(number), APPLIED_TAG, "true"))
