"""XML of anybody as a tree: whatever its encoding, without entities, and not deeper than any label file."""

import codecs
import re
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat
from xml.sax.saxutils import escape

from rmsnet.errors import UserError

DEEPEST = 40

_ENCODING = re.compile(rb"""^\s*<\?xml[^>]*?encoding\s*=\s*["']([^"']+)""")
_MARKS = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
"""Byte-order marks, which editors of Windows write."""
_UNWRITABLE = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class _Refused(Exception):
    pass


def tree_of(content: bytes, where: str) -> tuple[Element, str]:
    """The root, with names of elements in small letters, and how the bytes were read where that was not plain.

    Bytes go to the parser as they are: it knows UTF-8, UTF-16 and what the first line says. Without such a line, what
    is not UTF-8 is read as Windows-1252, which old programs of Windows write.

    Raises:
        UserError: not XML, or XML with a document type, whose entities can grow without end.
    """
    encoding, note = _encoding(content)
    builder, depth = TreeBuilder(), 0
    parser = expat.ParserCreate(encoding)

    def start(name: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > DEEPEST:
            raise _Refused("nested too deeply")
        builder.start(name.lower(), attributes)

    def end(name: str) -> None:
        nonlocal depth
        depth -= 1
        builder.end(name.lower())

    def refuse(*_: object) -> None:
        raise _Refused("has a document type (DOCTYPE), which label files have not; refused")

    parser.buffer_text = True
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = builder.data
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(content, True)
    except _Refused as error:
        raise UserError(f"{where}: {error}") from None
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise UserError(f"{where}: not XML ({error})") from None
    return builder.close(), note


def _encoding(content: bytes) -> tuple[str | None, str]:
    """What the parser should be told, None where it sees by itself, and what to tell people."""
    if content.startswith(_MARKS) or b"\0" in content[:4]:
        return None, ""
    declared = _ENCODING.match(content)
    name = declared[1].decode("ascii", "replace").lower() if declared else ""
    try:
        content.decode()
    except UnicodeError:
        if name in ("", "utf-8"):
            return "windows-1252", "is not UTF-8; read as Windows-1252"
        return None, ""
    return ("utf-8" if name.startswith("utf-16") else None), ""


def text_in(element: Element, name: str) -> str:
    """The text of the first child of this name, "" without one."""
    return (element.findtext(name) or "").strip()


def element(name: str, text: str) -> str:
    """An element with a text.

    Raises:
        UserError: XML has no way to write a character of it.
    """
    bad = _UNWRITABLE.search(text)
    if bad:
        raise UserError(f"{text!r}: XML cannot hold the character {bad[0]!r}; take it away")
    return f"<{name}>{escape(text, {chr(13): '&#13;'})}</{name}>"
