"""The page of a match: one file that holds everything but the videos, for people who look at what was spotted."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from rmsnet.dataset.periods import HALVES, Period
from rmsnet.errors import UserError
from rmsnet.features.bank import FrameBank
from rmsnet.matches.exports.cuts import Source
from rmsnet.matches.exports.timecode import labels_a_second
from rmsnet.matches.highlights.clips import HIGHLIGHTS, REEL, Highlights
from rmsnet.matches.match import Match
from rmsnet.matches.page.page_video import PageVideo
from rmsnet.matches.page.votes import Votes
from rmsnet.matches.stretches import Stretches
from rmsnet.spots import Predictions
from rmsnet.spotting.thresholds import Floats
from rmsnet.style.page import MADE_BY, style, text
from rmsnet.style.palette import class_looks, name_of

# "2015-02-21 - 18-00 Chelsea 1 - 1 Burnley", the name of a game in SoccerNet.
_GAME = re.compile(r"(\d{4}-\d{2}-\d{2}) - (\d{2})-(\d{2}) (.+)")


SCRIPTS = ("moments", "page", "video", "acts", "event", "reel", "settings", "start")
"""The parts of the page's script, in order."""


def match_page(
    match: Match,
    bank: FrameBank,
    predictions: Predictions,
    votes: Votes,
    videos: Sequence[PageVideo],
    *,
    out: Path,
    least: Floats,
    model: str,
    simulated: bool,
    clip_frames: int,
    stretches: Stretches,
    remarks: Sequence[str] = (),
    highlights: Highlights | None = None,
) -> str:
    """The page as HTML.

    Args:
        match: name, videos, whether there is ground truth.
        bank: its halves, in the order of `match.halves`, and its events.
        predictions: what the page lists.
        votes: (C, N) votes of stride-1 clips per frame of the bank.
        videos: of the halves.
        out: folder the page will lie in; videos are named relative to it.
        least: (C,) the least confidence of each class that is shown until the slider is moved.
        model: name of the model, for people; "": the events come from elsewhere.
        simulated: whether model or match are made up.
        clip_frames: of the model: so many clips hold a frame, and may vote for it.
        stretches: what is shown around events when they are played.
        remarks: what makes the events doubtful, in a few words each.
        highlights: clips below `out`, None: there are none.
    """
    made = {} if highlights is None else dict(zip(highlights.events, highlights.clips, strict=True))
    clips = {(one.half, one.position_ms, one.label): f"{HIGHLIGHTS}/{name}" for one, name in made.items()}
    title, subtitle = _title(match.name)
    doubts = [*(["simulated"] if simulated else []), *remarks]
    tags = [*([[f"model {model}", False]] if model else []), *([doubt, True] for doubt in doubts)]
    data = {
        "title": title,
        "subtitle": subtitle,
        "tags": tags,
        "confidence": float(least[0]) if len(set(least.tolist())) == 1 else None,
        "least": least.tolist(),
        "most_votes": clip_frames,
        "reel": f"{HIGHLIGHTS}/{REEL}" if highlights is not None and highlights.reel else None,
        "frame_rate": bank.frame_rate,
        "first_frame_seconds": bank.first_frame_seconds,
        "classes": [
            {
                "name": name_of(label, bank.looks),
                "label": label,
                "hidden": bool(bank.looks.get(label, {}).get("hidden")),
                **look.colour._asdict(),
                "before": stretches.before[label],
                "after": stretches.after[label],
                "in_reel": label in stretches.classes,
            }
            for label, look in zip(bank.classes, class_looks(bank.classes, bank.looks), strict=True)
        ],
        "halves": [
            {
                "number": half.number,
                "seconds": round(float(bank.seconds_of(np.array(rows.frames))), 3),
                "name": _name(bank.periods, half.number),
                "period": asdict(bank.periods[half.number - 1]),
                "video": None if video.path is None else _address(video.path, out),
                "video_name": None if video.path is None else video.path.name,
                "video_start": round(video.start_seconds, 3),
                "video_remark": video.remark,
                "code": None if video.source is None else _code(video.source),
            }
            for half, rows, video in zip(match.halves, bank.halves, videos, strict=True)
        ],
        "events": [
            {
                **spot,
                "confidence": float(predictions.confidence[row]),
                "clip": clips.get((bank.halves[spot["half"]].half, spot["ms"], bank.classes[spot["class"]])),
            }
            for row, spot in _in_order(bank, predictions)
        ],
        "truth": None
        if match.events is None
        else [{**spot, "visible": bool(bank.truth.visible[row])} for row, spot in _in_order(bank, bank.truth)],
        "votes": [[_sparse(votes[label], rows) for rows in bank.halves] for label in range(len(bank.classes))],
    }
    parts = {"TITLE": text(title), "DATA": _json(data), "STYLE": f"{style('colours')}\n{_part('page.css')}"}
    script = "\n\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return _filled({**parts, "SCRIPT": script, "MADEBY": MADE_BY})


def _name(periods: Sequence[Period], number: int) -> str:
    """What people call a period."""
    period, halves = periods[number - 1], len(periods) == len(HALVES)
    return period.name or (("1st half", "2nd half")[number - 1] if halves else f"period {number}")


def _in_order(bank: FrameBank, spots: Any) -> "list[tuple[int, dict[str, Any]]]":
    """Row and what the page says of it, of predictions or truth, in order of time."""
    order = np.lexsort((spots.label, spots.position_ms, spots.half))
    return [
        (
            int(row),
            {
                "half": int(spots.half[row]),
                "ms": int(spots.position_ms[row]),
                "class": int(spots.label[row]),
            },
        )
        for row in order
    ]


def _sparse(votes: Votes, rows: Any) -> list[int]:
    """[frame, votes, frame, votes, …] of the frames of a half that have any."""
    of_half = votes[rows.first_frame : rows.first_frame + rows.frames]
    frames = np.flatnonzero(of_half)
    return [int(value) for value in np.stack([frames, of_half[frames]], axis=1).flatten()]


def _title(name: str) -> tuple[str, str]:
    """Title and subtitle: "Chelsea 1 - 1 Burnley" and competition, date and time, where the name is SoccerNet's."""
    *competition, last = name.split("/")
    found = _GAME.fullmatch(last)
    if found is None:
        return last, " · ".join(competition)
    date, hour, minute, teams = found.groups()
    return teams, " · ".join([*(part.replace("_", " ") for part in competition), f"{date} {hour}:{minute}"])


def _address(video: Path, out: Path) -> str:
    """Where the page finds a video: relative, so that both can move together; absolute on another drive."""
    try:
        return quote(Path(os.path.relpath(video.resolve(), out.resolve())).as_posix())
    except ValueError:
        return video.resolve().as_uri()


def _json(data: Mapping[str, Any]) -> str:
    """JSON that may stand inside a script element whatever names it holds."""
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _code(source: Source) -> dict[str, Any] | None:
    """What the page needs to name frames by time code; None: their rate has none."""
    try:
        labels = labels_a_second(source.rate)
    except UserError:
        return None
    return {
        "rate": [source.rate.numerator, source.rate.denominator],
        "labels": labels,
        "start": source.start,
        "drop": source.drop,
        "first_ms": 1000 * float(source.zero - source.kick_off),
        "frames": source.frames,
    }


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8").rstrip()


def _filled(parts: Mapping[str, str]) -> str:
    return re.sub(r"@@([A-Z]+)@@", lambda found: parts[found[1]], _part("page.html")) + "\n"
