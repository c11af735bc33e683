"""The register stage, `promote` and `rollback`: a model becomes a version; the gate says what becomes of that."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet import tracking
from rmsnet.bank import FrameBank, read_bank
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation.assessment import Assessment, assess, parse_tolerances
from rmsnet.evaluation.stage import corpus_of
from rmsnet.files import atomic_file, read_json, write_json, write_text
from rmsnet.model_files import SpottingModel, check_fits, load_model
from rmsnet.params import Params
from rmsnet.registry.card import model_card
from rmsnet.registry.gate import Check, Duel, duel, floor_check, statistical_checks, validation_check
from rmsnet.registry.history import (
    CHALLENGER,
    CHAMPION,
    PREVIOUS,
    Change,
    State,
    change_aliases,
    rolled_back,
    settle,
)
from rmsnet.registry.report import decision_markdown, decision_page, plot_duel, summary
from rmsnet.spotting import spot_bank, spot_features
from rmsnet.training_stage import read_run

if TYPE_CHECKING:
    from rmsnet.tracking import Place, Version

PROTOCOL = "devkit"
SPLIT = "valid"

_LINEAGE = ("dvc.md5", "git.commit", "git.dirty", "lock_hash", "rmsnet.version")

# An evaluation on another device or in another precision moves Average-mAP by less than this.
_SAME_SCORE = 0.005


@dataclass(frozen=True)
class Decision:
    """What was decided about a version, with the numbers behind it; scores in [0, 1].

    Attributes:
        model_name: of the registered model.
        variant: what the version is called in its training.
        version: its number.
        promoted: whether it is the champion now.
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
        url: where the decision's files are kept in MLflow.
    """

    model_name: str
    variant: str
    version: int
    promoted: bool
    forced: bool
    reason: str
    checks: tuple[Check, ...]
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


def register_stage(
    models: Sequence[Path],
    evaluation: Path,
    features: Path,
    out: Path,
    params: Params,
    *,
    validation: Path | None = None,
) -> Decision:
    """Register the best of the models by validation Average-mAP; make it champion if the gate lets it.

    Before it is registered, the logged model is loaded back as any user of MLflow would and must give the same
    events as the folder it came from. A refused version stays in the registry as @challenger.

    Args:
        models: model folders, each trained by the train stage.
        evaluation: folder with <model>/<split>/metrics.json for each of them.
        features: frame banks the models were judged on.
        out: gets decision.json, decision.md, decision.html, MODEL_CARD.md and summary.md.
        params: the register and evaluate sections.
        validation: folder of the data's validation report; without one nothing is promoted.

    Raises:
        UserError: no models, a model that is not evaluated or not tracked, an evaluation of something else.
        CheckFailed: the logged model does not reproduce the model folder, or somebody else changed the champion
            meanwhile.
    """
    if not models:
        raise UserError("nothing to register: name at least one model folder")
    scores = {model.name: _scores(evaluation / model.name) for model in models}
    best = max(models, key=lambda model: scores[model.name][SPLIT]["average_map"])
    bank = read_bank(features, SPLIT)
    place = _place_of(best)
    model = load_model(best)
    _require_equal_outputs(model, place.model_id, bank)
    judged = _assess(model, bank, params)
    _require_same_evaluation(best, scores[best.name][SPLIT], judged)

    version = tracking.create_version(
        params.register.model_name,
        place.model_id,
        place.run_id,
        _version_tags(best.name, place.run_id, model, bank, judged, scores[best.name]),
    )
    card = model_card(
        params.register.model_name, version, model, scores[best.name], _assess_test(model, features, params)
    )
    with TemporaryDirectory() as temporary:
        write_text(Path(temporary) / "MODEL_CARD.md", card)
        decision = _decide_and_act(Candidate(version, model), judged, bank, params, validation, None, Path(temporary))
        write_text(Path(temporary) / "summary.md", summary(scores, decision))
        _deliver(Path(temporary), out)
    return decision


def promote(
    reference: str | None,
    features: Path,
    out: Path,
    params: Params,
    *,
    validation: Path | None = None,
    force: str | None = None,
) -> Decision:
    """Ask the gate again whether a version may become champion.

    Args:
        reference: number or alias of the version; None: the challenger.
        features: frame banks with a validation split.
        out: gets decision.json, decision.md and decision.html.
        params: the register and evaluate sections.
        validation: folder of the data's validation report.
        force: a reason to promote it whatever the gate says; it is recorded.

    Raises:
        UserError: no such version, a damaged model, features that it cannot read.
        CheckFailed: the gate refuses (the files say why), or somebody else changed the champion meanwhile.
    """
    name = params.register.model_name
    bank = read_bank(features, SPLIT)
    version = find_version(name, reference or CHALLENGER)
    model = load_model(tracking.model_folder(f"models:/{name}/{version.version}"))
    _require_equal_outputs(model, version.model_id, bank)
    judged = _assess(model, bank, params)
    with TemporaryDirectory() as temporary:
        decision = _decide_and_act(Candidate(version, model), judged, bank, params, validation, force, Path(temporary))
        _deliver(Path(temporary), out)
    if not decision.promoted:
        raise CheckFailed(f"{name} version {version.version} is not promoted: {decision.reason}; see {out}/decision.md")
    return decision


def rollback(name: str, why: str, to: int | None = None) -> Change:
    """Make an earlier champion champion again.

    The version that is taken back is not promoted again without force.

    Args:
        name: of the registered model.
        why: recorded.
        to: a version; None: the one that @previous points at.

    Raises:
        UserError: no champion, nothing to go back to, no such version, or one that cannot be loaded.
        CheckFailed: somebody else changed the champion meanwhile.
    """
    changes, state = settle(name)
    champion = state.get(CHAMPION)
    if champion is None:
        raise UserError(f"{name}: has no champion to roll back; see: rmsnet registry history")
    target = to if to is not None else state.get(PREVIOUS)
    if target is None:
        raise UserError(f"{name}: no champion before version {champion} is known; name one with --to")
    if target == champion:
        raise UserError(f"{name}: version {target} is the champion already")
    find_version(name, str(target))
    load_model(tracking.model_folder(f"models:/{name}/{target}"))
    targets = {CHAMPION: target, PREVIOUS: _champion_before(target, changes, name)}
    return change_aliases(name, "rollback", targets, state, why, None)


def _champion_before(target: int, changes: Sequence[Change], name: str) -> int | None:
    """The champion that the target had replaced, if it is still there."""
    for change in reversed(changes):
        before, after = change.moves.get(CHAMPION, (None, None))
        if change.holds and change.kind != "rollback" and after == target:
            left = {version.version for version in tracking.versions(name)}
            return before if before in left else None
    return None


def find_version(name: str, reference: str) -> "Version":
    """A version by number or alias.

    Raises:
        UserError: no such model, version or alias.
    """
    versions = tracking.versions(name)
    if not versions:
        raise UserError(f"{name}: no such registered model in {tracking.tracking_uri()}")
    for version in versions:
        if reference.removeprefix("@") in version.aliases or reference == str(version.version):
            return version
    known = ", ".join(f"{version.version}" + "".join(f" @{alias}" for alias in version.aliases) for version in versions)
    raise UserError(f"{name}: no version or alias {reference!r}; there are: {known}")


def registered(model: str) -> tuple[str, "Version"]:
    """Name and version that models:/NAME@ALIAS or models:/NAME/VERSION means now.

    Raises:
        UserError: it names no version, or no such model, version or alias.
    """
    name, _, reference = model.removeprefix("models:/").replace("@", "/@").partition("/")
    if not (model.startswith("models:/") and name and reference):
        raise UserError(f"{model}: say which version: models:/NAME@champion or models:/NAME/1")
    return name, find_version(name, reference)


def compare(one: str, two: str, features: Path, params: Params) -> tuple[Duel, tuple[str, ...], "Version", "Version"]:
    """Score two versions on the same validation split: the duel first minus second, the classes, the versions.

    Raises:
        UserError: no such version, or features that one of them cannot read.
    """
    name = params.register.model_name
    bank = read_bank(features, SPLIT)
    versions = [find_version(name, reference) for reference in (one, two)]
    models = [load_model(tracking.model_folder(f"models:/{name}/{version.version}")) for version in versions]
    first, second = (_assess(model, bank, params).judged for model in models)
    made = duel(first, second, params.register.confidence, params.register.resamples)
    return made, bank.classes, versions[0], versions[1]


def _decide_and_act(
    candidate: Candidate,
    judged: Assessment,
    bank: FrameBank,
    params: Params,
    validation: Path | None,
    force: str | None,
    folder: Path,
) -> Decision:
    """The gate, its files into `folder` and into MLflow, and the aliases: the one way to @champion."""
    name, version = params.register.model_name, candidate.version
    changes, state = settle(name)
    decision, made = _decide(candidate, judged, bank, params, validation, force, changes, state)
    _write_decision(folder, decision, made)
    tracking.log_to_run(version.run_id, folder, decision.url.split("/", 2)[2])
    if decision.promoted:
        targets = {PREVIOUS: decision.champion_version, CHAMPION: version.version, CHALLENGER: None}
        if state.get(CHALLENGER) not in (None, version.version):
            del targets[CHALLENGER]
        change_aliases(name, "promote", targets, state, force or decision.reason, decision.url)
    elif state.get(CHAMPION) != version.version and state.get(CHALLENGER) != version.version:
        change_aliases(name, "register", {CHALLENGER: version.version}, state, decision.reason, decision.url)
    verdict = "forced" if decision.forced else "promoted" if decision.promoted else "refused"
    tracking.tag_version(name, version.version, {"decision": verdict, "reason": decision.reason})
    return decision


def _decide(
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
    report = None if validation is None else read_json(validation / "validation.json")
    checks = [
        Check("reloads to equal outputs", True, "the logged model gives the events of the model folder"),
        validation_check(report, str(candidate.model.config["dataset"]), version.tags.get("dvc.md5")),
        _check_not_rolled_back(version, changes),
        floor_check(judged.scores.average_map, params.register),
        _check_origin("the model", candidate.model, bank),
    ]
    champion_version = state.get(CHAMPION)
    made = None
    if champion_version not in (None, version.version):
        champion, check = _champion_on(name, champion_version, bank)
        checks.append(check)
        if champion is not None:
            theirs = _assess(champion, bank, params)
            made = duel(judged.judged, theirs.judged, params.register.confidence, params.register.resamples)
            checks += statistical_checks(made, bank.classes, params.register)
    failed = [check for check in checks if not check.passed]
    promoted, reason = not failed, "; ".join(f"{check.name}: {check.detail}" for check in failed)
    if champion_version == version.version:
        promoted, reason = False, "it is the champion already"
    elif promoted:
        reason = "there was no champion" if made is None else f"{checks[-2].name}: {checks[-2].detail}"
    forced = bool(force) and not promoted and champion_version != version.version
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
        protocol=_protocol(judged),
        simulated=bank.simulated,
        when=when,
        url=f"runs:/{version.run_id}/decisions/version-{version.version}-{stamp}",
    )
    return decision, made


def _check_not_rolled_back(version: "Version", changes: Sequence[Change]) -> Check:
    taken_back = version.model_id in rolled_back(changes)
    detail = "it was champion and was taken back; promote it with --force REASON" if taken_back else "it never was"
    return Check("not rolled back", not taken_back, detail)


def _check_origin(who: str, model: SpottingModel, bank: FrameBank) -> Check:
    words = {True: "simulated", False: "real"}
    return Check(
        "same kind of data",
        model.simulated == bank.simulated,
        f"{who} has learned from {words[model.simulated]} games, these are {words[bank.simulated]}; the two are never "
        "compared",
    )


def _champion_on(name: str, version: int | None, bank: FrameBank) -> tuple[SpottingModel | None, Check]:
    """The champion, if it can be scored on these games."""
    title = "champion scored on the same games"
    try:
        model = load_model(tracking.model_folder(f"models:/{name}/{version}"))
        origin = _check_origin("the champion", model, bank)
        if not origin.passed:
            return None, origin
        check_fits(model, bank)
    except UserError as error:
        return None, Check(title, False, f"version {version} cannot be: {error}")
    return model, Check(
        title, True, f"version {version}, again, on {bank.info['dataset']} {SPLIT} {bank.info['data_hash']}"
    )


def _by_class(made: Duel, classes: Sequence[str]) -> dict[str, tuple[float, float, float]]:
    rows = np.stack([made.class_difference, made.class_low, made.class_high], axis=1).tolist()
    return {name: (row[0], row[1], row[2]) for name, row in zip(classes, rows, strict=True)}


def _assess(
    model: SpottingModel, bank: FrameBank, params: Params, split: str = SPLIT, resamples: int = 0
) -> Assessment:
    return assess(
        str(model.config["name"]),
        corpus_of(bank, split),
        spot_bank(model, bank),
        tolerances=parse_tolerances(params.evaluate.tolerances),
        resamples=resamples,
    )


def _assess_test(model: SpottingModel, features: Path, params: Params) -> Assessment | None:
    """The model on the test split, for its card; None where there is none."""
    if not (features / "test.json").exists():
        return None
    return _assess(model, read_bank(features, "test"), params, "test", params.evaluate.bootstrap)


def _protocol(judged: Assessment) -> str:
    return f"{judged.protocol}, {SPLIT}, {', '.join(f'{seconds:g}' for seconds in judged.scores.tolerances)} s"


def _version_tags(
    variant: str,
    run_id: str,
    model: SpottingModel,
    bank: FrameBank,
    judged: Assessment,
    scores: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:
    of_run = tracking.run_tags(run_id)
    return {
        "variant": variant,
        "valid_average_map": f"{judged.scores.average_map:.6f}",
        "test_average_map": f"{scores['test']['average_map']:.6f}",
        "dataset": str(bank.info["dataset"]),
        "simulated": str(bank.simulated).lower(),
        "data_hash": str(model.config["data_hash"]),
        "valid_data_hash": str(bank.info["data_hash"]),
        "protocol": _protocol(judged),
        **{key: of_run[key] for key in _LINEAGE if key in of_run},
    }


def _place_of(model: Path) -> "Place":
    """Where the run and the logged model of a model folder are."""
    run = read_run(model)
    place = tracking.find_run(run["run_id"], run["model_id"])
    if place.spooled:
        raise UserError(f"{model}: its run still waits in the spool; bring it to the store: rmsnet registry sync")
    return place


def _scores(evaluation: Path) -> dict[str, Mapping[str, Any]]:
    """The metrics.json of a model, by split."""
    found = {split: read_json(evaluation / split / "metrics.json") for split in (SPLIT, "test")}
    for split, metrics in found.items():
        if not isinstance(metrics, dict) or not isinstance(metrics.get("average_map"), float | int):
            raise UserError(f"{evaluation / split}/metrics.json: holds no average_map; run rmsnet evaluate again")
    return found


def _require_same_evaluation(model: Path, metrics: Mapping[str, Any], judged: Assessment) -> None:
    """An evaluation of another model, other data or other tolerances must not choose the best."""
    same_tolerances = metrics.get("tolerances", judged.scores.tolerances.tolist()) == judged.scores.tolerances.tolist()
    if not same_tolerances or abs(metrics["average_map"] - judged.scores.average_map) > _SAME_SCORE:
        raise UserError(
            f"{model}: its evaluation says {100 * metrics['average_map']:.2f}, the model scores "
            f"{100 * judged.scores.average_map:.2f} on these features ({_protocol(judged)}); run rmsnet evaluate again"
        )


def _require_equal_outputs(model: SpottingModel, model_id: str, bank: FrameBank) -> None:
    half = bank.halves[0]
    features = np.array(bank.features[half.first_frame : half.first_frame + half.frames])
    ours = spot_features(model, features)
    theirs = tracking.predict_with_logged_model(model_id, features)
    same = (
        [model.classes[label] for label in ours.label] == theirs["label"].tolist()
        and np.array_equal(ours.position_ms, theirs["position_ms"])
        and np.allclose(ours.confidence, theirs["confidence"], rtol=0, atol=1e-6)
    )
    if not same:
        raise CheckFailed(
            f"logged model {model_id}: gives other events than the folder it was made from; not registered"
        )


def _write_decision(folder: Path, decision: Decision, made: Duel | None) -> None:
    write_json(folder / "decision.json", asdict(decision))
    picture = None if made is None else plot_duel(made, decision)
    if picture is not None:
        (folder / "difference.png").write_bytes(picture)
    write_text(folder / "decision.md", decision_markdown(decision))
    write_text(folder / "decision.html", decision_page(decision, picture))


def _deliver(folder: Path, out: Path) -> None:
    """Copy the files, each whole or not at all."""
    for file in sorted(folder.iterdir()):
        with atomic_file(out / file.name) as partial:
            shutil.copyfile(file, partial)
