"""The page of a match: one file that holds everything but the videos, for people who look at what was spotted."""

import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from rmsnet.features.bank import FrameBank
from rmsnet.matches.highlights.clips import HIGHLIGHTS, REEL, Highlights
from rmsnet.matches.match import Match
from rmsnet.matches.page.page_video import PageVideo
from rmsnet.matches.page.parts import code_of, filled, part, period_name, title_of
from rmsnet.matches.page.votes import Votes
from rmsnet.matches.stretches import Stretches
from rmsnet.spots import Predictions
from rmsnet.spotting.thresholds import Floats
from rmsnet.style.palette import class_looks, name_of

SCRIPTS = ("moments", "ground", "page", "axis", "video", "acts", "event", "reel", "look", "settings", "start")
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
    title, subtitle = title_of(match.name)
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
                "name": period_name(bank.periods, half.number),
                "period": asdict(bank.periods[half.number - 1]),
                "video": None if video.path is None else _address(video.path, out),
                "video_name": None if video.path is None else video.path.name,
                "video_start": round(video.start_seconds, 3),
                "video_remark": video.remark,
                "code": None if video.source is None else code_of(video.source),
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
    scripts = [part(f"{name}.js") for name in SCRIPTS]
    return filled(part("page.html"), title, part("page.css"), data, scripts)


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


def _address(video: Path, out: Path) -> str:
    """Where the page finds a video: relative, so that both can move together; absolute on another drive."""
    try:
        return quote(Path(os.path.relpath(video.resolve(), out.resolve())).as_posix())
    except ValueError:
        return video.resolve().as_uri()
