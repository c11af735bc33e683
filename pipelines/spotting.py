"""The spotting pipeline: a folder of matches through a registered model, spread over pods."""

from collections.abc import Mapping
from typing import Any

from kfp import dsl
from kfp.dsl.graph_component import GraphComponent

from components.collect_matches.component import collect_matches
from components.find_matches.component import find_matches
from components.require.component import require
from components.spot_matches.component import spot_matches
from pipelines.deployment import Deployment
from pipelines.loops import Loop
from pipelines.placing import place
from rmsnet.params import RegisterParams


def spotting(deployment: Deployment, params: Mapping[str, Any]) -> GraphComponent:
    """The pipeline for a deployment.

    Args:
        deployment: where it will run.
        params: sections as in params.yaml; the registered model's name is the default model.
    """
    name = params.get("register", {}).get("model_name", RegisterParams().model_name)

    @dsl.pipeline(
        name="rmsnet-spotting",
        description="The events of a folder of matches",
        pipeline_config=deployment.pipeline_config(),
    )
    def spotting(source: str, revision: str = "", split: str = "", model: str = f"models:/{name}@champion"):
        found = find_matches(source=source, revision=revision, split=split, model=model, pods=deployment.spot_shards)
        # What a folder, a branch or an alias means today is not what it meant yesterday.
        place(deployment, found, "validate", "data", "mlflow").set_display_name("find matches and model")
        found.set_caching_options(False)
        with Loop(items=found.outputs["Output"], name="spot") as item:
            spotted = spot_matches(
                source=source,
                revision=revision,
                fingerprint=item.fingerprint,
                model=item.model,
                weights=item.weights,
                split=split,
                part=item.part,
            )
            place(deployment, spotted, "spot", "data", "mlflow").set_display_name("spot matches")
        collected = collect_matches(
            parts=dsl.Collected(spotted.outputs["spotted"]),
            spotter=found.outputs["spotter"],
            source=source,
            revision=revision,
        )
        place(deployment, collected, "evaluate", "data").set_display_name("collect matches")
        collected.set_caching_options(False)
        every = place(deployment, require(verdict=collected.outputs["Output"]), "small")
        every.set_display_name("require every match").set_caching_options(False)

    return spotting
