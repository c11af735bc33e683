"""What MLflow's own pages say: the note of a run, its parameters, the rows of runs that hold others.

A note is Markdown in sections, each written by whoever knows it: the gate its verdict, an evaluation the scores, a
training its curves. What people write above the first section stays.
"""

import re
import time
from collections import defaultdict
from collections.abc import Mapping
from contextlib import suppress
from statistics import fmean
from typing import Any

from rmsnet.style.tables import Row, as_markdown
from rmsnet.style.words import percent, with_ends
from rmsnet.tracking.groups import KINDS, Group, runs_of
from rmsnet.tracking.store import NOTE_TAG, store_errors

VERDICT, SCORES, TRAINING = "Verdict", "Scores", "Training"
_SECTIONS = (VERDICT, SCORES, TRAINING)

OWN_RUN = "{run_id}"
"""In a section: the id of the run that it stands in."""

_HEADLINES = ("valid_average_map", "test_average_map")


def sections(note: str) -> dict[str, str]:
    """The sections of a note by title; what stands above the first of them under ""."""
    above, *parts = re.split(rf"^### ({'|'.join(_SECTIONS)})\n", note, flags=re.MULTILINE)
    titles = dict(zip(parts[::2], parts[1::2], strict=True))
    return {title: text.strip() for title, text in {"": above, **titles}.items() if text.strip()}


def with_section(note: str, title: str, text: str) -> str:
    """The note with a section added or replaced."""
    held = {**sections(note), title: text.strip()}
    above = [held[""]] if "" in held else []
    return "\n\n".join([*above, *(f"### {name}\n{held[name]}" for name in _SECTIONS if name in held)])


def write_section(client: Any, run_id: str, title: str, text: str) -> None:
    """Add or replace a section of the note of a run."""
    note = client.get_run(run_id).data.tags.get(NOTE_TAG, "")
    written = with_section(note, title, text.replace(OWN_RUN, run_id))
    if written != note:
        client.set_tag(run_id, NOTE_TAG, written)


def picture(text: str, path: str, run_id: str = OWN_RUN) -> str:
    """A picture among the artifacts of a run, as a note shows it."""
    return f"![{text}](get-artifact?path={path}&run_uuid={run_id})"


def tell_run(client: Any, run_id: str) -> None:
    """Let the page of a run, and of those that hold it, say what its model scored; nothing fails for a summary."""
    with suppress(*store_errors()):
        scores = _own_scores(client.get_run(run_id).data.metrics)
        if scores:
            write_section(client, run_id, SCORES, scores)
        tell_groups(client, run_id)


def _own_scores(metrics: Mapping[str, float]) -> str:
    """A row for each split; nothing where there are none."""
    rows: list[Row] = []
    for split in ("valid", "test"):
        score = metrics.get(f"{split}_average_map")
        if score is None:
            continue
        ends = [metrics[key] for key in (f"{split}_average_map_low", f"{split}_average_map_high") if key in metrics]
        by_class = f"{split}_ap/"
        of_classes = {key.removeprefix(by_class): metrics[key] for key in sorted(metrics) if key.startswith(by_class)}
        shown = {name: percent(value) for name, value in of_classes.items()}
        rows.append({"split": split, "Average-mAP, %": with_ends(score, ends or None), **shown})
    return as_markdown([{**dict.fromkeys(rows[-1], "-"), **row} for row in rows]) if rows else ""


def compact(section: str, values: Mapping[str, Any]) -> dict[str, str]:
    """The parameters of a train section that this training obeys, short enough for a column.

    Args:
        section: what their names begin with.
        values: by name; all of them are in config.json of the run.
    """
    without = {
        name
        for switch, names in (
            ("masking_probability", ("masking_max_offset", "masking_side")),
            ("regression", ("regression_weight",)),
            ("average_decay", ("average_decay",)),
            ("backbone", ("backbone", "weights", "accumulate")),
        )
        if not values.get(switch, True)
        for name in names
    }
    return {
        f"{section}.{name}": f"{value:.4g}" if isinstance(value, float) else str(value)
        for name, value in values.items()
        if name not in without
    }


def tell_groups(client: Any, run_id: str) -> None:
    """Let the study and the variant of a run show the scores and the data of what they hold.

    A variant shows the mean of its seeds, a study its best variant by validation. A row of a study that has scores of
    its own keeps them.
    """
    run = client.get_run(run_id)
    for kind in KINDS:
        key = run.data.tags.get(f"rmsnet.{kind}.of")
        found = runs_of(client, run.info.experiment_id, Group(kind, key, "")) if key else []
        if found and not any(f"rmsnet.{above}.of" in found[0].data.tags for above in KINDS):
            _tell_group(client, found[0], kind, key, run)


def _tell_group(client: Any, group: Any, kind: str, key: str, run: Any) -> None:
    from mlflow.entities import Metric

    held = client.search_runs([run.info.experiment_id], f"tags.`rmsnet.{kind}.of` = '{key}'", max_results=1000)
    variants: dict[str, list[Any]] = defaultdict(list)
    for one in held:
        if _HEADLINES[0] in one.data.metrics:
            variants[one.data.tags.get("variant", one.info.run_name)].append(one)
    if variants:
        means = {name: _mean(runs) for name, runs in variants.items()}
        best = max(means, key=lambda name: means[name][_HEADLINES[0]])
        now = int(1000 * time.time())
        changed = [
            Metric(name, value, now, 0) for name, value in means[best].items() if group.data.metrics.get(name) != value
        ]
        client.log_batch(group.info.run_id, metrics=changed)
        write_section(client, group.info.run_id, SCORES, _held_scores(variants, means, run.info.experiment_id))
    known = {(item.dataset.name, item.dataset.digest) for item in group.inputs.dataset_inputs}
    new = [item for item in run.inputs.dataset_inputs if (item.dataset.name, item.dataset.digest) not in known]
    if new:
        client.log_inputs(group.info.run_id, new)


def _mean(runs: list[Any]) -> dict[str, float]:
    """Of the trainings; a row among them already is their mean."""
    rows = [run for run in runs if f"rmsnet.{KINDS[-1]}" in run.data.tags] or runs
    of = {name: [run.data.metrics[name] for run in rows if name in run.data.metrics] for name in _HEADLINES}
    return {name: fmean(values) for name, values in of.items() if values}


def _held_scores(variants: Mapping[str, list[Any]], means: Mapping[str, Mapping[str, float]], experiment: str) -> str:
    rows = [
        {
            "variant": f"[{name}](#/experiments/{experiment}/runs/{variants[name][0].info.run_id})",
            "runs": len(variants[name]),
            "valid Average-mAP, %": percent(mean.get("valid_average_map")),
            "test": percent(mean.get("test_average_map")),
        }
        for name, mean in sorted(means.items(), key=lambda item: -item[1][_HEADLINES[0]])
    ]
    return as_markdown(rows)
