"""Versions of registered models, and the aliases that point at them."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from rmsnet.tracking.models import FILES_HASH_TAG, OURS_TAG, fetch_model, files_hash
from rmsnet.tracking.registry_tables import alias_rows, version_rows
from rmsnet.tracking.store import asking, our_client, prepared_file, tracking_uri

_ABOUT = (
    "Spots events in the features of soccer broadcasts. The version @champion is in use; which versions were champion, "
    "by which decision and who took one back: rmsnet registry history."
)

DESCRIPTION_CHARACTERS = 5000
"""What the tables of MLflow's registry hold."""

_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND")


@dataclass(frozen=True)
class Version:
    """A version of a registered model.

    Attributes:
        version: its number.
        model_id: of the logged model it holds.
        run_id: of the training.
        created_ms: milliseconds since 1970.
        aliases: that point at it.
        tags: by name.
    """

    version: int
    model_id: str
    run_id: str
    created_ms: int
    aliases: tuple[str, ...]
    tags: Mapping[str, str]


def create_version(name: str, model_id: str, run_id: str, tags: Mapping[str, str]) -> Version:
    """The version of the registered model that holds this logged model; made when there is none yet."""
    with asking(f"{name}: no version could be made of {model_id}"):
        for version in versions(name):
            if version.model_id == model_id:
                return version
        client = our_client()
        make_registered_model(client, name, _ABOUT)
        digest = files_hash(fetch_model(f"models:/{model_id}"))
        made = client.create_model_version(
            name,
            f"models:/{model_id}",
            run_id,
            tags={**tags, OURS_TAG: "true", FILES_HASH_TAG: digest},
            model_id=model_id,
            await_creation_for=0,
        )
        return _version(made, {})


def make_registered_model(client: Any, name: str, description: str | None = None) -> None:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name, description=description)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise


def versions(name: str) -> list[Version]:
    """All versions of a registered model, newest first; none where there is no such model."""
    with asking(f"{name}: versions"):
        pointed = aliases(name)
        found = [_version(item, pointed) for item in all_versions(name)]
    return sorted(found, key=lambda version: -version.version)


def all_versions(name: str) -> Iterator[Any]:
    """All versions of a registered model, as MLflow's client or `VersionRow`s."""
    path = prepared_file(tracking_uri())
    if path is not None:
        yield from version_rows(path, name)
        return
    client = our_client()
    token = None
    while True:
        page = client.search_model_versions(f"name = '{name}'", max_results=1000, page_token=token)
        yield from page
        token = page.token
        if not token:
            return


def _version(item: Any, pointed: Mapping[str, int]) -> Version:
    number = int(item.version)
    return Version(
        number,
        # The SQL registry keeps the logged model's id in the source alone.
        item.model_id or item.source.removeprefix("models:/"),
        item.run_id or "",
        int(item.creation_timestamp),
        tuple(sorted(alias for alias, version in pointed.items() if version == number)),
        dict(item.tags),
    )


def aliases(name: str) -> dict[str, int]:
    """Which version each alias of a registered model points at; none where there is no such model."""
    with asking(f"{name}: aliases"):
        path = prepared_file(tracking_uri())
        if path is not None:
            return alias_rows(path, name)
        from mlflow.exceptions import MlflowException

        try:
            found = our_client().get_registered_model(name).aliases
        except MlflowException as error:
            if error.error_code in _MISSING:
                return {}
            raise
        return {alias: int(version) for alias, version in found.items()}


def set_alias(name: str, alias: str, version: int | None) -> None:
    """Point an alias at a version; None: take it away."""
    with asking(f"{name}@{alias}"):
        client = our_client()
        if version is None:
            client.delete_registered_model_alias(name, alias)
        else:
            insisting(lambda: client.set_registered_model_alias(name, alias, str(version)))


def tag_version(name: str, version: int, tags: Mapping[str, str]) -> None:
    with asking(f"{name} version {version}: tags"):
        client = our_client()
        for key, value in tags.items():
            client.set_model_version_tag(name, str(version), key, value)


def describe_version(name: str, version: int, text: str) -> None:
    """The description that MLflow's pages show, in Markdown; what is longer than it holds ends with a section."""
    while len(text) > DESCRIPTION_CHARACTERS:
        text = text[:DESCRIPTION_CHARACTERS].rpartition("\n## ")[0] or text[:DESCRIPTION_CHARACTERS]
    with asking(f"{name} version {version}: description"):
        our_client().update_model_version(name, str(version), text)


def description(name: str, version: int) -> str:
    """See `describe_version`; empty where there is none."""
    with asking(f"{name} version {version}: description"):
        return our_client().get_model_version(name, str(version)).description or ""


def insisting(write: Callable[[], object]) -> None:
    """Do it again when another process writes the same row at the same moment: the store refuses the second of two."""
    from mlflow.exceptions import MlflowException

    for attempt in range(3):
        try:
            write()
            return
        except MlflowException as error:
            if attempt == 2 or "constraint" not in str(error):
                raise
