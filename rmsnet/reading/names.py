"""Names of files and games: compared in one Unicode form, found whatever form the disk has, refused if unusable.

"Köln" can be written with one character (NFC, most programs) or with an o and two dots (NFD, zips and disks of Macs);
both look alike and are equal here.
"""

import os
import unicodedata
from pathlib import Path, PurePosixPath

LONGEST_NAME_BYTES = 255
LONGEST_PATH_BYTES = 1000
"""Of one part of a path, on the usual file systems, and of what may stand below a folder."""

_NO_TEXT = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode categories: controls, halves of characters, breaks of lines and paragraphs."""


def same_name(text: str) -> str:
    """The form in which names are compared and stored: Unicode's NFC."""
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def as_text(name: str | os.PathLike[str]) -> str:
    """A name as it can be printed and written: bytes that are no text, and controls, as escapes."""
    text = os.fspath(name).encode("utf-8", "backslashreplace").decode()
    return "".join(repr(char)[1:-1] if unicodedata.category(char) in _NO_TEXT else char for char in text)


def is_text(name: str) -> bool:
    """Whether a name is one line of text; file systems allow others."""
    return not any(unicodedata.category(char) in _NO_TEXT for char in name)


def fault_of(path: str) -> str:
    """Why a relative path such as league/season/game cannot be used below a folder; "" when it can."""
    if not is_text(path):
        return "holds characters that cannot be printed"
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        return "leads out of the dataset"
    if not pure.parts:
        return "is empty"
    if max(len(part.encode()) for part in pure.parts) > LONGEST_NAME_BYTES:
        return f"has a part of more than {LONGEST_NAME_BYTES} bytes"
    return f"has more than {LONGEST_PATH_BYTES} bytes" if len(path.encode()) > LONGEST_PATH_BYTES else ""


def find_path(root: Path, path: str) -> Path:
    """`root`/`path`, whichever Unicode form the disk has of each part; as it is where there is none."""
    exact = root / path
    if path.isascii() or os.path.lexists(exact):
        return exact
    found = root
    for part in PurePosixPath(path).parts:
        try:
            names = [part] if os.path.lexists(found / part) else [item.name for item in found.iterdir()]
        except OSError:
            return exact
        alike = [name for name in names if same_name(name) == same_name(part)]
        if not alike:
            return exact
        found = found / min(alike)
    return found
