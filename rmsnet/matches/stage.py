"""Spot a match: from videos or features to events, a page to look at and highlight clips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.dataset.feature_files import Features, open_features
from rmsnet.dataset.labels import truth_of
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation.results import RESULTS, results_of
from rmsnet.features.bank import BankHalf, FrameBank
from rmsnet.features.profile import PROFILE_FILE, drift, read_profile, summarize
from rmsnet.features.shards import Shard
from rmsnet.files import write_bytes, write_json, write_text
from rmsnet.locks import alone
from rmsnet.matches.exports.writing import export_match, require_formats, require_sources
from rmsnet.matches.highlights.clips import Highlight, write_highlights
from rmsnet.matches.match import LONGEST_HALF_MINUTES, Match, clock, match_minute
from rmsnet.matches.overview import EVENT_COLUMNS, write_events, write_overview
from rmsnet.matches.page.match_page import match_page
from rmsnet.matches.page.page_video import page_video
from rmsnet.matches.page.votes import plot_votes, votes_of
from rmsnet.matches.reading import Reader, reader_of
from rmsnet.matches.sources import find_matches
from rmsnet.matches.stretches import Stretches, choose_stretches, pick
from rmsnet.network.devices import choose_device
from rmsnet.network.model_files import ORIGIN_FILE, SpottingModel, load_model, origin
from rmsnet.params import SpotParams
from rmsnet.reading.arrays import require_finite
from rmsnet.spots import Predictions
from rmsnet.spotting.decoding import decode
from rmsnet.spotting.inference import spot_bank
from rmsnet.spotting.scoring import score_every_clip
from rmsnet.spotting.thresholds import Floats, by_class, is_told, learned_thresholds
from rmsnet.style.words import marked
from rmsnet.tracking import find_model

CONFIDENCE = 0.5
"""What is printed, shown at first and cut of a model that has learned no thresholds: of what it is surer than not."""


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
    """

    name: str
    out: Path
    events: tuple[Mapping[str, Any], ...]
    least: Mapping[str, float]
    warnings: tuple[str, ...]
    drift: tuple[Mapping[str, Any], ...] = ()
    exports: tuple[Path, ...] = ()

    @property
    def told(self) -> tuple[Mapping[str, Any], ...]:
        """The events that people are shown at first."""
        return tuple(event for event in self.events if event["confidence"] >= self.least[event["label"]])


@alone
def spot_stage(
    sources: Sequence[Path],
    model: str,
    out: Path,
    *,
    stride: int | None = None,
    confidence: float | None = None,
    highlights: bool = False,
    exports: Sequence[str] = (),
    before: Sequence[str] = (),
    after: Sequence[str] = (),
    reel_classes: str | None = None,
    split: str | None = None,
    shard: Shard | None = None,
    strict: bool = False,
    device: str = "auto",
    shown: bool = False,
) -> list[SpottedMatch]:
    """Spot the events of a match, or of every match of a dataset or folder.

    Args:
        sources: see `rmsnet.matches.sources.find_matches`.
        model: a model folder, or the MLflow URI of a registered model.
        out: gets results_spotting.json, origin.json (which model, trained on which data), events.csv, votes.png,
            report.html, features/ where they were made from video, highlights/ and exports/; for several matches a
            folder <league>/<season>/<game> of these for each, events.csv of all of them and index.html.
        stride: frames between clips; None: as the model was judged.
        confidence: least confidence of what is told: printed, shown on the page at first, cut into highlights; None:
            what each class has learned, see `rmsnet.spotting.thresholds`.
        highlights: cut clips and a reel.
        exports: formats of `rmsnet.matches.exports.writing` in which events and cuts are written.
        before, after, reel_classes: what clips, reel and exports show, see `rmsnet.matches.stretches`.
        split: of a dataset; None: all of it.
        shard: take this part of the matches only; `rmsnet.matches.overview.join_spotted` makes the whole of all parts.
        strict: refuse features that are unlike those of the training.
        device: "auto", "cpu" or "cuda".
        shown: show progress on standard error.

    Raises:
        UserError: no model, no match, features or a video that the model cannot read, highlights or exports without a
            video, or of nothing.
        CheckFailed: `strict`, and features that drift.
    """
    if stride is not None and stride < 1:
        raise UserError(f"--stride {stride}: must be at least 1")
    if confidence is not None and not 0 <= confidence <= 1:
        raise UserError(f"--confidence {confidence}: must lie in [0, 1]")
    if (before or after or reel_classes is not None) and not (highlights or exports):
        raise UserError(
            "--before, --after and --reel-classes are about clips and exports; add --highlights or --export"
        )
    require_formats(exports)
    folder = find_model(model)
    spotter = load_model(folder, choose_device(device))
    profile = read_profile(folder / PROFILE_FILE) if (folder / PROFILE_FILE).exists() else None
    params = _params(spotter, stride)
    least = _least(folder, spotter, confidence)
    stretches = choose_stretches(spotter.classes, before, after, reel_classes)
    matches = find_matches(sources, spotter.config["features"]["name"], spotter.classes, split)
    one = shard is None and len(matches) == 1 and "/" not in matches[0].name
    if shard is not None:
        matches = shard.games(matches)
        if not matches:
            raise UserError(f"shard {shard.number}/{shard.of}: no matches are left for it")
    for match in matches:
        if highlights:
            _require_videos(match)
        if exports:
            require_sources(match)
        _require_openable(match)
    spotted, asked = [], _Asked(spotter, model, params, least, stretches, highlights, exports, profile, strict, shown)
    for match in matches:
        target = out if one else out / match.name
        read = reader_of(spotter, folder, device, shown)
        spotted.append(_spot(match, target, read, asked))
    if not one:
        write_overview(out, sources[0].resolve().name, {done.name: done.events for done in spotted})
    return spotted


def _least(folder: Path, spotter: SpottingModel, confidence: float | None) -> Floats:
    """(C,) the least confidence of each class that is told."""
    learned = learned_thresholds(folder, spotter.classes) if confidence is None else None
    return (
        np.full(len(spotter.classes), CONFIDENCE if confidence is None else confidence) if learned is None else learned
    )


def _params(spotter: SpottingModel, stride: int | None) -> SpotParams:
    """How the model decodes; overlapping clips see an event several times: the best of near predictions is kept.

    Raises:
        UserError: clips would leave gaps.
    """
    if stride is None:
        return spotter.spot
    if stride > spotter.clip_frames:
        raise UserError(f"--stride {stride}: leaves gaps between clips of {spotter.clip_frames} frames")
    if spotter.spot.suppression == "none" and not spotter.spot.votes and stride < spotter.clip_frames:
        return replace(spotter.spot, stride=stride, suppression="hard")
    return replace(spotter.spot, stride=stride)


def _require_videos(match: Match) -> None:
    """Refuse highlights of a half that has no video, or none that can be used."""
    from rmsnet.video.files import half_video

    for half in match.halves:
        if half.video is None:
            raise UserError(f"--highlights: half {half.number} of {match.name} has no video to cut clips from")
        half_video(half.video)


def _require_openable(match: Match) -> None:
    """Refuse a video that cannot be used, or bad features, before time goes into what comes before."""
    from rmsnet.video.files import half_video

    for half in match.halves:
        if half.features is None:
            half_video(half.videos[0])
        else:
            require_finite(open_features(half.features), half.features)


@dataclass(frozen=True)
class _Asked:
    """What is asked about every match; see `spot_stage`."""

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


def _spot(match: Match, out: Path, read: Reader, asked: _Asked) -> SpottedMatch:
    spotter, params, least = asked.spotter, asked.params, asked.least
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
    bank = _bank(match, parts, spotter)
    drifts = [] if asked.profile is None else [drift(asked.profile, summarize(features)) for features in parts]
    drifted = [
        f"{half.features or half.videos[0]}: {found.text}"
        for half, found in zip(match.halves, drifts, strict=False)
        if found.drifted
    ]
    if asked.strict and drifted:
        raise CheckFailed(f"--strict: {'; '.join(drifted)}")
    warnings = [*match.notes, *warnings, *_too_long(match, bank), *drifted]
    every_clip = score_every_clip(spotter, bank)
    if params.stride == 1:
        predictions = _in_order(decode(every_clip, bank, spotter.clip_frames, params))
    else:
        predictions = _in_order(spot_bank(spotter, bank, params))
    votes = votes_of(every_clip, bank)
    simulated = match.simulated or spotter.simulated
    events = _rows(predictions, bank)
    out.mkdir(parents=True, exist_ok=True)
    results = results_of([(match.name, half.number) for half in match.halves], predictions, spotter.classes)
    told_drift = tuple(
        {"half": half.number, "distance": found.distance, "limit": found.limit, "drifted": found.drifted}
        for half, found in zip(match.halves, drifts, strict=False)
    )
    write_json(out / RESULTS, {**results[match.name], **({"drift": told_drift} if told_drift else {})})
    write_json(out / ORIGIN_FILE, origin(spotter))
    write_events(out, events)
    name = str(spotter.config["name"])
    note = f"{marked(name, simulated)}, {match.name}"
    write_bytes(out / "votes.png", plot_votes(votes, predictions, bank, note))
    page = match_page(
        match,
        bank,
        predictions,
        votes,
        [page_video(half, out) for half in match.halves],
        out=out,
        least=least,
        model=f"{name} ({asked.model})" if asked.model.startswith("models:") else name,
        simulated=simulated,
        remarks=["unlike the training data"] if drifted else [],
    )
    write_text(out / "report.html", page)
    picked = pick(predictions, bank, np.flatnonzero(is_told(predictions, least)), asked.stretches)
    if asked.highlights:
        try:
            warnings += _cut(match, picked, out / "highlights", asked.shown)
        except UserError as error:  # the spots are there, and other matches may follow
            warnings.append(f"no highlights: {error}")
    files: tuple[Path, ...] = ()
    if asked.exports:
        files, remarks = export_match(match, picked, out / "exports", asked.exports)
        warnings += remarks
    told_from = by_class(least, spotter.classes)
    return SpottedMatch(match.name, out, tuple(events), told_from, tuple(warnings), told_drift, files)


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
        {"features": spotter.config["features"], "simulated": match.simulated},
    )


def _too_long(match: Match, bank: FrameBank) -> list[str]:
    """A line for each half that is none."""
    lines = []
    for half, rows in zip(match.halves, bank.halves, strict=True):
        minutes = float(bank.seconds_of(np.array(rows.frames))) / 60
        if minutes > LONGEST_HALF_MINUTES:
            lines.append(
                f"{half.features or half.videos[0]}: {minutes:.0f} minutes are no half, whose minutes are counted from "
                "its start; give each half a file of its own"
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
            match_minute(half, position_ms),
            position_ms,
            bank.classes[label],
            confidence,
        )
        rows.append(dict(zip(EVENT_COLUMNS, values, strict=True)))
    return rows


def _cut(match: Match, events: Sequence[Highlight], folder: Path, shown: bool) -> list[str]:
    from rmsnet.progress import progress

    with progress("highlights", "event", 2 * len(events), shown) as advance:
        done = write_highlights(match.shown_videos, events, folder, lambda: advance(1))
    return [f"{title}, left out of the highlights" for title in done.left_out]
