"""A study as trainings that need nothing of each other, so that each can run in a place of its own; and its table."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from rmsnet.errors import UserError, did_you_mean
from rmsnet.evaluation.paper import TABLE_III
from rmsnet.params import Params, params_from
from rmsnet.study.grids import STUDIES, Row, Study
from rmsnet.study.report import heading, markdown, ours, study_rows
from rmsnet.study.scores import SPLITS
from rmsnet.study.summary import estimate
from rmsnet.style.words import marked, with_ends

Evaluated = Mapping[str, Mapping[str, Any]]
"""The content of metrics.json of "valid" and "test"."""


def planned_study(name: str, params: Params) -> Study:
    """A study by its name; "": the parameters' own variants, beside the paper's Table III where they are its rows.

    Rows that are ensembles are left out: their trainings need each other.

    Raises:
        UserError: no such study, or no variants.
    """
    if name:
        if name not in STUDIES:
            known = f"{', '.join(STUDIES)}, or none for the variants"
            raise UserError(f"study {name}: there is none{did_you_mean(name, STUDIES)}; known: {known}")
        return replace(STUDIES[name], rows=tuple(row for row in STUDIES[name].rows if row.members == 1))
    if not params.variants:
        raise UserError("variants: the parameters have none; name a study")
    rows = tuple(Row(key, changes, TABLE_III.get(key, (None, None))) for key, changes in params.variants.items())
    return Study("variants", "Variants of the train section", rows)


def plan(name: str, params: Params, seeds: int) -> list[dict[str, Any]]:
    """The trainings of a study.

    Args:
        name: see `planned_study`.
        params: what the rows change.
        seeds: trainings of each row: seeds 0, 1, …

    Returns:
        "variant" and "params" of each: sections as in params.yaml, which `train_stage` takes with that variant.

    Raises:
        UserError: no such study, or a row that is no train section.
    """
    if seeds < 1:
        raise UserError(f"seeds {seeds}: at least one training of each row is needed")
    rows = planned_study(name, params).rows
    base = {**asdict(params), "variants": {row.name: dict(row.changes) for row in rows}}
    planned: list[dict[str, Any]] = [
        {
            "variant": row.name,
            "params": {**base, "train": {**base["train"], "seed": seed}, "spot": {**base["spot"], **row.spot}},
        }
        for row in rows
        for seed in range(seeds)
    ]
    for item in planned:
        params_from(item["params"], name or "variants")
    return planned


def study_table(study: Study, judged: Mapping[str, Sequence[Evaluated]]) -> str:
    """The rows beside the paper's numbers, as Markdown.

    Args:
        study: which.
        judged: by the row's name, the evaluations of each of its seeds.
    """
    first = next(iter(judged.values()))[0]["test"]
    simulated, several = bool(first["simulated"]), len(next(iter(judged.values()))) > 1
    scored = {
        name: {f"{split}, {ours(simulated)}": _estimate([seed[split] for seed in seeds]) for split in SPLITS}
        for name, seeds in judged.items()
    }
    spread = "the mean over seeds (Student's t)" if several else "the games (bootstrap)"
    notes = [
        f"Average-mAP in %, {first['protocol']} protocol, tolerances {_tolerances(first)}. Intervals: 95 %, {spread}."
    ]
    notes += [f"Paper: {study.remark}"] if study.remark else []
    title = heading(study, marked(first["dataset"], simulated), len(next(iter(judged.values()))))
    return markdown(title, study_rows(study, scored), notes, simulated)


def _estimate(seeds: Sequence[Mapping[str, Any]]) -> str:
    """Mean and interval over the seeds; of a single one the interval over the games."""
    found = estimate([float(of_seed["average_map"]) for of_seed in seeds])
    return with_ends(found.mean, seeds[0].get("ci95") if len(seeds) == 1 else found.ends)


def _tolerances(metrics: Mapping[str, Any]) -> str:
    return f"{metrics['tolerances'][0]:g}-{metrics['tolerances'][-1]:g} s"
