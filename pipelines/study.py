"""What the training pipeline and the ablations share: from the data to judged variants."""

from dataclasses import dataclass
from typing import Any

from kfp import dsl
from kfp.dsl import PipelineTask

from components.collect_features import collect_features
from components.evaluate import evaluate
from components.extract_features import extract_features
from components.require import require
from components.train import train
from components.validate_data import validate_data
from pipelines.deployment import Deployment


@dataclass(frozen=True)
class Extracted:
    """The tasks behind the frame banks."""

    validated: PipelineTask
    features: PipelineTask


@dataclass(frozen=True)
class Judged:
    """The tasks of one variant."""

    trained: PipelineTask
    evaluated: PipelineTask


def extracted_features(deployment: Deployment, source: Any, revision: Any, params: Any) -> Extracted:
    """Add to the pipeline that is being defined: validate → extract shards → collect.

    Args:
        deployment: where it will run.
        source, revision, params: of the pipeline.
    """
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
    return Extracted(validated, features)


def judged_variant(deployment: Deployment, features: PipelineTask, variant: Any, params: Any) -> Judged:
    """Add to the loop that is being defined: train and evaluate a variant.

    Args:
        deployment: where it will run.
        features: the task of the frame banks.
        variant: its name.
        params: sections as in params.yaml; `variants` has it.
    """
    banks = features.outputs["features"]
    trained = deployment.place(train(features=banks, variant=variant, params=params), "train")
    trained.set_display_name("train")
    evaluated = evaluate(model=trained.outputs["model"], features=banks, params=params)
    deployment.place(evaluated, "evaluate").set_display_name("evaluate")
    return Judged(trained, evaluated)
