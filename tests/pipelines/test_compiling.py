"""Compilation: deterministic, and what the golden files say."""

import os
from pathlib import Path

import pytest

from pipelines.compiling import PIPELINES, compile_pipeline
from pipelines.deployment import Deployment
from pipelines.resources import Data, Resources, Secret, Volume

DEPLOYMENT = Deployment(
    image="registry.example/rmsnet:golden",
    mlflow="http://mlflow:5000",
    secrets=(Secret(name="tracking", environment={"password": "MLFLOW_TRACKING_PASSWORD"}),),
    data=Data(endpoint="http://storage:9000", secret="storage", access_key="key", secret_key="secret"),
    volumes=(Volume(claim="soccernet", path="/data"),),
    extract_shards=2,
    train=Resources(cpu="8", memory="16Gi", gpus=1, shared_memory="1Gi", retries=1, timeout_minutes=60),
)
PARAMS = {"variants": {"full": {}, "no-masking": {"masking_probability": 0}}}


@pytest.mark.parametrize("name", PIPELINES)
def test_compiled_pipelines_are_the_golden_ones(name: str) -> None:
    """After a change on purpose: RMSNET_GOLDEN=write pytest tests/pipelines/test_compiling.py, and read the diff."""
    golden = Path(__file__).with_name("golden") / f"{name}.yaml"
    text = compile_pipeline(name, DEPLOYMENT, PARAMS)
    assert compile_pipeline(name, DEPLOYMENT, PARAMS) == text
    if os.environ.get("RMSNET_GOLDEN") == "write":
        golden.write_text(text)
    assert text == golden.read_text()
