"""Features and labels of a shard's games, as frame banks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from components.artifacts import bank_facts, describe
from components.banks import banks_to_write
from components.data import dataset
from components.door import PASSED, door

if TYPE_CHECKING:
    from kfp.dsl import Dataset


def body(
    source: str,
    revision: str,
    fingerprint: str,
    verdict: str,
    shard: str,
    params: Mapping[str, Any],
    workspace: str,
    features: "Dataset",
) -> None:
    """Stack the features of a shard's games into one frame bank per split.

    Args:
        source, revision: of the pipeline.
        fingerprint: what the source holds.
        verdict: on the data: "passed", or why they may not be used.
        shard: which part of the games, "1/4" … "4/4"; "1/1" is all of them.
        params: the sections that extraction depends on.
        workspace: folder that every pod of the run mounts; "" where there is none.
        features: gets the frame banks.
    """
    with door("extract_features"):
        from rmsnet.errors import CheckFailed
        from rmsnet.features.shards import Shard
        from rmsnet.features.stage import extract
        from rmsnet.params import params_from

        if verdict != PASSED:
            raise CheckFailed(f"the data did not pass their validation: {verdict}; see the page of validate data")
        out = banks_to_write(features, workspace)
        chosen, part = params_from(params, "params"), Shard.parse(shard)
        with dataset(source, revision, fingerprint) as root:
            done = extract(root, out, chosen.extract, chosen.data.classes, shard=None if part.of == 1 else part)
        for warning in done.warnings:
            print(f"warning: {warning}")
        describe(features, bank_facts(out))
