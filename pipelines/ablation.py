"""The ablation pipeline: the rows of a table of the paper side by side, then the table; the registry is left alone."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.plan_study.component import plan_study
from components.tabulate.component import tabulate
from components.train_study.component import train_study
from pipelines.deployment import Deployment
from pipelines.loops import Loop
from pipelines.placing import place
from pipelines.study import extracted_features


def ablation(deployment: Deployment, params: Mapping[str, Any]) -> GraphComponent:
    """The pipeline for a deployment.

    Args:
        deployment: where it will run; it says in how many pods the trainings are spread.
        params: sections as in params.yaml: the default of the pipeline's parameter `params`.
    """

    @dsl.pipeline(
        name="rmsnet-ablation", description="A table of the paper", pipeline_config=deployment.pipeline_config()
    )
    def ablation(
        source: str,
        revision: str = "",
        study: str = "table3",
        seeds: int = 1,
        params: dict = dict(params),  # noqa: B006  # Kubeflow copies defaults
    ):
        planned = plan_study(study=study, seeds=seeds, params=params, pods=deployment.train_pods)
        place(deployment, planned, "small").set_display_name("plan study")
        data = extracted_features(deployment, source, revision, params)
        sections = data.identified.outputs["train"]
        with Loop(items=planned.output, name="train rows") as part:
            trained = train_study(
                features=data.features,
                study=study,
                seeds=seeds,
                part=part,
                params=sections,
                workspace=deployment.workspace_path(),
            )
            place(deployment, trained, "train", "mlflow").set_display_name("train and evaluate")
        table = tabulate(study=study, params=sections, parts=dsl.Collected(trained.outputs["rows"]))
        place(deployment, table, "small", "mlflow").set_display_name("table")

    return ablation
