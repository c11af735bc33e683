"""The component of the validate stage."""

from kfp.dsl import HTML, Artifact, Metrics, Output

from components.image import component


@component()
def validate_data(
    source: str,
    revision: str,
    fingerprint: str,
    params: dict,
    minimum_games: int,
    validation: Output[Artifact],
    page: Output[HTML],
    metrics: Output[Metrics],
) -> str:
    from components.validate_data.body import body

    return body(source, revision, fingerprint, params, minimum_games, validation, page, metrics)
