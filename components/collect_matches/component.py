"""The component that joins the parts of a spotting and scores them where there are labels."""

from typing import List  # noqa: UP035  # what Kubeflow understands in Input[…]

from kfp.dsl import HTML, Artifact, Input, Metrics, Model, Output

from components.image import component


@component()
def collect_matches(
    parts: Input[List[Artifact]],  # noqa: UP006
    spotter: Input[Model],
    source: str,
    revision: str,
    spotted: Output[Artifact],
    page: Output[HTML],
    metrics: Output[Metrics],
) -> str:
    from components.collect_matches.body import body

    return body(parts, spotter, source, revision, spotted, page, metrics)
