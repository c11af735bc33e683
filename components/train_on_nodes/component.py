"""The component of the train stage over several nodes, and of the evaluate stage."""

from kfp.dsl import (
    HTML,
    ClassificationMetrics,
    Dataset,
    Input,
    Metrics,
    Model,
    Output,
    TaskConfig,
    TaskConfigField,
    TaskConfigPassthrough,
)

from components.image import component


@component(
    task_config_passthroughs=[TaskConfigPassthrough(field=field, apply_to_task=True) for field in TaskConfigField]
)
def train_on_nodes(
    features: Input[Dataset],
    variant: str,
    params: dict,
    nodes: dict,
    workspace: str,
    surroundings: TaskConfig,
    trained: Output[Model],
    page: Output[HTML],
    metrics: Output[Metrics],
    confusion: Output[ClassificationMetrics],
):
    from components.train_on_nodes.body import body

    body(features, variant, params, nodes, workspace, surroundings, trained, page, metrics, confusion)
