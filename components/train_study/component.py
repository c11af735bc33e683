"""The component of an ablation: several short trainings in one pod."""

from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Output

from components.image import component


@component()
def train_study(
    features: Input[Dataset],
    study: str,
    seeds: int,
    part: str,
    params: dict,
    workspace: str,  # mounted because it is named here
    rows: Output[Artifact],
    page: Output[HTML],
    metrics: Output[Metrics],
):
    from components.train_study.body import body

    body(features, study, seeds, part, params, rows, page, metrics)
