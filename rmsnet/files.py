"""The one writer and the one reader of files.

Written: a file or folder appears under its name only when it is whole. Read: whatever lies in a JSON or YAML file,
what comes out has the types that were asked for, or a UserError names the file, the key and what is wrong.
"""

import codecs
import fnmatch
import glob
import hashlib
import json
import math
import os
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

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

LITTER = (".DS_Store", "._*", "__MACOSX", "Thumbs.db", "ehthumbs.db", "desktop.ini", ".nfs*", ".directory")
"""Patterns of names that file managers and file servers leave in any folder they visit: no part of any data.

`.dvcignore` lists the same.
"""


def is_litter(path: Path) -> bool:
    """Whether a name is one that a file manager or file server has left."""
    return any(fnmatch.fnmatchcase(path.name, pattern) for pattern in LITTER)


def contents(folder: Path) -> list[Path]:
    """What lies in a folder, litter left out, in the order of the names."""
    return sorted(path for path in folder.iterdir() if not is_litter(path))


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a temporary sibling of `path`; rename it to `path` when the block ends without an error.

    A block that raises, or a process that is killed, leaves `path` as it was.
    """
    path = Path(path)
    partial = _partial(path)
    try:
        yield partial
        with partial.open("rb") as written:
            os.fsync(written.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a new, empty sibling folder of `path`; put it in the place of `path` when the block ends well."""
    path = Path(path)
    partial = _partial(path)
    partial.mkdir()
    try:
        yield partial
        replace_folder(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _partial(path: Path) -> Path:
    """The temporary sibling of this process; what dead processes of this host have left there is removed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    prefix = f".{path.name}.partial-{socket.gethostname()}-"
    for left in path.parent.glob(f"{glob.escape(prefix)}*"):
        pid = left.name.removeprefix(prefix)
        if pid == str(os.getpid()) or not (pid.isdecimal() and _is_running(int(pid))):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
    return path.with_name(f"{prefix}{os.getpid()}")


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def replace_folder(new: Path, path: Path) -> None:
    """Move the finished folder `new` to `path`, whatever stood there before."""
    old = path.with_name(f".{path.name}.replaced-{os.getpid()}")
    with suppress(FileNotFoundError):
        path.rename(old)
    new.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def require_replaceable(out: Path, *marks: str) -> None:
    """Refuse to put a result in the place of something else.

    Args:
        out: where a folder is to appear.
        marks: names of files; a folder that holds one of them was made by the stage that asks.

    Raises:
        UserError: `out` is a file, or a folder that holds something and none of the marks.
    """
    if out.exists() and not out.is_dir():
        raise UserError(f"{out}: is a file; name another --out")
    held = {item.name for item in contents(out)} if out.exists() else set()
    if held and not held & set(marks):
        raise UserError(f"{out}: holds {min(held)} and no earlier result; name another --out")


def write_bytes(path: Path, content: bytes) -> None:
    """Write `content` to `path`, whole or not at all."""
    with atomic_file(path) as partial:
        partial.write_bytes(content)


def write_text(path: Path, text: str) -> None:
    """Write `text` to `path` as UTF-8, whole or not at all."""
    write_bytes(path, text.encode())


def write_json(path: Path, value: Any, indent: int | None = 2) -> None:
    """Write `value` to `path` as JSON with a final newline. NaN and infinity are refused: they are not JSON."""
    write_text(path, json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False) + "\n")


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
    import msgspec

    where = where or str(source)
    content = bytes_of(source, where, LARGEST_BYTES) if isinstance(source, Path) else source
    try:
        document = msgspec.json.decode(in_utf8(content))
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
    import msgspec

    try:
        return msgspec.convert(document, kind, strict=not texts)
    except msgspec.ValidationError as error:
        text, _, place = str(error).partition(" - at `$")
        key, what = place.rstrip("`").lstrip("."), text.replace("`", "'")
        missing = what.removeprefix("Object missing required field ")
        if missing != what:
            key, what = f"{key}.{missing[1:-1]}".lstrip("."), "is missing"
        raise _refusal(where, f"{key}: {what[0].lower()}{what[1:]}" if key else what, advice) from None


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


def content_hash(*parts: bytes | str) -> str:
    """A short hexadecimal BLAKE2b digest (128 bits) of the parts, in order."""
    digest = hashlib.blake2b(digest_size=16)
    for part in parts:
        encoded = part.encode() if isinstance(part, str) else part
        digest.update(len(encoded).to_bytes(8, "little"))
        digest.update(encoded)
    return digest.hexdigest()
