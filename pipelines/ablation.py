"""The ablation pipeline: the variants trained side by side and put into one table; the registry is left alone."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.tabulate import tabulate
from pipelines.deployment import Deployment
from pipelines.study import judged_variants


def ablation(deployment: Deployment, params: Mapping[str, Any]) -> GraphComponent:
    """The pipeline for a deployment.

    Args:
        deployment: where it will run.
        params: sections as in params.yaml: the default of the pipeline's parameter `params`, and with its `variants`
            that of `variants`: the rows of the table.
    """
    names = list(params.get("variants", {}))

    @dsl.pipeline(name="rmsnet-ablation", description="Variants beside the paper's Table III")
    def ablation(
        source: str,
        revision: str = "",
        params: dict = dict(params),  # noqa: B006  # Kubeflow copies defaults
        variants: list = names,
    ):
        judged = judged_variants(deployment, source, revision, params, variants)
        deployment.place(tabulate(evaluations=dsl.Collected(judged.evaluated.outputs["evaluation"])), "evaluate")

    return ablation
