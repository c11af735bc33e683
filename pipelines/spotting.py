"""The spotting pipeline: a folder of matches through a registered model, spread over pods."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.collect_matches import collect_matches
from components.fetch_matches import fetch_matches
from components.spot_matches import spot_matches
from pipelines.deployment import Deployment
from rmsnet.params import RegisterParams


def spotting(deployment: Deployment, params: Mapping[str, Any]) -> GraphComponent:
    """The pipeline for a deployment.

    Args:
        deployment: where it will run.
        params: sections as in params.yaml; the registered model's name is the default model.
    """
    place = deployment.place
    name = params.get("register", {}).get("model_name", RegisterParams().model_name)

    @dsl.pipeline(name="rmsnet-spotting", description="The events of a folder of matches")
    def spotting(source: str, revision: str = "", split: str = "", model: str = f"models:/{name}@champion"):
        fetched = place(
            fetch_matches(source=source, revision=revision, split=split, model=model, shards=deployment.spot_shards),
            "validate",
        )
        # What a folder, a branch or an alias means today is not what it meant yesterday.
        fetched.set_display_name("fetch matches and model").set_caching_options(False)
        matches, spotter = fetched.outputs["matches"], fetched.outputs["spotter"]
        with dsl.ParallelFor(items=fetched.outputs["Output"], name="shards") as shard:
            spotted = place(spot_matches(matches=matches, spotter=spotter, split=split, shard=shard), "spot")
            spotted.set_display_name("spot matches")
        collected = collect_matches(parts=dsl.Collected(spotted.outputs["spotted"]), matches=matches, spotter=spotter)
        place(collected, "evaluate").set_display_name("collect matches")

    return spotting
