"""The component behind an ablation: its rows in one table."""

from typing import List  # noqa: UP035  # what Kubeflow understands in Input[…]

from kfp.dsl import HTML, Artifact, Input, Metrics, Output

from components.image import component


@component()
def tabulate(
    study: str,
    params: dict,
    parts: Input[List[Artifact]],  # noqa: UP006
    table: Output[Artifact],
    page: Output[HTML],
    metrics: Output[Metrics],
):
    from components.tabulate.body import body

    body(study, params, parts, table, page, metrics)
