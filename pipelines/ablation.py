"""The ablation pipeline: the rows of a table of the paper side by side, then the table; the registry is left alone."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.plan_study import plan_study
from components.tabulate import tabulate
from pipelines.deployment import Deployment
from pipelines.study import extracted_features, judged_variant


def ablation(deployment: Deployment, params: Mapping[str, Any]) -> GraphComponent:
    """The pipeline for a deployment.

    Args:
        deployment: where it will run.
        params: sections as in params.yaml: the default of the pipeline's parameter `params`.
    """
    place = deployment.place

    @dsl.pipeline(name="rmsnet-ablation", description="A table of the paper")
    def ablation(
        source: str,
        revision: str = "",
        study: str = "table3",
        seeds: int = 1,
        params: dict = dict(params),  # noqa: B006  # Kubeflow copies defaults
    ):
        planned = place(plan_study(study=study, seeds=seeds, params=params), "register").set_display_name("plan study")
        features = extracted_features(deployment, source, revision, params).features
        with dsl.ParallelFor(items=planned.output, name="trainings") as training:
            judged = judged_variant(deployment, features, training.variant, training.params)
        table = tabulate(study=study, params=params, evaluations=dsl.Collected(judged.evaluated.outputs["evaluation"]))
        place(table, "evaluate").set_display_name("table")

    return ablation
