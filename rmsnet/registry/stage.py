"""The register stage, `promote` and `rollback`: a model becomes a version; the gate says what becomes of that."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet import tracking
from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation.assessment import Assessment
from rmsnet.evaluation.stage import run_scores
from rmsnet.features.bank import FrameBank, read_bank
from rmsnet.files import atomic_files, write_json, write_text
from rmsnet.locks import alone
from rmsnet.logs import log
from rmsnet.network.model_files import SpottingModel, load_model
from rmsnet.params import Params
from rmsnet.registry import taken_back
from rmsnet.registry.card import CARD, FORCED_TAG, model_card, with_notice
from rmsnet.registry.decision import ALREADY, CHOICE_TAG, WEIGHTS_TAG, Candidate, Decision, decide
from rmsnet.registry.gate import Duel, duel
from rmsnet.registry.history import (
    CHALLENGER,
    CHAMPION,
    PREVIOUS,
    RECORD_TAG,
    Change,
    all_histories,
    change_aliases,
    history,
    last_of_champion,
    rolled_back,
    settle,
    where,
    who,
)
from rmsnet.registry.judging import (
    SPLIT,
    assess_model,
    assess_on_test,
    choose,
    evaluated_scores,
    gate_bank,
    require_equal_outputs,
    require_same_evaluation,
)
from rmsnet.registry.questions import as_record
from rmsnet.registry.report import CAPTION, decision_markdown, decision_page, plot_duel, summary, verdict
from rmsnet.registry.versions import find_version
from rmsnet.style.tables import markdown_text
from rmsnet.tracking import read_run
from rmsnet.tracking.logged_model import input_example
from rmsnet.tracking.pages import VERDICT, picture

if TYPE_CHECKING:
    from rmsnet.tracking import Place, Version


_LINEAGE = ("dvc.md5", "git.commit")
"""Of the tags of a run those that its version has too: what a list of versions shows, and what the gate asks."""


@alone
def register_stage(
    models: Sequence[Path],
    evaluation: Path,
    features: Path,
    out: Path,
    params: Params,
    *,
    validation: Path | None = None,
) -> Decision:
    """Register the best of the models by validation (see `choose`); make it champion if the gate lets it.

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
    tracking.require_place()
    scores = {model.name: evaluated_scores(evaluation / model.name) for model in models}
    bank = read_bank(features, SPLIT)
    choice = choose(
        models,
        lambda model: float(scores[model.name][SPLIT]["average_map"]),
        lambda model: assess_model(load_model(model), bank, params).judged,
    )
    best = choice.model
    place = _place_of(best, features, evaluation / best.name)
    for other in models:
        with suppress(UserError):  # of those that are not registered
            _place_of(other, features, evaluation / other.name)
    model = load_model(best)
    require_equal_outputs(model, place.model_id, bank)
    by_valid = assess_model(model, bank, params)
    require_same_evaluation(best, scores[best.name][SPLIT], by_valid)
    split, gate = gate_bank(features)
    judged = by_valid if split == SPLIT else assess_model(model, gate, params, split)

    of_run = tracking.run_tags(place.run_id)
    version = tracking.create_version(
        params.register.model_name,
        place.model_id,
        place.run_id,
        {
            **_version_tags(best.name, of_run, model, bank, by_valid, scores[best.name]),
            **({CHOICE_TAG: choice.why} if choice.why else {}),
        },
    )
    test = assess_on_test(model, features, params)
    card = model_card(params.register.model_name, version, model, scores[best.name], test, of_run)
    with atomic_files(out) as folder:
        write_text(folder / CARD, card)
        return _decide_and_act(Candidate(version, model), judged, gate, params, validation, None, folder, scores)


@alone
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

    Asked again about the champion, it answers that it is; nothing changes.

    Args:
        reference: number or alias of the version; None: the challenger, or the champion where there is none.
        features: frame banks with the gate's split.
        out: gets decision.json, decision.md and decision.html.
        params: the register and evaluate sections.
        validation: folder of the data's validation report.
        force: a reason to promote it whatever the gate says; it is recorded.

    Raises:
        UserError: no such version, a damaged model, features that it cannot read.
        CheckFailed: the gate refuses (the files say why), or somebody else changed the champion meanwhile.
    """
    name = params.register.model_name
    split, bank = gate_bank(features)
    version = find_version(name, reference or _asked(name))
    model = load_model(tracking.model_folder(f"models:/{name}/{version.version}"))
    require_equal_outputs(model, version.model_id, bank)
    judged = assess_model(model, bank, params, split)
    with atomic_files(out) as folder:
        decision = _decide_and_act(Candidate(version, model), judged, bank, params, validation, force, folder)
    if not decision.promoted:
        raise CheckFailed(f"{name} version {version.version} is not promoted: {decision.reason}; see {out}/decision.md")
    return decision


def _asked(name: str) -> str:
    """Whom a promotion is about that names nobody."""
    state = settle(name)[1]
    return CHAMPION if CHAMPION in state and CHALLENGER not in state else CHALLENGER


def rollback(name: str, why: str, to: int | None = None) -> Change:
    """Make an earlier champion champion again.

    The version that is taken back is not promoted again without force. Asked again with the same reason, or after it
    was interrupted, it answers as before and goes back no further.

    Args:
        name: of the registered model.
        why: recorded.
        to: a version; None: the one that @previous points at.

    Raises:
        UserError: no champion, nothing to go back to, no such version, one that never was champion or was taken back
            itself, or one that cannot be loaded.
        CheckFailed: somebody else changed the champion meanwhile.
    """
    unfinished = {change.number for change in history(name)[0] if not change.applied}
    changes, state = settle(name)
    champion = state.get(CHAMPION)
    if champion is None:
        raise UserError(f"{name}: has no champion to roll back; see: rmsnet registry history")
    last = last_of_champion(changes)
    same = last is not None and (last.number in unfinished or last.why == why or to is not None)
    if last is not None and last.kind == "rollback" and to in (None, champion) and same:
        taken_back.tell_pages(name, last)  # whoever took it back may not have lived to say so
        return last
    target = to if to is not None else state.get(PREVIOUS)
    if target is None:
        raise UserError(f"{name}: no champion before version {champion} is known; name one with --to")
    if target == champion:
        raise UserError(f"{name}: version {target} is the champion already")
    find_version(name, str(target))
    _require_former_champion(name, target, changes)
    load_model(tracking.model_folder(f"models:/{name}/{target}"))
    targets = {CHAMPION: target, PREVIOUS: _champion_before(target, changes, name)}
    change = change_aliases(name, "rollback", targets, state, why, None)
    taken_back.tell_pages(name, change)
    return change


def _require_former_champion(name: str, target: int, changes: Sequence[Change]) -> None:
    """Refuse to make champion what no decision has made champion before, or what was taken back."""
    made = [change for change in changes if change.holds and change.kind in ("promote", "forced")]
    advice = f"rmsnet registry promote {target} asks the gate, with --force --reason WHY nobody"
    if not any(change.moves.get(CHAMPION, (None, None))[1] == target for change in made):
        raise UserError(f"{name}: version {target} never was champion by a decision; {advice}")
    if {change.models.get(target) for change in made} & rolled_back(changes):
        raise UserError(f"{name}: version {target} was champion and was taken back; {advice}")


def _champion_before(target: int, changes: Sequence[Change], name: str) -> int | None:
    """The champion that the target had replaced, if it is still there."""
    for change in reversed(changes):
        before, after = change.moves.get(CHAMPION, (None, None))
        if change.holds and change.kind != "rollback" and after == target:
            left = {version.version for version in tracking.versions(name)}
            return before if before in left else None
    return None


def compare(one: str, two: str, features: Path, params: Params) -> tuple[Duel, tuple[str, ...], "Version", "Version"]:
    """Score two versions on the same validation split: the duel B minus A, the classes, the versions.

    Raises:
        UserError: no such version, or features that one of them cannot read.
    """
    name = params.register.model_name
    bank = read_bank(features, SPLIT)
    versions = [find_version(name, reference) for reference in (one, two)]
    models = [load_model(tracking.model_folder(f"models:/{name}/{version.version}")) for version in versions]
    first, second = (assess_model(model, bank, params).judged for model in models)
    if first.games < 2:
        raise UserError(f"{features}: its validation split has one game; at least two are needed to compare")
    made = duel(second, first)
    return made, bank.classes, versions[0], versions[1]


def _decide_and_act(
    candidate: Candidate,
    judged: Assessment,
    bank: FrameBank,
    params: Params,
    validation: Path | None,
    force: str | None,
    folder: Path,
    scores: Mapping[str, Mapping[str, Any]] | None = None,
) -> Decision:
    """The gate, its files into `folder` and into MLflow, and then the aliases: the one way to @champion."""
    name, version = params.register.model_name, candidate.version
    changes, state = settle(name)
    lines = all_histories(name)
    ruling = decide(candidate, judged, bank, params, validation, force, lines, state, folder)
    decision, question = ruling.decision, None if ruling.question is None else as_record(ruling.question)
    _write_decision(folder, decision, ruling.duel)
    if scores is not None:
        write_text(folder / "summary.md", summary(scores, decision))
    notice = f"forced by {who()} from {where()}, {decision.when}: {force}"
    if decision.forced:
        _write_forced_card(folder, changes, version.version, notice)
    kept = _keep_decision(folder, decision, version.run_id, force)
    if decision.reason == ALREADY:
        last = last_of_champion(changes)
        told = "forced" if last is not None and last.kind == "forced" else "promoted"
        if version.tags.get("decision") != told:  # whoever made it champion did not live to say so
            _tell_pages(folder, decision, version, kept)
            tracking.tag_version(name, version.version, {"decision": told})
        return decision
    change = None
    if decision.promoted:
        targets = {PREVIOUS: decision.champion_version, CHAMPION: version.version, CHALLENGER: None}
        if state.get(CHALLENGER) not in (None, version.version):
            del targets[CHALLENGER]
        kind = "forced" if decision.forced else "promote"
        why = (force if decision.forced else None) or decision.reason
        change = change_aliases(name, kind, targets, state, why, kept, question)
    elif ruling.asked_now or state.get(CHALLENGER) != version.version:
        targets = {CHALLENGER: version.version}
        change = change_aliases(name, "refused", targets, state, decision.reason, kept, question)
    tags = {"decision": "forced" if decision.forced else "promoted" if decision.promoted else "refused"}
    if change is not None:
        tags[RECORD_TAG] = f"{change.number} {change.hash}"
        if decision.forced:
            tags[FORCED_TAG] = notice
    _tell_pages(folder, decision, version, kept)
    tracking.tag_version(name, version.version, tags)
    return decision


def _tell_pages(folder: Path, decision: Decision, version: "Version", kept: str | None) -> None:
    """What the pages of MLflow say: the version its card below the decision, the run of its training the decision."""
    said = markdown_text(f"{decision.when}: {verdict(decision)}.").replace("@", "\\@")  # else people of GitHub
    before = tracking.description(decision.model_name, version.version)
    card = (folder / CARD).read_text(encoding="utf-8") if (folder / CARD).exists() else before[before.find("# ") :]
    tracking.describe_version(decision.model_name, version.version, f"**{said}**\n\n{card}")
    if kept is None:
        return
    run_id, path = kept.removeprefix("runs:/").split("/", 1)
    shown = picture(CAPTION, f"{path}/difference.png", run_id) if (folder / "difference.png").exists() else ""
    page = f"[version {version.version}]({taken_back.page(decision.model_name, version)})"
    tracking.write_note(run_id, VERDICT, f"{said} {page}\n\n{shown}")


def _write_forced_card(folder: Path, changes: Sequence[Change], version: int, notice: str) -> None:
    """The card of the version's first decision, with what was done since; none where that is lost."""
    first = next((change for change in changes if version in change.models and change.decision), None)
    if first is None or first.decision is None:
        return
    with suppress(UserError):
        card = (tracking.fetch_artifacts(first.decision) / CARD).read_text(encoding="utf-8")
        write_text(folder / CARD, with_notice(card, notice))


def _keep_decision(folder: Path, decision: Decision, run_id: str, force: str | None) -> str | None:
    """Where the decision's files are kept in MLflow; force needs no run that is there."""
    if not decision.url:
        return None
    try:
        tracking.log_to_run(run_id, folder, decision.url.split("/", 2)[2])
    except UserError as error:
        if not force:
            raise
        log.warning(f"the decision's files are not kept in MLflow: {error}")
        return None
    return decision.url


def _version_tags(
    variant: str,
    of_run: Mapping[str, str],
    model: SpottingModel,
    bank: FrameBank,
    judged: Assessment,
    scores: Mapping[str, Mapping[str, Any]],
) -> dict[str, str]:
    return {
        "variant": variant,
        "valid_average_map": f"{judged.scores.average_map:.6f}",
        "test_average_map": f"{scores['test']['average_map']:.6f}",
        "dataset": str(bank.info["dataset"]),
        "simulated": str(bank.simulated).lower(),
        WEIGHTS_TAG: str(model.config["weights_hash"]),
        **{key: of_run[key] for key in _LINEAGE if key in of_run},
    }


def _place_of(model: Path, features: Path, evaluation: Path) -> "Place":
    """Where the run and the logged model of a model folder are; what the store has lost is logged again."""
    told = read_run(model)
    place = tracking.training_of(model, lambda width: input_example(read_bank(features, SPLIT), width))
    if place.spooled:
        raise UserError(f"{model}: its run still waits in the spool; bring it to the store: rmsnet registry sync")
    if place.run_id != told["run_id"] and not tracking.run_record(place.run_id, place.model_id).scores:
        for split, metrics in evaluated_scores(evaluation).items():
            data = read_bank(features, split).info
            judged_on = (f"{data['dataset']} {split}", str(data["data_hash"]))
            folder = evaluation / split
            tracking.log_evaluation(place.run_id, place.model_id, split, run_scores(metrics), folder, judged_on)
    return place


def _write_decision(folder: Path, decision: Decision, made: Duel | None) -> None:
    write_json(folder / "decision.json", asdict(decision))
    picture = None if made is None else plot_duel(made, decision)
    if picture is not None:
        (folder / "difference.png").write_bytes(picture)
    write_text(folder / "decision.md", decision_markdown(decision))
    write_text(folder / "decision.html", decision_page(decision, picture))
