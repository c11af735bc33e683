"""The component that spots one part of the matches."""

from kfp.dsl import HTML, Artifact, Metrics, Output

from components.image import component


@component()
def spot_matches(
    source: str,
    revision: str,
    fingerprint: str,
    model: str,
    weights: str,
    split: str,
    part: str,
    spotted: Output[Artifact],
    page: Output[HTML],
    metrics: Output[Metrics],
):
    from components.spot_matches.body import body

    body(source, revision, fingerprint, model, weights, split, part, spotted, page, metrics)
