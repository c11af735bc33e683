"""Chapters as FFmpeg reads them: `ffmpeg -i match.mp4 -i match.ffmetadata -map_metadata 1 -codec copy new.mp4`."""

import re

from rmsnet.matches.exports.chapters import chapters_of
from rmsnet.matches.exports.cuts import Timeline, Written


def write(timeline: Timeline) -> Written:
    chapters, _ = chapters_of(timeline)
    lines = [";FFMETADATA1", f"title={_value(timeline.name)}"]
    for chapter in chapters:
        lines += ["", "[CHAPTER]", "TIMEBASE=1/1000", f"START={chapter.start}", f"END={chapter.end}"]
        lines.append(f"title={_value(chapter.title)}")
    return Written("\n".join(lines) + "\n")


def _value(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)
