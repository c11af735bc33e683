"""Spot one match: features of its halves become events, a page to look at, clips and exports."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.dataset.feature_files import Features
from rmsnet.dataset.kick_offs import KICK_OFFS
from rmsnet.dataset.labels import truth_of
from rmsnet.documents import read_document
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation.results import RESULTS, results_of
from rmsnet.features.bank import TOLD_ON, BankHalf, FrameBank
from rmsnet.features.profile import Drift, drift, summarize
from rmsnet.files import content_hash, write_json, write_text
from rmsnet.matches.exports.writing import export_match
from rmsnet.matches.highlights.clips import HIGHLIGHTS, Highlight, Highlights, write_highlights
from rmsnet.matches.match import Match, clock
from rmsnet.matches.overview import EVENT_COLUMNS, EVENTS, write_events
from rmsnet.matches.page.match_page import match_page
from rmsnet.matches.page.page_video import page_video
from rmsnet.matches.page.votes import Votes, draw_votes, votes_of
from rmsnet.matches.reading import Reader
from rmsnet.matches.stretches import Stretches, pick
from rmsnet.network.model_config import ORIGIN_FILE
from rmsnet.network.spotting_model import SpottingModel, origin
from rmsnet.params import SpotParams
from rmsnet.reading.arrays import require_finite
from rmsnet.reading.rows import read_rows
from rmsnet.spots import Predictions
from rmsnet.spotting.decoding import decode
from rmsnet.spotting.inference import score_bank, spot_bank
from rmsnet.spotting.thresholds import Floats, by_class, is_told
from rmsnet.style.words import marked


@dataclass(frozen=True)
class SpottedMatch:
    """What was found in a match.

    Attributes:
        name: of the match.
        out: folder with what was written.
        events: as in events.csv, in order of time: half, time, minute, position_ms, label, confidence.
        least: the confidence of each class from which on its events are told.
        warnings: one line for each irregularity.
        drift: of each half: half, distance, limit, drifted; empty where the model has no profile of its training.
        exports: the files in exports/.
        fault: why it could not be spotted; "": it was.
    """

    name: str
    out: Path
    events: tuple[Mapping[str, Any], ...]
    least: Mapping[str, float]
    warnings: tuple[str, ...]
    drift: tuple[Mapping[str, Any], ...] = ()
    exports: tuple[Path, ...] = ()
    fault: str = ""

    @property
    def told(self) -> tuple[Mapping[str, Any], ...]:
        """The events that people are shown at first."""
        return tuple(event for event in self.events if event["confidence"] >= self.least[event["label"]])


@dataclass(frozen=True)
class Asked:
    """What is asked about every match; see `rmsnet.matches.stage.spot_stage`."""

    spotter: SpottingModel
    model: str
    params: SpotParams
    least: Floats
    stretches: Stretches
    highlights: bool
    exports: Sequence[str]
    profile: Mapping[str, Any] | None
    strict: bool
    shown: bool


@dataclass(frozen=True)
class Scored:
    """What a model says of a match.

    Attributes:
        bank: its features.
        predictions: in order of time.
        votes: (C, N) of clips that start at every frame.
        drifts: of each half from the training; empty where the model has no profile.
        drifted: a line for each half that is unlike it.
        warnings: one line for each irregularity.
    """

    bank: FrameBank
    predictions: Predictions
    votes: Votes
    drifts: Sequence[Drift]
    drifted: Sequence[str]
    warnings: Sequence[str]


def read_match(
    match: Match, out: Path, read: Reader, spotter: SpottingModel
) -> tuple[FrameBank, list[Features], list[str]]:
    """The features of a match: in a bank, half by half, and a warning for each irregularity.

    Raises:
        UserError: features or a video that cannot be read, or of another width than the model reads.
    """
    parts, warnings = [], []
    for half in match.halves:
        features, told = read(half, out)
        if features.shape[1] != spotter.config["width"]:
            where = half.features or half.videos[0]
            raise UserError(
                f"{where}: {features.shape[1]} features a frame; the model reads {spotter.config['width']} "
                f"({spotter.config['features']['name']})"
            )
        require_finite(features, half.features or half.videos[0])
        parts.append(features)
        warnings += told
    return _bank(match, parts, spotter), parts, warnings


def score_match(
    match: Match,
    out: Path,
    read: Reader,
    spotter: SpottingModel,
    params: SpotParams,
    profile: Mapping[str, Any] | None = None,
    strict: bool = False,
) -> Scored:
    """Let a model look at a match.

    Raises:
        UserError: see `read_match`.
        CheckFailed: `strict`, and features that drift.
    """
    bank, parts, warnings = read_match(match, out, read, spotter)
    drifts = [] if profile is None else [drift(profile, summarize(features)) for features in parts]
    drifted = [
        f"{half.features or half.videos[0]}: {found.text}"
        for half, found in zip(match.halves, drifts, strict=False)
        if found.drifted
    ]
    if strict and drifted:
        raise CheckFailed(f"--strict: {'; '.join(drifted)}")
    every_clip = score_bank(spotter, bank, 1)
    if params.stride == 1:
        predictions = _in_order(decode(every_clip, bank, spotter.clip_frames, params))
    else:
        predictions = _in_order(spot_bank(spotter, bank, params))
    return Scored(bank, predictions, votes_of(every_clip, bank), drifts, drifted, warnings)


def spot_match(match: Match, out: Path, read: Reader, asked: Asked) -> SpottedMatch:
    """Spot a match and leave what `spot_stage` says in its folder.

    Raises:
        UserError, CheckFailed: see `score_match`.
    """
    spotter, least = asked.spotter, asked.least
    scored = score_match(match, out, read, spotter, asked.params, asked.profile, asked.strict)
    bank, predictions, votes, drifted = scored.bank, scored.predictions, scored.votes, scored.drifted
    warnings = [*match.notes, *scored.warnings, *_too_long(match, bank), *drifted]
    simulated = match.simulated or spotter.simulated
    events = _rows(predictions, bank)
    out.mkdir(parents=True, exist_ok=True)
    results = results_of([(match.name, half.number) for half in match.halves], predictions, spotter.classes)
    told_drift = tuple(
        {"half": half.number, "distance": found.distance, "limit": found.limit, "drifted": found.drifted}
        for half, found in zip(match.halves, scored.drifts, strict=False)
    )
    write_json(out / RESULTS, {**results[match.name], **({"drift": told_drift} if told_drift else {})})
    write_events(out, events)
    name = str(spotter.config["name"])
    note = f"{marked(name, simulated)}, {match.name}"
    write_text(out / "votes.svg", draw_votes(votes, predictions, bank, spotter.clip_frames, note))
    page = partial(
        match_page,
        match,
        bank,
        predictions,
        votes,
        [page_video(half, out) for half in match.halves],
        out=out,
        least=least,
        model=f"{name} ({asked.model})" if asked.model.startswith("models:") else name,
        simulated=simulated,
        clip_frames=spotter.clip_frames,
        stretches=asked.stretches,
        remarks=["unlike the training data"] if drifted else [],
    )
    write_text(out / "report.html", page())
    picked = pick(predictions, bank, np.flatnonzero(is_told(predictions, least)), asked.stretches)
    if asked.highlights:
        try:
            made, left_out = _cut(match, picked, out / HIGHLIGHTS, asked.shown)
            write_text(out / "report.html", page(highlights=made))
            warnings += left_out
        except UserError as error:  # the spots are there, and other matches may follow
            warnings.append(f"no highlights: {error}")
    files: tuple[Path, ...] = ()
    if asked.exports:
        files, remarks = export_match(match, picked, out / "exports", asked.exports)
        warnings += remarks
    # The last to be written: with it, the match is done.
    write_json(out / ORIGIN_FILE, {**origin(spotter), "asked": _identity(match, asked)})
    told_from = by_class(least, spotter.classes)
    return SpottedMatch(match.name, out, tuple(events), told_from, tuple(warnings), told_drift, files)


def spotted_before(match: Match, out: Path, asked: Asked) -> SpottedMatch | None:
    """What lies in a match's folder, where the same was asked of the same files; None: it has to be spotted."""
    try:
        before = read_document(out / ORIGIN_FILE, dict[str, Any])
        if before.get("asked") != _identity(match, asked):
            return None
        rows = read_rows(out / EVENTS, EVENT_COLUMNS)
        found = read_document(out / RESULTS, dict[str, Any])
        events = [
            row
            | {"half": int(row["half"]), "position_ms": int(row["position_ms"]), "confidence": float(row["confidence"])}
            for row in rows
        ]
    except (UserError, ValueError):
        return None
    files = tuple(sorted((out / "exports").glob("*"))) if asked.exports else ()
    told_from = by_class(asked.least, asked.spotter.classes)
    return SpottedMatch(match.name, out, tuple(events), told_from, match.notes, tuple(found.get("drift", ())), files)


def _identity(match: Match, asked: Asked) -> str:
    """What is asked about which files, as a hash; a file is known by its size and time."""
    files = [path for half in match.halves for path in half.files]
    known = [(str(path), (at := path.stat()).st_size, at.st_mtime_ns) for path in files]
    parts = (asked.spotter.config["weights_hash"], asked.model, asked.params, asked.least.tolist(), asked.stretches)
    return content_hash(repr((*parts, asked.highlights, asked.exports, asked.strict, match, known)))


def _bank(match: Match, parts: Sequence[Features], spotter: SpottingModel) -> FrameBank:
    """The frame bank of one match."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    halves = tuple(
        BankHalf(match.name, half.number, int(start), len(part))
        for half, start, part in zip(match.halves, starts, parts, strict=False)
    )
    events = match.events or ()
    truth = truth_of(
        [[event for event in events if event.half == half.number] for half in match.halves], spotter.classes
    )
    return FrameBank(
        np.concatenate(parts, dtype=np.float32),
        halves,
        truth,
        spotter.classes,
        spotter.config["frame_rate"],
        spotter.config["first_frame_seconds"],
        {
            "features": spotter.config["features"],
            "simulated": match.simulated,
            **{key: spotter.config[key] for key in TOLD_ON if key in spotter.config},
        },
    )


def _too_long(match: Match, bank: FrameBank) -> list[str]:
    """A line for each half that is none."""
    lines = []
    for half, rows in zip(match.halves, bank.halves, strict=True):
        seconds = float(bank.seconds_of(np.array(rows.frames)))
        if seconds > bank.periods[half.number - 1].longest_seconds:
            lines.append(
                f"{half.features or half.videos[0]}: {seconds / 60:.0f} minutes are no half, whose minutes are counted "
                f"from its start; give each half a file of its own, or say in {KICK_OFFS} beside it where each begins"
            )
    return lines


def _in_order(predictions: Predictions) -> Predictions:
    order = np.lexsort((predictions.label, predictions.position_ms, predictions.half))
    return Predictions(
        predictions.half[order], predictions.position_ms[order], predictions.label[order], predictions.confidence[order]
    )


def _rows(predictions: Predictions, bank: FrameBank) -> list[dict[str, Any]]:
    columns = (predictions.half, predictions.position_ms, predictions.label, predictions.confidence)
    rows = []
    for half_number, position_ms, label, confidence in zip(*(column.tolist() for column in columns), strict=True):
        half = bank.halves[half_number].half
        values = (
            half,
            clock(position_ms),
            bank.said(half_number, position_ms),
            position_ms,
            bank.classes[label],
            confidence,
        )
        rows.append(dict(zip(EVENT_COLUMNS, values, strict=True)))
    return rows


def _cut(match: Match, events: Sequence[Highlight], folder: Path, shown: bool) -> tuple[Highlights, list[str]]:
    from rmsnet.progress import progress

    with progress("highlights", "event", 2 * len(events), shown) as advance:
        done = write_highlights(match.shown_videos, events, folder, lambda: advance(1))
    return done, [f"{title}, left out of the highlights" for title in done.left_out]
