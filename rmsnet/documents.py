"""The one reader of documents, JSON or YAML.

Whatever lies in a file, what comes out has the types that were asked for, or a UserError names file, key and fault.
"""

import codecs
import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast, get_args

from rmsnet.errors import UserError

T = TypeVar("T")

LARGEST_BYTES = 1 << 30
"""Of a document; predictions at every frame of a match have a tenth of that."""
LARGEST_YAML_BYTES = 1 << 20
"""Settings are written by hand; YAML is read slowly."""
MOST_YAML_VALUES = 100_000
"""An alias counts wherever it stands."""
DEEPEST = 40
"""Lists and objects inside one another."""
LARGEST_NUMBER = 1 << 63
"""Whole numbers must be smaller: columns have 64 bits."""


def read_json(path: Path) -> Any:
    """A JSON file of any form; errors as of `read_document`."""
    return read_document(Path(path), object)


def read_document(source: Path | bytes, kind: type[T], where: str = "", advice: str = "") -> T:
    """Read a JSON document of a known form.

    Args:
        source: the file, or its bytes.
        kind: what it holds: plain types, or a dataclass, whose other entries are skipped. Numbers fit 64 bits and are
            finite, nesting ends at `DEEPEST`.
        where: the file's name in messages; by default its path.
        advice: what to do about it, the end of every message but "no such file".

    Raises:
        UserError: the file is absent, unreadable, not JSON or not of this form.
    """
    where = where or str(source)
    content = bytes_of(source, where, LARGEST_BYTES) if isinstance(source, Path) else source
    try:
        document = _decoded(in_utf8(content))
    except RecursionError:
        raise _refusal(where, "nested too deeply", advice) from None
    except ValueError as error:  # msgspec's errors and UnicodeError are such
        with suppress(ValueError, RecursionError):
            # Python reads NaN, infinities and halves of characters, so that their place can be named.
            _require_plain(json.loads(content), where, advice)
        raise _refusal(where, f"not JSON ({error})", advice) from None
    _require_plain(document, where, advice)
    return structured(document, kind, where, advice)


def structured(document: Any, kind: type[T], where: str, advice: str = "", texts: bool = False) -> T:
    """Plain dicts and lists as the types that they should have; arguments and errors as of `read_document`.

    With `texts` numbers may be written as texts.
    """
    try:
        import msgspec
    except ModuleNotFoundError:
        return cast("T", _trusted(document, kind))
    try:
        return msgspec.convert(document, kind, strict=not texts, str_keys=True)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        key, what = place.rstrip("`").lstrip("."), text.replace("`", "'")
        missing = what.removeprefix("Object missing required field ")
        if missing != what:
            key, what = f"{key}.{missing[1:-1]}".lstrip("."), "is missing"
        if key:
            where += key if key.startswith("[") else f".{key}" if where.endswith("]") else f": {key}"
        raise _refusal(where, f"{what[0].lower()}{what[1:]}", advice) from None


def _decoded(content: bytes) -> Any:
    try:
        import msgspec
    except ModuleNotFoundError:
        return json.loads(content)
    return msgspec.json.decode(content)


def _trusted(document: Any, kind: Any) -> Any:
    """What a bare machine that only trains makes of documents of our own: dataclasses, unchecked."""
    if isinstance(kind, type) and is_dataclass(kind):
        return kind(**{item.name: document[item.name] for item in fields(kind) if item.name in document})
    inner = get_args(kind)
    return [_trusted(item, inner[0]) for item in document] if inner and isinstance(document, list) else document


def require_known(document: Mapping[str, Any], kind: Any, where: str, advice: str = "") -> None:
    """Refuse entries that a dataclass does not have.

    Raises:
        UserError: it names the first.
    """
    unknown = document.keys() - {item.name for item in fields(kind)}
    if unknown:
        raise _refusal(where, f"{min(unknown)}: unknown key", advice)


def read_yaml(source: Path | str, where: str = "", absent: str = "no such file") -> Any:
    """Read a YAML document: mappings with texts as keys, lists, texts, numbers, booleans and null.

    Args:
        source: the file, or its text.
        where: its name in messages; by default its path.
        absent: what to say of a file that is not there.

    Raises:
        UserError: the file is absent, unreadable, not YAML, or holds something else; a key that is there twice.
    """
    import yaml

    where = where or str(source)
    try:
        if isinstance(source, Path):
            source = in_utf8(bytes_of(source, where, LARGEST_YAML_BYTES, absent)).decode()
        document = yaml.load(source, _strict_loader())
    except RecursionError:
        raise _refusal(where, "nested too deeply") from None
    except (yaml.YAMLError, ValueError, TypeError, AttributeError, LookupError) as error:
        # PyYAML lets through what Python says of a day that no month has, and the like.
        raise _refusal(where, f"not readable YAML ({' '.join(str(error).split())})") from None
    _require_plain(document, where, yaml=True)
    return document


@cache
def _strict_loader() -> Any:
    """PyYAML's safe loader without dates, which no setting is, and without a second value for a key."""
    import yaml

    class Loader(yaml.SafeLoader):
        yaml_implicit_resolvers = {  # noqa: RUF012  # PyYAML's own
            first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
            for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
        }

        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            names: set[str] = set()
            for key, _ in node.value:
                if key.value in names:
                    raise yaml.YAMLError(f"line {key.start_mark.line + 1}: the key {key.value!r} is there twice")
                if isinstance(key, yaml.ScalarNode):
                    names.add(key.value)
            return node

    return Loader


def in_utf8(content: bytes) -> bytes:
    """The bytes of a text as UTF-8 without a byte-order mark, which editors of Windows write and tell UTF-16 by.

    Raises:
        UnicodeError: a text in UTF-16 that is none.
    """
    if content.startswith(codecs.BOM_UTF8):
        return content.removeprefix(codecs.BOM_UTF8)
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16").encode()
    return content


def bytes_of(path: Path, where: str, most: int, absent: str = "no such file") -> bytes:
    """The content of a file.

    Raises:
        UserError: it is absent, unreadable or larger than `most` bytes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except FileNotFoundError:
        raise UserError(f"{where}: {absent}") from None
    except (OSError, ValueError) as error:  # a name with a NUL in it is a ValueError
        raise UserError(f"{where}: cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if len(content) > most:
        raise UserError(f"{where}: is larger than {most:,} bytes; no file of this kind is")
    return content


def _require_plain(document: Any, where: str, advice: str = "", yaml: bool = False) -> None:
    """Refuse what is no plain JSON value, numbers that no column holds, nesting that recursion does not survive.

    Raises:
        UserError: it names the first such value.
    """
    left = MOST_YAML_VALUES if yaml else math.inf

    def fault(value: Any, depth: int) -> str:
        """Where below the value, and what; "" where all is well."""
        nonlocal left
        left -= 1
        kind = type(value)
        if kind is str:
            return "" if _is_unicode(value) else ": holds halves of characters (surrogates)"
        if kind is int:
            return "" if -LARGEST_NUMBER <= value < LARGEST_NUMBER else ": the number is too large"
        if kind is float:
            return "" if yaml or math.isfinite(value) else f": {value} is no number"
        if value is None or kind is bool:
            return ""
        if kind not in (dict, list):
            return f": is a {kind.__name__}, neither text, number, list nor mapping"
        if depth == DEEPEST:
            return ": nested too deeply"
        if left < 0:
            return ": more values than any such file has"
        for key, item in value.items() if kind is dict else enumerate(value):
            if kind is dict and not (isinstance(key, str) and _is_unicode(key)):
                return f": the key {key!r} is no text; write it in quotes"
            if type(item) is str and item.isascii():  # nearly all values of a label file: no call for each
                left -= 1
                continue
            found = fault(item, depth + 1)
            if found:
                return f".{str(key)[:80]}{found}" if kind is dict else f"[{key}]{found}"
        return ""

    found = fault(document, 0)
    if found:
        raise _refusal(where, found.lstrip(".: "), advice)


def _is_unicode(text: str) -> bool:
    try:
        return text.isascii() or bool(text.encode())
    except UnicodeEncodeError:
        return False


def _refusal(where: str, what: str, advice: str = "") -> UserError:
    return UserError(f"{where}: {what}{'; ' if advice else ''}{advice}")
