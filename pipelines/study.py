"""What the training pipeline and the ablations share: from the data to frame banks."""

from dataclasses import dataclass
from typing import Any

from kfp import dsl
from kfp.dsl import PipelineTask

from components.collect_features.component import collect_features
from components.extract_features.component import extract_features
from components.identify_data.component import identify_data
from components.validate_data.component import validate_data
from pipelines.deployment import Deployment
from pipelines.loops import Loop
from pipelines.placing import place


@dataclass(frozen=True)
class Extracted:
    """The tasks up to the frame banks.

    Attributes:
        identified: the fingerprint, and which parameters the others depend on.
        validated: the report of the data.
        features: the artifact with the banks.
    """

    identified: PipelineTask
    validated: PipelineTask
    features: Any


def extracted_features(deployment: Deployment, source: Any, revision: Any, params: Any) -> Extracted:
    """Add to the pipeline that is being defined: identify → validate → extract.

    Everything behind the first task depends on values alone that it gives, so that it is a hit when they are the same.

    Args:
        deployment: where it will run.
        source, revision, params: of the pipeline.
    """
    identified = place(deployment, identify_data(source=source, revision=revision, params=params), "small", "data")
    identified.set_display_name("identify data").set_caching_options(False)
    data = {"source": source, "revision": revision, "fingerprint": identified.outputs["fingerprint"]}
    sections, workspace = identified.outputs["extract"], deployment.workspace_path()
    validated = place(
        deployment,
        validate_data(**data, params=sections, minimum_games=identified.outputs["minimum_games"]),
        "validate",
        "data",
    )
    validated.set_display_name("validate data")

    def extracted(shard: Any) -> PipelineTask:
        task = extract_features(
            **data, verdict=validated.outputs["Output"], shard=shard, params=sections, workspace=workspace
        )
        return place(deployment, task, "extract", "data").set_display_name("extract features")

    if deployment.extract_shards == 1:
        return Extracted(identified, validated, extracted("1/1").outputs["features"])
    shards = [f"{number}/{deployment.extract_shards}" for number in range(1, deployment.extract_shards + 1)]
    with Loop(items=shards, name="extract") as shard:
        parts = extracted(shard).outputs["features"]
    collected = place(deployment, collect_features(parts=dsl.Collected(parts), workspace=workspace), "extract")
    collected.set_display_name("collect features")
    return Extracted(identified, validated, collected.outputs["features"])
