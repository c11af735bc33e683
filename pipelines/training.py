"""The training pipeline: validate → extract shards → train and evaluate each variant → register the best."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.register_model import register_model
from components.report_run import report_run
from components.require import require
from pipelines.deployment import Deployment
from pipelines.study import extracted_features, judged_variant


def training(deployment: Deployment, params: Mapping[str, Any]) -> GraphComponent:
    """The pipeline for a deployment.

    Args:
        deployment: where it will run.
        params: sections as in params.yaml: the default of the pipeline's parameter `params`, and with its `variants`
            that of `variants`.
    """
    place = deployment.place
    names = list(params.get("variants", {}))

    # A pipeline of its own, because loops inside an exit handler do not run on a laptop.
    @dsl.pipeline(name="study")
    def study(source: str, revision: str, params: dict, variants: list):
        extracted = extracted_features(deployment, source, revision, params)
        with dsl.ParallelFor(items=variants, name="variants") as variant:
            judged = judged_variant(deployment, extracted.features, variant, params)
        registered = register_model(
            models=dsl.Collected(judged.trained.outputs["model"]),
            evaluations=dsl.Collected(judged.evaluated.outputs["evaluation"]),
            features=extracted.features.outputs["features"],
            validation=extracted.validated.outputs["validation"],
            params=params,
        )
        place(registered, "register").set_display_name("register the best")
        promoted = place(
            require(passed=registered.outputs["Output"], verdict=registered.outputs["summary"]), "register"
        )
        promoted.set_display_name("require promotion")

    @dsl.pipeline(name="rmsnet-training", description="From a SoccerNet dataset to a registered model")
    def training(
        source: str,
        revision: str = "",
        params: dict = dict(params),  # noqa: B006  # Kubeflow copies defaults
        variants: list = names,
    ):
        with dsl.ExitHandler(place(report_run(), "register")):
            study(source=source, revision=revision, params=params, variants=variants)

    return training
