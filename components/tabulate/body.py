"""The rows of a study in one table."""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.artifacts import log
from components.door import door
from components.pages import text_part, write_page
from components.training import UNSENT, deliver

if TYPE_CHECKING:
    from kfp.dsl import HTML, Artifact, Metrics


def body(
    study: str,
    params: Mapping[str, Any],
    parts: "Sequence[Artifact]",
    table: "Artifact",
    page: "HTML",
    metrics: "Metrics",
) -> None:
    """Put the rows of a study beside the paper's numbers.

    Args:
        study: see `plan_study`.
        params: the sections that training depends on.
        parts: the trainings' folders.
        table: gets the same as Markdown.
        page: gets validation and test Average-mAP with its interval, and the paper's numbers where it has them.
        metrics: gets the test Average-mAP of each row, the mean over its seeds.
    """
    with door("tabulate"):
        from rmsnet.documents import read_json
        from rmsnet.errors import UserError
        from rmsnet.files import write_text
        from rmsnet.params import params_from
        from rmsnet.study.plan import planned_study, study_table

        judged: dict[str, dict[int, dict[str, Any]]] = {}
        for part in parts:
            try:
                deliver(Path(part.path) / UNSENT)
            except UserError as error:  # the table needs no MLflow
                print(f"warning: {error}", file=sys.stderr)
            for file in Path(part.path).glob("rows/*/*/*/metrics.json"):
                *_, name, seed, split, _ = file.parts
                judged.setdefault(name, {}).setdefault(int(seed), {})[split] = read_json(file)
        seeds = {name: [of_name[seed] for seed in sorted(of_name)] for name, of_name in judged.items()}
        text = study_table(planned_study(study, params_from(params, "params")), seeds)
        print(text)
        write_text(Path(table.path), text)
        write_page(page.path, f"Study {study or 'of the variants'}", [text_part(text)])
        log(
            metrics,
            {name: sum(of["test"]["average_map"] for of in found) / len(found) for name, found in seeds.items()},
        )
