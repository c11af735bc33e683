"""The training pipeline: validate → extract shards → train and evaluate each variant → register the best."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.collect_features import collect_features
from components.evaluate import evaluate
from components.extract_features import extract_features
from components.register_model import register_model
from components.report_run import report_run
from components.require import require
from components.train import train
from components.validate_data import validate_data
from pipelines.deployment import Deployment


def training(deployment: Deployment, params: Mapping[str, Any]) -> GraphComponent:
    """The pipeline for a deployment.

    Args:
        deployment: where it will run.
        params: sections as in params.yaml: the default of the pipeline's parameter `params`, and with its `variants`
            that of `variants`.
    """
    place = deployment.place
    shards = [f"{number}/{deployment.extract_shards}" for number in range(1, deployment.extract_shards + 1)]

    # A pipeline of its own, because loops inside an exit handler do not run on a laptop.
    @dsl.pipeline(name="study")
    def study(source: str, revision: str, params: dict, variants: list):
        validated = place(validate_data(source=source, revision=revision, params=params), "validate")
        validated.set_display_name("validate data")
        valid = place(require(passed=validated.outputs["Output"], verdict=validated.outputs["verdict"]), "register")
        valid.set_display_name("require valid data")

        with dsl.ParallelFor(items=shards, name="shards") as shard:
            extracted = place(
                extract_features(data=validated.outputs["data"], shard=shard, params=params).after(valid), "extract"
            )
            extracted.set_display_name("extract features")
        features = place(collect_features(parts=dsl.Collected(extracted.outputs["features"])), "extract")
        features.set_display_name("collect features")

        with dsl.ParallelFor(items=variants, name="variants") as variant:
            trained = place(
                train(features=features.outputs["features"], variant=variant, params=params), "train"
            ).set_display_name("train")
            judged = place(
                evaluate(model=trained.outputs["model"], features=features.outputs["features"], params=params),
                "evaluate",
            ).set_display_name("evaluate")

        registered = place(
            register_model(
                models=dsl.Collected(trained.outputs["model"]),
                evaluations=dsl.Collected(judged.outputs["evaluation"]),
                features=features.outputs["features"],
                validation=validated.outputs["validation"],
                params=params,
            ),
            "register",
        ).set_display_name("register the best")
        promoted = place(
            require(passed=registered.outputs["Output"], verdict=registered.outputs["summary"]), "register"
        )
        promoted.set_display_name("require promotion")

    names = list(params.get("variants", {}))

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
