"""The component that joins the shards of the extract stage."""

from typing import List  # noqa: UP035  # what Kubeflow understands in Input[…]

from kfp.dsl import Dataset, Input, Output

from components.image import component


@component()
def collect_features(
    parts: Input[List[Dataset]],  # noqa: UP006
    workspace: str,
    features: Output[Dataset],
):
    from components.collect_features.body import body

    body(parts, workspace, features)
