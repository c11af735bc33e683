"""Facts about artifacts as Kubeflow takes them: what would fail a task after its work is left out."""

import numpy as np
import pytest
from kfp.dsl import Artifact, Metrics

from components.artifacts import acceptable, describe, log


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (None, None),
        (float("nan"), None),
        (float("inf"), None),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (True, "yes"),
        (np.bool_(False), "no"),
        ("text", "text"),
        (["a", "b"], "['a', 'b']"),
    ],
)
def test_a_fact_is_a_text_or_a_finite_number_or_left_out(value, kept) -> None:
    assert acceptable(value) == kept


def test_nothing_unfit_reaches_metadata_or_metrics(artifacts) -> None:
    artifact, metrics = artifacts(Artifact, "a"), artifacts(Metrics, "m")
    describe(artifact, {"a": 1, "b": None, "c": float("nan")})
    log(metrics, {"a": 1, "b": None, "c": float("nan"), "d": np.float64(0.5)})
    assert artifact.metadata == {"a": 1}
    assert metrics.metadata == {"a": 1.0, "d": 0.5}
    assert {type(value) for value in metrics.metadata.values()} == {float}
