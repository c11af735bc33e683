"""A version asks to be champion: every condition, and what was decided."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet import tracking
from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.evaluation.assessment import Assessment
from rmsnet.features.bank import FrameBank
from rmsnet.features.games import UsedGames, all_keys, game_keys, read_used_games
from rmsnet.network.model_files import SpottingModel, load_model
from rmsnet.params import Params
from rmsnet.registry.evidence import EVIDENCE_FILE, SIDES, Side, labels_hash, write_evidence
from rmsnet.registry.gate import (
    Condition,
    Duel,
    duel,
    floor_check,
    games_check,
    statistical_checks,
    used_games_checks,
    validation_check,
)
from rmsnet.registry.history import CHAMPION, Change, State, gaps, rolled_back
from rmsnet.registry.judging import assess_model, protocol_of
from rmsnet.registry.levels import next_level
from rmsnet.registry.questions import GATE_PARAMS, Question, asked_before, past_decisions, seen_of
from rmsnet.spotting.inference import check_fits

if TYPE_CHECKING:
    from rmsnet.tracking import Version


_AGAIN = "run rmsnet validate again"

ALREADY = "it is the champion already"

CHOICE_TAG = "chosen"
"""On a version: why it was registered and none of those that stood beside it."""

WEIGHTS_TAG = "weights_hash"
"""On a version: the hash of its weights."""


@dataclass(frozen=True)
class Decision:
    """What was decided about a version, with the numbers behind it; scores in [0, 1].

    Attributes:
        model_name: of the registered model.
        variant: what the version is called in its training.
        version: its number.
        chosen: why this variant asks and none of those beside it; "" where it stood alone.
        promoted: whether it is the champion now, since this decision or before.
        forced: whether it is so against the gate.
        reason: why, in one sentence.
        checks: every condition of the gate.
        challenger_average_map: of the version on the games that decide.
        champion_version: the champion before the decision, None where there was none.
        champion_average_map: of that champion on the same games.
        difference: challenger minus champion, and its one-sided bounds: value, low, high.
        per_class: the same for each class.
        point_comparison: what a comparison of the two numbers alone would have said; None without a champion.
        p_value: the chance of such a difference between equal models; None where the gate was not asked.
        level: the most that it may be, None likewise.
        question: which question of the line this was, 1, 2, …; None likewise.
        games: that decide.
        split: that they are.
        dataset: its name.
        data_hash: of its frame bank.
        protocol: of the scores, with the tolerances.
        simulated: whether the games are made up.
        when: UTC, ISO 8601.
        url: where the decision's files are kept in MLflow; of one that changed nothing, and so was not kept, "".
    """

    model_name: str
    variant: str
    version: int
    chosen: str
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
    p_value: float | None
    level: float | None
    question: int | None
    games: int
    split: str
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


@dataclass(frozen=True)
class Ruling:
    """A decision and what it was made of.

    Attributes:
        decision: what was decided.
        duel: the two models on the games, None where the gate was not asked.
        question: what was asked, None likewise.
        asked_now: whether it was asked for the first time.
    """

    decision: Decision
    duel: Duel | None
    question: Question | None
    asked_now: bool


def decide(
    candidate: Candidate,
    judged: Assessment,
    bank: FrameBank,
    params: Params,
    validation: Path | None,
    force: str | None,
    lines: Mapping[str, Sequence[Change]],
    state: State,
    folder: Path,
) -> Ruling:
    """Check what costs nothing, then ask the gate's games.

    Args:
        candidate: that asks to be champion.
        judged: it, on the games that decide.
        bank: of those games.
        params: the register and evaluate sections.
        validation: folder of the data's validation report.
        force: a reason to promote it whatever the gate says.
        lines: the histories of all registered models.
        state: where the aliases stand.
        folder: gets the evidence.
    """
    name, version = params.register.model_name, candidate.version
    changes, champion_version = lines[name], state.get(CHAMPION)
    challenged = champion_version not in (None, version.version)
    report = None if validation is None else read_document(validation / "validation.json", dict[str, Any], "", _AGAIN)
    champion, theirs, checks = None, None, []
    if challenged:
        champion, check = _champion_on(name, champion_version, bank)
        checks = [check, games_check(judged.judged.games, params.register)]
        if champion is not None:
            theirs = used_games(name, champion_version)
        elif _is_same_model(name, champion_version, candidate.model):
            challenged = False
            same = f"version {champion_version} is lost, and this is the same model"
            checks = [Condition(check.name, True, same)]
    keys = game_keys(bank)
    checks = [
        Condition("reloads to equal outputs", True, "the logged model gives the events of the model folder"),
        _check_history(changes, tracking.versions(name)),
        validation_check(
            report,
            str(candidate.model.config["dataset"]),
            version.tags.get("dvc.md5"),
            {"train": candidate.model.config.get("content"), judged.corpus.split: bank.info.get("content")},
        ),
        _check_not_rolled_back(version, changes),
        floor_check(judged.scores.average_map, params.register),
        _check_origin("the model", candidate.model, bank),
        *used_games_checks(list(keys.values()), used_games(name, version.version), theirs, challenged),
        *checks,
    ]
    made, question, asked = None, None, False
    if champion is not None and all(check.passed for check in checks):
        # Nothing is learned of games that nothing was spent on: what costs nothing is in order first.
        made, question, asked, found = _ask(candidate, champion, champion_version, judged, bank, params, lines, folder)
        checks += found
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
        chosen=version.tags.get(CHOICE_TAG, ""),
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
        p_value=None if question is None else question.p_value,
        level=None if question is None else question.level,
        question=None if question is None else question.number,
        games=judged.judged.games,
        split=judged.corpus.split,
        dataset=str(bank.info["dataset"]),
        data_hash=str(bank.info["data_hash"]),
        protocol=protocol_of(judged),
        simulated=bank.simulated,
        when=when,
        url="" if reason == ALREADY else f"runs:/{version.run_id}/decisions/version-{version.version}-{stamp}",
    )
    return Ruling(decision, made, question, asked)


def _ask(
    candidate: Candidate,
    champion: SpottingModel,
    champion_version: int | None,
    judged: Assessment,
    bank: FrameBank,
    params: Params,
    lines: Mapping[str, Sequence[Change]],
    folder: Path,
) -> tuple[Duel, Question, bool, list[Condition]]:
    """The duel, the question, whether it is a new one, and what the numbers say."""
    name, gate = params.register.model_name, params.register
    theirs = assess_model(champion, bank, params, judged.corpus.split)
    made = duel(judged.judged, theirs.judged)
    weights = (str(candidate.model.config["weights_hash"]), str(champion.config["weights_hash"]))
    games = all_keys(bank)
    before = asked_before(lines[name], (weights, str(bank.info["data_hash"]), protocol_of(judged)))
    level = next_level(past_decisions(lines), name, games, gate)
    if before is not None:
        level = replace(level, value=before.level, questions=before.number - 1)
    checks = statistical_checks(made, bank.classes, level, gate)
    sides: dict[Side, Assessment] = {"challenger": judged, "champion": theirs}
    question = Question(
        version=candidate.version.version,
        champion=champion_version or 0,
        number=level.questions + 1,
        weights=weights,
        data_hash=str(bank.info["data_hash"]),
        games=tuple(sorted(games)),
        labels=labels_hash(judged.corpus),
        protocol=protocol_of(judged),
        difference=made.difference,
        p_value=made.p_value,
        spread=made.spread,
        level=level.value,
        passed=all(check.passed for check in checks),
        params={key: getattr(gate, key) for key in GATE_PARAMS},
        seen=seen_of(lines),
        evidence=write_evidence(folder / EVIDENCE_FILE, sides, dict(zip(SIDES, weights, strict=True))),
    )
    return made, question, before is None, checks


def used_games(name: str, version: int | None) -> UsedGames | None:
    """What a version says of the games that made it."""
    return read_used_games(tracking.model_folder(f"models:/{name}/{version}"))


def _check_history(changes: Sequence[Change], versions: Sequence["Version"]) -> Condition:
    found = gaps(changes, versions)
    detail = f"{'; '.join(found)}: what the games have borne is unknown; rmsnet registry audit"
    return Condition("the history is whole", not found, detail if found else f"{len(changes)} records")


def _is_same_model(name: str, version: int | None, model: SpottingModel) -> bool:
    """Whether a version that cannot be loaded was registered with these weights."""
    hashes = [item.tags.get(WEIGHTS_TAG) for item in tracking.versions(name) if item.version == version]
    return hashes == [str(model.config["weights_hash"])]


def _check_not_rolled_back(version: "Version", changes: Sequence[Change]) -> Condition:
    taken_back = version.model_id in rolled_back(changes)
    advice = "it was champion and was taken back; promote it with --force --reason WHY"
    detail = advice if taken_back else "it never was"
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
    games = f"{bank.info['dataset']} {bank.info.get('split', '')} {bank.info['data_hash']}"
    return model, Condition(title, True, f"version {version}, again, on {games}")


def _by_class(made: Duel, classes: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    rows = np.stack([made.class_difference, made.class_low, made.class_high], axis=1).tolist()
    return {name: (row[0], row[1], row[2]) for name, row in zip(classes, rows, strict=True)}
