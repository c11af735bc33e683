"""Sportscode's XML written, so that Sportscode and the tools beside it show it and Kloppy reads it.

A moment is written as the stretch around it that one wants to see, with its exact time in a label "Moment".
"""

import colorsys

from rmsnet.dataset.formats.document import Annotations, Mark, Timeline, written_names
from rmsnet.dataset.formats.json_rows import as_text
from rmsnet.dataset.formats.sportscode import MOMENT, OWN_ELEMENTS, SHOWN, SURE, TEAM, UNGROUPED
from rmsnet.dataset.formats.stated import Stated
from rmsnet.dataset.formats.times import seconds_text
from rmsnet.dataset.formats.xml_tree import element

BEFORE_MS, AFTER_MS = 8000, 7000
"""What is shown of a moment: the play that leads to it, and what follows."""


def write_sportscode(document: Annotations, stated: Stated) -> dict[str, bytes]:
    """A file for each piece of footage."""
    codes = document.used_classes
    return {f"{name}.xml": _file(timeline, document, codes) for name, timeline in written_names(document)}


def _file(timeline: Timeline, document: Annotations, codes: tuple[str, ...]) -> bytes:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<file>"]
    if timeline.extra.get("start_time"):
        lines.append(f"<SESSION_INFO>{element('start_time', as_text(timeline.extra['start_time']))}</SESSION_INFO>")
    lines += ["<SORT_INFO><sort_type>sort order</sort_type></SORT_INFO>", "<ALL_INSTANCES>"]
    lines += [_instance(mark, number) for number, mark in enumerate(timeline.marks, 1)]
    lines += ["</ALL_INSTANCES>", "<ROWS>"]
    for number, code in enumerate(codes):
        red, green, blue = document.colours.get(code) or _colour(number / len(codes))
        channels = f"<R>{red}</R><G>{green}</G><B>{blue}</B>"
        lines.append(f"<row><sort_order>{number + 1}</sort_order>{element('code', code)}{channels}</row>")
    return "\n".join([*lines, "</ROWS>", "</file>", ""]).encode()


def _colour(hue: float) -> tuple[int, int, int]:
    red, green, blue = (257 * round(255 * channel) for channel in colorsys.hsv_to_rgb(hue, 0.75, 0.85))
    return red, green, blue


def _instance(mark: Mark, number: int) -> str:
    moment = mark.end_ms is None
    start = max(mark.position_ms - (BEFORE_MS if moment else 0), 0)
    end = mark.position_ms + AFTER_MS if mark.end_ms is None else max(mark.end_ms, start)
    extra = {
        name: [as_text(each) for each in (value if isinstance(value, list) else [value])]
        for name, value in mark.extra.items()
    }
    labels = [(MOMENT, seconds_text(max(mark.position_ms, 0)))] if moment else []
    labels += [(TEAM, mark.team)] if mark.team else []
    labels += [] if mark.visible else [(SHOWN, "not shown")]
    labels += [] if mark.confidence is None else [(SURE, repr(float(mark.confidence)))]
    fields = [element("ID", extra.get("ID", [str(number)])[0])]
    fields += [element("start", seconds_text(start)), element("end", seconds_text(end)), element("code", mark.label)]
    for name, texts in extra.items():
        own = name in OWN_ELEMENTS.values()
        if own and name != "ID":
            fields.append(element(name, texts[0]))
        labels += [(name, text) for text in texts[own:]]
    for group, text in labels:
        grouped = element("group", group) if group != UNGROUPED else ""
        fields.append(f"<label>{grouped}{element('text', text)}</label>")
    return f"  <instance>{''.join(fields)}</instance>"
