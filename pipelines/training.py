"""The training pipeline: identify → validate → extract → train and evaluate each variant → register the best."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.register_model.component import register_model
from components.require.component import require
from components.train.component import train
from components.train_on_nodes.component import train_on_nodes
from pipelines.deployment import Deployment
from pipelines.loops import Loop
from pipelines.nodes import nodes_of, waiting
from pipelines.placing import place
from pipelines.study import extracted_features


def training(deployment: Deployment, params: Mapping[str, Any]) -> GraphComponent:
    """The pipeline for a deployment.

    Args:
        deployment: where it will run.
        params: sections as in params.yaml: the default of the pipeline's parameter `params`, and with its `variants`
            that of `variants`.
    """
    names = list(params.get("variants", {}))

    @dsl.pipeline(
        name="rmsnet-training",
        description="From a SoccerNet dataset to a registered model",
        pipeline_config=deployment.pipeline_config(),
    )
    def training(
        source: str,
        revision: str = "",
        params: dict = dict(params),  # noqa: B006  # Kubeflow copies defaults
        variants: list = names,
    ):
        data = extracted_features(deployment, source, revision, params)
        with Loop(items=variants, name="train variants") as variant:
            trained = _trained(
                deployment,
                features=data.features,
                variant=variant,
                params=data.identified.outputs["train"],
                workspace=deployment.workspace_path(),
            ).set_display_name("train and evaluate")
        registered = register_model(
            models=dsl.Collected(trained.outputs["trained"]),
            features=data.features,
            validation=data.validated.outputs["validation"],
            params=params,
            workspace=deployment.workspace_path(),
        )
        # Never a hit: it acts on the registry.
        place(deployment, registered, "register", "mlflow").set_display_name("register the best")
        registered.set_caching_options(False)
        promoted = place(deployment, require(verdict=registered.outputs["Output"]), "small")
        promoted.set_display_name("require promotion").set_caching_options(False)

    return training


def _trained(deployment: Deployment, **inputs: Any) -> dsl.PipelineTask:
    """A variant trained and judged: in a pod, or over the nodes of a TrainJob."""
    if deployment.train_nodes == 1:
        return place(deployment, train(**inputs), "train", "mlflow")
    task = train_on_nodes(**inputs, nodes=asdict(nodes_of(deployment)))
    return place(waiting(deployment), task, "evaluate", "mlflow")
