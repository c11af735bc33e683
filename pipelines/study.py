"""What the training pipeline and the ablations share: from the data to judged variants."""

from dataclasses import dataclass

from kfp import dsl
from kfp.dsl import PipelineTask
from kfp.dsl.pipeline_channel import PipelineChannel

from components.collect_features import collect_features
from components.evaluate import evaluate
from components.extract_features import extract_features
from components.require import require
from components.train import train
from components.validate_data import validate_data
from pipelines.deployment import Deployment


@dataclass(frozen=True)
class Judged:
    """The tasks that a pipeline goes on from."""

    validated: PipelineTask
    features: PipelineTask
    trained: PipelineTask
    evaluated: PipelineTask


def judged_variants(
    deployment: Deployment,
    source: PipelineChannel,
    revision: PipelineChannel,
    params: PipelineChannel,
    variants: PipelineChannel,
) -> Judged:
    """Add to the pipeline that is being defined: validate → extract shards → train and evaluate each variant."""
    place = deployment.place
    validated = place(validate_data(source=source, revision=revision, params=params), "validate")
    validated.set_display_name("validate data")
    valid = place(require(passed=validated.outputs["Output"], verdict=validated.outputs["verdict"]), "register")
    valid.set_display_name("require valid data")

    shards = [f"{number}/{deployment.extract_shards}" for number in range(1, deployment.extract_shards + 1)]
    with dsl.ParallelFor(items=shards, name="shards") as shard:
        extracted = extract_features(data=validated.outputs["data"], shard=shard, params=params).after(valid)
        place(extracted, "extract").set_display_name("extract features")
    features = place(collect_features(parts=dsl.Collected(extracted.outputs["features"])), "extract")
    features.set_display_name("collect features")

    with dsl.ParallelFor(items=variants, name="variants") as variant:
        trained = place(train(features=features.outputs["features"], variant=variant, params=params), "train")
        trained.set_display_name("train")
        evaluated = evaluate(model=trained.outputs["model"], features=features.outputs["features"], params=params)
        place(evaluated, "evaluate").set_display_name("evaluate")
    return Judged(validated, features, trained, evaluated)
