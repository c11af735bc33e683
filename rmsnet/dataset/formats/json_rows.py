"""JSON label files, typed: what is wrong is said with its place."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec

from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.documents import read_document, structured

T = TypeVar("T")


def json_of(file: SourceFile) -> Any:
    """A file's JSON.

    Raises:
        UserError: it is none.
    """
    return read_document(file.content, object, file.where)


def object_of(file: SourceFile) -> dict[str, Any]:
    """A file's JSON object.

    Raises:
        UserError: it holds no JSON, or something else.
    """
    return typed(json_of(file), dict[str, Any], file.where)


def rows_of(document: Mapping[str, Any], key: str, where: str) -> list[dict[str, Any]]:
    """The objects listed under a key, and none where the key is absent.

    Raises:
        UserError: something else stands there.
    """
    return typed(document.get(key, []), list[dict[str, Any]], f"{where}: {key}")


def typed(value: Any, kind: type[T], where: str) -> T:
    """A JSON value as the type that it should have; numbers may be texts.

    Raises:
        UserError: it says where in the value what is wrong.
    """
    return structured(value, kind, where, texts=True)


def others(row: Mapping[str, Any], kind: type[msgspec.Struct]) -> dict[str, Any]:
    """What a row says beyond the fields of its type."""
    return {key: value for key, value in row.items() if key not in kind.__struct_fields__}


def encoded(document: Any) -> bytes:
    """A JSON file of it."""
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def as_text(value: Any) -> str:
    """A value for formats that know texts alone."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def shown(visibility: str | None, extra: dict[str, Any]) -> bool:
    """Whether the broadcast shows an event; what is neither yes nor no goes to what else is said of it."""
    if visibility not in (None, "", "visible", "not shown"):
        extra["visibility"] = visibility
    return visibility != "not shown"
