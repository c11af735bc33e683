"""The component of the register stage."""

from typing import List  # noqa: UP035  # what Kubeflow understands in Input[…]

from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Model, Output

from components.image import component


@component()
def register_model(
    models: Input[List[Model]],  # noqa: UP006
    features: Input[Dataset],
    validation: Input[Artifact],
    params: dict,
    workspace: str,  # mounted because it is named here
    registration: Output[Artifact],
    page: Output[HTML],
    metrics: Output[Metrics],
) -> str:
    from components.register_model.body import body

    return body(models, features, validation, params, registration, page, metrics)
