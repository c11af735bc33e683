"""The history of a registered model, kept in the registry itself."""

import json
from collections.abc import Mapping
from typing import Any

from rmsnet.errors import UserError
from rmsnet.tracking.model_versions import all_versions, insisting, make_registered_model
from rmsnet.tracking.models import FILES_HASH_TAG
from rmsnet.tracking.store import asking, our_client

RECORD_TAG = "record"


APPLIED_TAG = "applied"


def history_name(name: str) -> str:
    return f"{name}-history"


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
    answer = []
    for item in found:
        try:
            record = json.loads(item.tags[RECORD_TAG])
        except (KeyError, ValueError):
            raise UserError(
                f"{history_name(name)} version {item.version}: is no record of a change; it was made or edited by "
                "hand: delete that version"
            ) from None
        answer.append((int(item.version), record, APPLIED_TAG in item.tags))
    return answer


def mark_applied(name: str, number: int) -> None:
    with asking(f"{name}: history"):
        client = our_client()
        insisting(lambda: client.set_model_version_tag(history_name(name), str(number), APPLIED_TAG, "true"))
