"""Spot matches: one, or all of a dataset or folder, of which a bad one does not stop the others."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from rmsnet.dataset.periods import periods_of
from rmsnet.errors import CheckFailed, UserError
from rmsnet.features.profile import PROFILE_FILE, read_profile
from rmsnet.features.shards import Shard
from rmsnet.locks import alone
from rmsnet.logs import log
from rmsnet.matches.exports.writing import require_formats, require_sources
from rmsnet.matches.game_folder import known_to_model
from rmsnet.matches.match import Match
from rmsnet.matches.one_match import Asked, SpottedMatch, spot_match, spotted_before
from rmsnet.matches.overview import write_overview
from rmsnet.matches.reading import reader_of
from rmsnet.matches.sources import find_matches
from rmsnet.matches.stretches import Stretches, choose_stretches
from rmsnet.network.onnx_model import load_spotter
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.params import SpotParams
from rmsnet.spotting.thresholds import Floats, learned_thresholds
from rmsnet.tracking import find_model

CONFIDENCE = 0.5
"""What is printed, shown at first and cut of a model that has learned no thresholds: of what it is surer than not."""


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
    reel_events: Path | None = None,
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
        out: gets results_spotting.json, origin.json (which model, trained on which data), events.csv, votes.svg,
            report.html, features/ where they were made from video, highlights/ and exports/; for several matches a
            folder <league>/<season>/<game> of these for each, events.csv of all of them and index.html.
        stride: frames between clips; None: as the model was judged.
        confidence: least confidence of what is told: printed, shown on the page at first, cut into highlights; None:
            what each class has learned, see `rmsnet.spotting.thresholds`.
        highlights: cut clips and a reel.
        exports: formats of `rmsnet.matches.exports.writing` in which events and cuts are written.
        before, after, reel_classes, reel_events: what clips, reel and exports show, see `rmsnet.matches.stretches`.
        split: of a dataset; None: all of it.
        shard: take this part of the matches only; `rmsnet.matches.overview.join_spotted` makes the whole of all parts.
        strict: refuse features that are unlike those of the training.
        device: "auto", "cpu" or "cuda".
        shown: show progress on standard error.

    Raises:
        UserError: no model, no match, features or a video that the model cannot read, highlights or exports without a
            video, or of nothing.
        CheckFailed: `strict`, and features that drift. Of several matches those that cannot be spotted have a fault;
            it is an error only if all have.
    """
    if stride is not None and stride < 1:
        raise UserError(f"--stride {stride}: must be at least 1")
    if confidence is not None and not 0 <= confidence <= 1:
        raise UserError(f"--confidence {confidence}: must lie in [0, 1]")
    require_formats(exports)
    folder = find_model(model)
    spotter = load_spotter(folder, device)
    profile = read_profile(folder / PROFILE_FILE) if (folder / PROFILE_FILE).exists() else None
    params = params_of(spotter, stride)
    least = least_told(folder, spotter, confidence)
    periods = len(periods_of(spotter.config))
    stretches = choose_stretches(spotter.classes, before, after, reel_classes, reel_events, periods)
    known = known_to_model(spotter.config)
    matches = find_matches(sources, spotter.config["features"]["name"], spotter.classes, split, known)
    _require_chosen(stretches, matches)
    one = shard is None and len(matches) == 1 and "/" not in matches[0].name
    if shard is not None:
        matches = shard.games(matches)
        if not matches:
            raise UserError(f"shard {shard.number}/{shard.of}: no matches are left for it")
    asked = Asked(spotter, model, params, least, stretches, highlights, exports, profile, strict, shown)
    faults = {} if len(matches) == 1 else _faults(matches, asked)
    if len(matches) == 1:
        _check(matches[0], asked)
    spotted = []
    for match in matches:
        target = out if one else out / match.name
        try:
            if match.name in faults:
                raise UserError(faults[match.name])
            done = None if one else spotted_before(match, target, asked)
            spotted.append(done or spot_match(match, target, reader_of(spotter, folder, device, shown), asked))
        except (UserError, CheckFailed) as error:  # one bad match does not stop the night
            if len(matches) == 1:
                raise
            spotted.append(SpottedMatch(match.name, target, (), {}, (), fault=str(error)))
    sound = {done.name: done.events for done in spotted if not done.fault}
    if not sound:
        raise UserError(f"none of {len(matches)} matches can be spotted; the first: {spotted[0].fault}")
    if not one:
        write_overview(out, sources[0].resolve().name, sound)
    return spotted


def require_all(spotted: Sequence[SpottedMatch]) -> None:
    """Say which matches were not spotted.

    Raises:
        CheckFailed: there are some.
    """
    faults = [f"{match.name}: {match.fault}" for match in spotted if match.fault]
    if faults:
        raise CheckFailed(
            f"{len(faults)} of {len(spotted)} matches are not spotted ({'; '.join(faults)}); the same command does "
            "them when they are mended, the others stay as they are"
        )


def _faults(matches: Sequence[Match], asked: Asked) -> dict[str, str]:
    """What can be seen to be wrong with each match before time goes into any."""
    faults = {}
    for match in matches:
        try:
            _check(match, asked)
        except UserError as error:
            faults[match.name] = str(error)
            log.warning(f"{match.name}: will be left out: {error}")
    return faults


def _check(match: Match, asked: Asked) -> None:
    """Refuse what cannot be spotted, cut or exported."""
    if match.fault:
        raise UserError(match.fault)
    if asked.highlights:
        _require_videos(match)
    if asked.exports:
        require_sources(match)
    _require_openable(match)


def least_told(folder: Path, spotter: SpottingModel, confidence: float | None) -> Floats:
    """(C,) the least confidence of each class that is told."""
    learned = learned_thresholds(folder, spotter.classes) if confidence is None else None
    return (
        np.full(len(spotter.classes), CONFIDENCE if confidence is None else confidence) if learned is None else learned
    )


def params_of(spotter: SpottingModel, stride: int | None) -> SpotParams:
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


def _require_chosen(stretches: Stretches, matches: Sequence[Match]) -> None:
    """Refuse chosen events that cannot be the match's."""
    if stretches.events is None:
        return
    if len(matches) > 1:
        raise UserError(f"--reel-events: are those of one match, and there are {len(matches)}; spot the one alone")
    there = {half.number for half in matches[0].halves}
    for event in stretches.events:
        if event.half not in there:
            raise UserError(f"--reel-events: has an event in half {event.half}, which {matches[0].name} does not have")


def _require_videos(match: Match) -> None:
    """Refuse highlights of a half that has no video, or none that can be used."""
    from rmsnet.video.files import half_video

    for half in match.halves:
        if half.video is None:
            raise UserError(f"--highlights: half {half.number} of {match.name} has no video to cut clips from")
        half_video(half.video)


def _require_openable(match: Match) -> None:
    """Refuse a video that cannot be used before time goes into the one before it."""
    from rmsnet.video.files import half_video

    for half in match.halves:
        if half.features is None:
            half_video(half.videos[0])
