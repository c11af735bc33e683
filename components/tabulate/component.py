"""The component behind an ablation: its rows in one table."""

from typing import List  # noqa: UP035  # what Kubeflow understands in Input[…]

from kfp import dsl
from kfp.dsl import Artifact, Input, Markdown, Metrics, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def tabulate(
    study: str,
    params: dict,
    evaluations: Input[List[Artifact]],  # noqa: UP006
    table: Output[Markdown],
    metrics: Output[Metrics],
):
    """Put the rows of a study beside the paper's numbers.

    Args:
        study: see plan_study.
        params: sections as in params.yaml.
        evaluations: one of each row and seed.
        table: validation and test Average-mAP with its interval, and the paper's numbers where it has them.
        metrics: the test Average-mAP of each row, the mean over its seeds.
    """
    from pathlib import Path

    from components.door import door

    with door("tabulate"):
        from rmsnet.evaluation.results import read_metrics
        from rmsnet.files import write_text
        from rmsnet.params import params_from
        from rmsnet.study.plan import planned_study, study_table

        judged: dict[str, list[dict]] = {}
        for evaluation in evaluations:
            of_split = {split: read_metrics(Path(evaluation.path) / split) for split in ("valid", "test")}
            judged.setdefault(str(evaluation.metadata["name"]), []).append(of_split)
        text = study_table(planned_study(study, params_from(params, "params")), judged)
        print(text)
        write_text(Path(table.path), text)
        for name, seeds in judged.items():
            metrics.log_metric(name, sum(seed["test"]["average_map"] for seed in seeds) / len(seeds))
