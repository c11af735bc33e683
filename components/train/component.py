"""The component of the train and the evaluate stage: one variant."""

from kfp.dsl import HTML, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

from components.image import component


@component()
def train(
    features: Input[Dataset],
    variant: str,
    params: dict,
    workspace: str,  # mounted because it is named here
    trained: Output[Model],
    page: Output[HTML],
    metrics: Output[Metrics],
    confusion: Output[ClassificationMetrics],
):
    from components.train.body import body

    body(features, variant, params, trained, page, metrics, confusion)
