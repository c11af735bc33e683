"""Strategies that break valid files: entries deleted, doubled, retyped, deeper, larger; bytes cut and flipped."""

import io
import json
import math
import struct
import zipfile
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]


class Raw:
    """A text that stands in JSON as it is."""

    def __init__(self, text: str) -> None:
        self.text = text


ODD = st.one_of(
    st.sampled_from(
        [None, True, False, 0, -1, 1, 2, 3, 0.5, 2**31, 2**53, -(2**63), 2**63, 2**64, 10**30, "", " ", [], {}]
    ),
    st.sampled_from(
        ["../x", "/etc/x", "a/../../b", "\x00", "a\x00b", "\n", "é", "日本", "\ud800", "x" * 5000, "1e999", "nan"]
    ),
    st.sampled_from([math.nan, math.inf, -math.inf, 1e308, -1e300, 5e-324]),
    st.sampled_from(["1e999", "-1e999", "9" * 1000, "9" * 5000, "[" * 200 + "]" * 200, "[" * 50_000, "-", "01"]).map(
        Raw
    ),
    st.sampled_from(['{"a":' * 300 + "1" + "}" * 300, '"\\ud800"', '"\\u0000"', "{}{}", "tru"]).map(Raw),
    st.integers(-10, 10),
    st.floats(allow_nan=True),
    st.text(max_size=5),
    st.lists(st.integers(-1, 3), max_size=5),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where in a document something lies."""
    found = [path]
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        found += places(item, (*path, key))
        if len(found) > 2000:
            break
    return found


def _changed(document: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    """The document with another value at a place; DELETED takes it out."""
    if not path:
        return change(document)
    key, *rest = path
    copy = dict(document) if isinstance(document, dict) else list(document)
    made = _changed(copy[key], tuple(rest), change)
    if made is DELETED:
        del copy[key]
    else:
        copy[key] = made
    return copy


DELETED = object()


def _one_change(draw: Draw, document: Any) -> Any:
    path = draw(st.sampled_from(places(document)))
    kind = draw(st.sampled_from(["retype", "retype", "delete", "double", "deepen", "enlarge", "rename", "text"]))
    odd = draw(ODD)

    def change(value: Any) -> Any:
        if kind == "delete" and path:
            return DELETED
        if kind == "double" and isinstance(value, list):
            return [*value, *value]
        if kind == "deepen":
            return [[value]] if isinstance(value, list) else {"value": value}
        if kind == "enlarge" and isinstance(value, list | str) and value:
            return value * 50
        if kind == "enlarge" and isinstance(value, int | float) and not isinstance(value, bool):
            return value * 10**12
        if kind == "rename" and isinstance(value, dict) and value:
            first, *others = value.items()
            return {f"{first[0]}x": first[1], **dict(others)}
        if kind == "text" and isinstance(value, int | float):
            return str(value)
        return odd

    made = _changed(document, path, change)
    return {} if made is DELETED else made


def _as_text(value: Any) -> str:
    """JSON, with what is raw as it is and what is no JSON as Python writes it."""
    if isinstance(value, Raw):
        return value.text
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(str(key))}:{_as_text(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_as_text, value)) + "]"
    return json.dumps(value)


@st.composite
def broken_json(draw: Draw, content: bytes) -> bytes:
    """A JSON document that was valid once."""
    document = json.loads(content)
    for _ in range(draw(st.integers(1, 3))):
        document = _one_change(draw, document)
        if isinstance(document, Raw):
            break
    text = _as_text(document).encode()
    road = draw(st.sampled_from(["", "", "", "", "bytes", "utf-8-sig", "utf-16"]))
    if road == "bytes":
        return draw(broken_bytes(text))
    return text.decode().encode(road) if road else text


@st.composite
def broken_bytes(draw: Draw, content: bytes) -> bytes:
    """Bytes that were cut off, flipped, taken out, doubled or mixed with others."""
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(content)))
        end = draw(st.integers(start, min(len(content), start + 64)))
        kind = draw(st.sampled_from(["cut", "flip", "delete", "double", "insert", "number", "zero"]))
        if kind == "cut":
            content = content[:start]
        elif kind == "flip" and start < len(content):
            content = content[:start] + bytes([content[start] ^ (1 << draw(st.integers(0, 7)))]) + content[start + 1 :]
        elif kind == "delete":
            content = content[:start] + content[end:]
        elif kind == "double":
            content = content[:end] + content[start:end] + content[end:]
        elif kind == "insert":
            content = content[:start] + draw(st.binary(max_size=8)) + content[start:]
        elif kind == "number":
            number = draw(st.sampled_from([0, 1, 255, 2**31, 2**32 - 1]))
            content = content[:start] + struct.pack("<I", number) + content[start + 4 :]
        else:
            content = content[:start] + bytes(end - start) + content[end:]
    return content


YAML_PARTS = (
    *(
        "!!python/object/apply:os.system [x]",
        "!!binary x",
        "!!set {a, b}",
        "!!timestamp 2024-99-99",
        "2024-99-99",
        "!!int x",
    ),
    *("&a [*a, *a]", "*b", "{a: 1, a: 2}", "? [1, 2]\n: 3", ".inf", ".nan", "1:30:00", "0x" + "f" * 300, "9" * 5000),
    *(
        "[" * 3000,
        "- " * 3000,
        '"\\ud800"',
        '"\\0"',
        "\t",
        "%YAML 9",
        "---\n---",
        "<<: 1",
        "<<: [1]",
        "null",
        "2024-01-01",
    ),
    *("'", "{", "é", "\u2028", "yes", "~", "|\n a", "!!float x", "1e999", "=", "!<tag:x> 1", "@x", "`x`", "a: b: c"),
)


@st.composite
def broken_yaml(draw: Draw, content: bytes) -> bytes:
    """A YAML document that was valid once."""
    lines = content.decode().splitlines()
    for _ in range(draw(st.integers(1, 3))):
        place = draw(st.integers(0, max(0, len(lines) - 1)))
        part, kind = draw(st.sampled_from(YAML_PARTS)), draw(st.sampled_from(["value", "line", "delete", "double"]))
        if not lines or kind == "line":
            lines.insert(place, part)
        elif kind == "value":
            lines[place] = f"{lines[place].partition(':')[0]}: {part}"
        elif kind == "delete":
            del lines[place]
        else:
            lines.insert(place, lines[place])
    made = "\n".join(lines).encode("utf-8", "surrogatepass")
    return draw(broken_bytes(made)) if draw(st.booleans()) else made


HEADER_PARTS = (
    *(
        "'<f4'",
        "'>f8'",
        "'<f2'",
        "'<f16'",
        "'|O'",
        "'<i8'",
        "'|V0'",
        "'|S0'",
        "'<U7'",
        "'x'",
        "[('a', '<f4')]",
        "[]",
        "('<f4', (2,))",
    ),
    *(
        "[('a', '<f4'), ('a', '<f4')]",
        "[('a', '|O')]",
        "None",
        "1",
        "'M8[s]'",
        "[('a',)]",
        "{'a': 1}",
        "'<f4' * 99",
        "'f4,f4'",
    ),
)
SHAPES = (
    "()",
    "(0,)",
    "(0, 8)",
    "(120,)",
    "(120, 8)",
    "(8, 120)",
    "(-1, 8)",
    "(100000000000, 8)",
    f"({2**63}, 8)",
    "(True, 8)",
    "(1.5, 8)",
)
SHAPES += (
    "120",
    "(120, 8, 1)",
    "(" + "1, " * 100 + ")",
    "(" * 300 + ")" * 300,
    "('a', 8)",
    f"({'9' * 5000}, 8)",
    "(0, 99999999999999999999)",
)


@st.composite
def broken_npy(draw: Draw, content: bytes) -> bytes:
    """A .npy file with another header, or bytes that are none."""
    if draw(st.booleans()):
        return draw(broken_bytes(content))
    descr = draw(st.sampled_from(HEADER_PARTS))
    shape, order = draw(st.sampled_from(SHAPES)), draw(st.sampled_from(["False", "True", "1", "None"]))
    header = f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}, }}"
    header = draw(
        st.sampled_from([header, header[:-1], header + "\x00", header.replace("descr", "des"), header + "L", "{" * 500])
    )
    version = draw(st.sampled_from([(1, 0), (2, 0), (3, 0), (9, 9)]))
    encoded = header.encode() + b"\n"
    length = struct.pack("<H" if version == (1, 0) else "<I", min(len(encoded), 65535))
    rows = np.load(io.BytesIO(content)).tobytes()
    return b"\x93NUMPY" + bytes(version) + length + encoded + rows


MEMBERS = ("../x.json", "/x", "a\\..\\..\\x", "\x00", "", "a//b", "C:/x", "é" * 200, "a" * 70_000, "__MACOSX/._x", "x/")


@st.composite
def broken_zip(draw: Draw, content: bytes) -> bytes:
    """A zip with odd members beside or instead of its own, or damaged."""
    made = io.BytesIO(content)
    with zipfile.ZipFile(made, "a", draw(st.sampled_from([0, 8, 12, 14]))) as archive:
        names = [*archive.namelist(), *MEMBERS]
        for _ in range(draw(st.integers(0, 2))):
            member = zipfile.ZipInfo("x")
            member.filename = draw(st.sampled_from(names))[:60_000]
            archive.writestr(member, draw(st.binary(max_size=20)))
    return draw(broken_bytes(made.getvalue())) if draw(st.booleans()) else made.getvalue()


@st.composite
def broken_safetensors(draw: Draw, content: bytes) -> bytes:
    """A safetensors file whose header or bytes were changed."""
    if draw(st.booleans()):
        return draw(broken_bytes(content))
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    made = _as_text(_one_change(draw, header)).encode()
    return struct.pack("<Q", len(made)) + made + content[8 + length :]


@st.composite
def broken_csv(draw: Draw, content: bytes) -> bytes:
    """A table with cells of another kind, rows of another length."""
    rows = [line.split(",") for line in content.decode().splitlines()]
    for _ in range(draw(st.integers(1, 3))):
        row = draw(st.integers(0, len(rows) - 1))
        cells = ["", "nan", "1e999", "-1", '"', '"a\nb"', "\x00", "x" * 200_000, "=1", "9" * 5000, "é", "1.5", "a,b"]
        rows[row][draw(st.integers(0, len(rows[row]) - 1))] = draw(st.sampled_from(cells))
    made = "\n".join(map(",".join, rows)).encode()
    return draw(broken_bytes(made)) if draw(st.booleans()) else made
