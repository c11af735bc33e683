"""Sportscode's XML, which Nacsport, LongoMatch, InStat, Wyscout and others write too, each a little differently.

    <file><ALL_INSTANCES>
      <instance><ID>1</ID><start>380.000</start><end>395.000</end><code>Goal</code>
        <label><group>Team</group><text>home</text></label></instance>
    </ALL_INSTANCES><ROWS><row><sort_order>1</sort_order><code>Goal</code><R>65535</R>…</row></ROWS></file>

There is no public description; elements are found by name, in any order and case. Labels become `extra`, a text or a
list of texts by group; those without a group stand under "labels". An instance is a stretch of video; where a label
"Moment" names a time in it, as in the files that we write, it is that moment.
"""

import math
from contextlib import suppress
from typing import Any
from xml.etree.ElementTree import Element

from rmsnet.dataset.formats.clocks import ms_of_clock
from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.times import seconds_text
from rmsnet.dataset.formats.xml_tree import text_in, tree_of
from rmsnet.errors import UserError

OWN_ELEMENTS = {"id": "ID", "free_text": "free_text", "pos_x": "pos_x", "pos_y": "pos_y"}
UNGROUPED = "labels"
TEAM, SHOWN, SURE, MOMENT = "Team", "Visibility", "Confidence", "Moment"
"""Groups of the labels that hold what we know of an event."""


def read_sportscode(file: SourceFile, stated: Stated) -> Annotations:
    """A file of instances; the footage is called after the file."""
    root, note = tree_of(file.content, file.where)
    instances = next(root.iter("all_instances"), None)
    if instances is None:
        raise UserError(f"{file.where}: not a Sportscode XML (no ALL_INSTANCES)")
    marks = tuple(_mark(each, f"{file.where}: instance {number}") for number, each in enumerate(instances, 1))
    colours = _colours(root)
    started = next((text_in(info, "start_time") for info in root.iter("session_info")), "")
    return Annotations(
        (Timeline(file.name, 1, marks, extra={"start_time": started} if started else {}),),
        tuple(colours),
        {code: colour for code, colour in colours.items() if colour is not None},
        notes=(f"{file.where}: {note}",) if note else (),
    )


def _mark(instance: Element, where: str) -> Mark:
    label = text_in(instance, "code")
    if not label:
        raise UserError(f"{where}: no code")
    try:
        start, end = (ms_of_clock(text_in(instance, name)) for name in ("start", "end"))
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    if end < start:
        raise UserError(f"{where}: ends ({seconds_text(end)} s) before it starts ({seconds_text(start)} s)")
    said: dict[str, list[str]] = {}
    for child in instance:
        if child.tag == "label":
            group = text_in(child, "group") or UNGROUPED
            said.setdefault(group, []).extend((text.text or "").strip() for text in child.iter("text"))
        elif child.tag not in ("start", "end", "code") and (child.text or "").strip():
            said.setdefault(OWN_ELEMENTS.get(child.tag, child.tag), []).insert(0, (child.text or "").strip())
    position_ms: int = start
    end_ms: int | None = end
    with suppress(ValueError):
        moment = ms_of_clock(_first(said, MOMENT))
        if start <= moment <= end:  # else somebody has moved the instance
            position_ms, end_ms = moment, None
            _take(said, MOMENT)
    confidence = None
    with suppress(ValueError):
        score = float(_first(said, SURE))
        if math.isfinite(score):
            confidence = score
            _take(said, SURE)
    visible = _first(said, SHOWN) != "not shown"
    if not visible:
        _take(said, SHOWN)
    team = _take(said, TEAM)
    extra: dict[str, Any] = {group: texts if len(texts) > 1 else texts[0] for group, texts in said.items() if texts}
    return Mark(1, position_ms, label, team, visible, end_ms, confidence, extra=extra)


def _first(said: dict[str, list[str]], group: str) -> str:
    return next(iter(said.get(group, [])), "")


def _take(said: dict[str, list[str]], group: str) -> str:
    return said[group].pop(0) if said.get(group) else ""


def _colours(root: Element) -> dict[str, tuple[int, int, int] | None]:
    """The colour of each code that has a row, in 16 bits a channel; LongoMatch writes 8."""
    rows = {text_in(row, "code"): [text_in(row, channel) for channel in "rgb"] for row in root.iter("row")}
    channels = [int(text) for texts in rows.values() for text in texts if text.isdecimal()]
    factor = 257 if channels and 0 < max(channels) < 256 else 1
    return {
        code: (int(r) * factor, int(g) * factor, int(b) * factor)
        if r.isdecimal() and g.isdecimal() and b.isdecimal()
        else None
        for code, (r, g, b) in rows.items()
        if code
    }
