"""The component of the extract stage: the frame banks of one shard of the games."""

from kfp.dsl import Dataset, Output

from components.image import component


@component()
def extract_features(
    source: str,
    revision: str,
    fingerprint: str,
    verdict: str,
    shard: str,
    params: dict,
    workspace: str,
    features: Output[Dataset],
):
    from components.extract_features.body import body

    body(source, revision, fingerprint, verdict, shard, params, workspace, features)
