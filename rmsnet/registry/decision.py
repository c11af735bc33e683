"""A version asks to be champion: every condition, and what was decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet import tracking
from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.evaluation.assessment import Assessment
from rmsnet.features.bank import FrameBank
from rmsnet.network.model_files import SpottingModel, load_model
from rmsnet.params import Params
from rmsnet.registry.gate import Condition, Duel, duel, floor_check, statistical_checks, validation_check
from rmsnet.registry.history import CHAMPION, Change, State, rolled_back
from rmsnet.registry.judging import SPLIT, assess_model, protocol_of
from rmsnet.spotting.inference import check_fits

if TYPE_CHECKING:
    from rmsnet.tracking import Version


_AGAIN = "run rmsnet validate again"

ALREADY = "it is the champion already"

WEIGHTS_TAG = "weights_hash"
"""On a version: the hash of its weights."""


@dataclass(frozen=True)
class Decision:
    """What was decided about a version, with the numbers behind it; scores in [0, 1].

    Attributes:
        model_name: of the registered model.
        variant: what the version is called in its training.
        version: its number.
        promoted: whether it is the champion now, since this decision or before.
        forced: whether it is so against the gate.
        reason: why, in one sentence.
        checks: every condition of the gate.
        challenger_average_map: of the version on the validation split.
        champion_version: the champion before the decision, None where there was none.
        champion_average_map: of that champion on the same games.
        difference: challenger minus champion, and its one-sided bounds: value, low, high.
        per_class: the same for each class.
        point_comparison: what a comparison of the two numbers alone would have said; None without a champion.
        games: of the validation split.
        dataset: its name.
        data_hash: of its frame bank.
        protocol: of the scores, with the tolerances.
        simulated: whether the validation split is made up.
        when: UTC, ISO 8601.
        url: where the decision's files are kept in MLflow; of one that changed nothing, and so was not kept, "".
    """

    model_name: str
    variant: str
    version: int
    promoted: bool
    forced: bool
    reason: str
    checks: tuple[Condition, ...]
    challenger_average_map: float
    champion_version: int | None
    champion_average_map: float | None
    difference: tuple[float, float, float] | None
    per_class: Mapping[str, tuple[float, float, float]] | None
    point_comparison: bool | None
    games: int
    dataset: str
    data_hash: str
    protocol: str
    simulated: bool
    when: str
    url: str


@dataclass(frozen=True)
class Candidate:
    """A version that asks to be champion.

    Attributes:
        version: in the registry.
        model: loaded.
    """

    version: "Version"
    model: SpottingModel


def decide(
    candidate: Candidate,
    judged: Assessment,
    bank: FrameBank,
    params: Params,
    validation: Path | None,
    force: str | None,
    changes: Sequence[Change],
    state: State,
) -> tuple[Decision, Duel | None]:
    name, version = params.register.model_name, candidate.version
    report = None if validation is None else read_document(validation / "validation.json", dict[str, Any], "", _AGAIN)
    checks = [
        Condition("reloads to equal outputs", True, "the logged model gives the events of the model folder"),
        validation_check(
            report,
            str(candidate.model.config["dataset"]),
            version.tags.get("dvc.md5"),
            {"train": candidate.model.config.get("content"), "valid": bank.info.get("content")},
        ),
        _check_not_rolled_back(version, changes),
        floor_check(judged.scores.average_map, params.register),
        _check_origin("the model", candidate.model, bank),
    ]
    champion_version = state.get(CHAMPION)
    made = None
    if champion_version not in (None, version.version):
        champion, check = _champion_on(name, champion_version, bank)
        if champion is None and _is_same_model(name, champion_version, candidate.model):
            check = Condition(check.name, True, f"version {champion_version} is lost, and this is the same model")
        checks.append(check)
        if champion is not None and judged.judged.games < 2:
            few = f"one validation game says nothing of others; {params.register.minimum_games} are needed"
            checks.append(Condition("enough games", False, few))
        elif champion is not None:
            theirs = assess_model(champion, bank, params)
            made = duel(judged.judged, theirs.judged, params.register.confidence, params.register.resamples)
            checks += statistical_checks(made, bank.classes, params.register)
    failed = [check for check in checks if not check.passed]
    promoted, reason = not failed, "; ".join(f"{check.name}: {check.detail}" for check in failed)
    if champion_version == version.version:
        promoted, reason = True, ALREADY
    elif promoted and champion_version is None:
        reason = "there was no champion"
    elif promoted:
        reason = checks[-1].detail if made is None else f"{checks[-2].name}: {checks[-2].detail}"
    forced = bool(force) and not promoted
    when = datetime.now(UTC).isoformat(timespec="seconds")
    stamp = when.replace(":", "").replace("+0000", "Z")
    decision = Decision(
        model_name=name,
        variant=version.tags.get("variant", str(candidate.model.config["name"])),
        version=version.version,
        promoted=promoted or forced,
        forced=forced,
        reason=f"forced ({force}) although {reason}" if forced else reason,
        checks=tuple(checks),
        challenger_average_map=judged.scores.average_map,
        champion_version=champion_version,
        champion_average_map=None if made is None else made.champion,
        difference=None if made is None else (made.difference, made.low, made.high),
        per_class=None if made is None else _by_class(made, bank.classes),
        point_comparison=None if made is None else made.difference > 0,
        games=judged.judged.games,
        dataset=str(bank.info["dataset"]),
        data_hash=str(bank.info["data_hash"]),
        protocol=protocol_of(judged),
        simulated=bank.simulated,
        when=when,
        url="" if reason == ALREADY else f"runs:/{version.run_id}/decisions/version-{version.version}-{stamp}",
    )
    return decision, made


def _is_same_model(name: str, version: int | None, model: SpottingModel) -> bool:
    """Whether a version that cannot be loaded was registered with these weights."""
    hashes = [item.tags.get(WEIGHTS_TAG) for item in tracking.versions(name) if item.version == version]
    return hashes == [str(model.config["weights_hash"])]


def _check_not_rolled_back(version: "Version", changes: Sequence[Change]) -> Condition:
    taken_back = version.model_id in rolled_back(changes)
    detail = "it was champion and was taken back; promote it with --force REASON" if taken_back else "it never was"
    return Condition("not rolled back", not taken_back, detail)


def _check_origin(who: str, model: SpottingModel, bank: FrameBank) -> Condition:
    words = {True: "simulated", False: "real"}
    return Condition(
        "same kind of data",
        model.simulated == bank.simulated,
        f"{who} has learned from {words[model.simulated]} games, these are {words[bank.simulated]}; the two are never "
        "compared",
    )


def _champion_on(name: str, version: int | None, bank: FrameBank) -> tuple[SpottingModel | None, Condition]:
    """The champion, if it can be scored on these games."""
    title = "champion scored on the same games"
    try:
        model = load_model(tracking.model_folder(f"models:/{name}/{version}"))
        origin = _check_origin("the champion", model, bank)
        if not origin.passed:
            return None, origin
        check_fits(model, bank)
    except UserError as error:
        return None, Condition(title, False, f"version {version} cannot be: {error}")
    return model, Condition(
        title, True, f"version {version}, again, on {bank.info['dataset']} {SPLIT} {bank.info['data_hash']}"
    )


def _by_class(made: Duel, classes: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    rows = np.stack([made.class_difference, made.class_low, made.class_high], axis=1).tolist()
    return {name: (row[0], row[1], row[2]) for name, row in zip(classes, rows, strict=True)}
