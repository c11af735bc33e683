"""The page of a match: one file that holds everything but the videos, for people who look at what was spotted."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from rmsnet.features.bank import FrameBank
from rmsnet.matches.match import HALF_MINUTES, Match, match_minute
from rmsnet.matches.page.page_video import PageVideo
from rmsnet.matches.page.votes import Votes
from rmsnet.spots import Predictions
from rmsnet.spotting.thresholds import Floats
from rmsnet.style.page import MADE_BY, style, text
from rmsnet.style.palette import class_looks, name_of

# "2015-02-21 - 18-00 Chelsea 1 - 1 Burnley", the name of a game in SoccerNet.
_GAME = re.compile(r"(\d{4}-\d{2}-\d{2}) - (\d{2})-(\d{2}) (.+)")


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
    remarks: Sequence[str] = (),
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
        model: name of the model, for people.
        simulated: whether model or match are made up.
        remarks: what makes the events doubtful, in a few words each.
    """
    title, subtitle = _title(match.name)
    doubts = [*(["simulated"] if simulated else []), *remarks]
    tags = [[f"model {model}", False], *([doubt, True] for doubt in doubts)]
    data = {
        "title": title,
        "subtitle": subtitle,
        "tags": tags,
        "confidence": float(least[0]) if len(set(least.tolist())) == 1 else None,
        "least": least.tolist(),
        "most_votes": max(1, int(votes.max(initial=0))),
        "frame_rate": bank.frame_rate,
        "first_frame_seconds": bank.first_frame_seconds,
        "classes": [
            {"name": name_of(label), **look.colour._asdict()}
            for label, look in zip(bank.classes, class_looks(bank.classes), strict=True)
        ],
        "halves": [
            {
                "number": half.number,
                "seconds": round(float(bank.seconds_of(np.array(rows.frames))), 3),
                "first_minute": (half.number - 1) * HALF_MINUTES,
                "video": None if video.path is None else _address(video.path, out),
                "video_name": None if video.path is None else video.path.name,
                "video_start": round(video.start_seconds, 3),
                "video_remark": video.remark,
            }
            for half, rows, video in zip(match.halves, bank.halves, videos, strict=True)
        ],
        "events": [
            {**spot, "confidence": float(predictions.confidence[row])} for row, spot in _in_order(bank, predictions)
        ],
        "truth": None
        if match.events is None
        else [{**spot, "visible": bool(bank.truth.visible[row])} for row, spot in _in_order(bank, bank.truth)],
        "votes": [[_sparse(votes[label], rows) for rows in bank.halves] for label in range(len(bank.classes))],
    }
    parts = {"TITLE": text(title), "DATA": _json(data), "STYLE": f"{style('colours')}\n{_part('css')}"}
    return _filled({**parts, "SCRIPT": _part("js"), "MADEBY": MADE_BY})


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
                "minute": match_minute(bank.halves[spots.half[row]].half, int(spots.position_ms[row])),
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


def _part(suffix: str) -> str:
    return files(__package__).joinpath(f"page.{suffix}").read_text(encoding="utf-8").rstrip()


def _filled(parts: Mapping[str, str]) -> str:
    return re.sub(r"@@([A-Z]+)@@", lambda found: parts[found[1]], _part("html")) + "\n"
