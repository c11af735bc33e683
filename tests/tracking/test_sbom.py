"""The bill of materials beside a logged model."""

import json
from importlib.metadata import version

import pytest

from rmsnet.tracking.logged_model import MODEL_PACKAGES, save_pyfunc
from rmsnet.tracking.sbom import SBOM_FILE, bill_of_materials
from tests.builders import EXAMPLE, write_model


@pytest.fixture(scope="module")
def bill():
    return bill_of_materials("full", "0123", MODEL_PACKAGES)


def test_a_logged_model_has_its_bill_beside_it(tmp_path):
    save_pyfunc(write_model(tmp_path / "model"), EXAMPLE, tmp_path / "saved")
    told = json.loads((tmp_path / "saved" / SBOM_FILE).read_text())
    assert told["metadata"]["component"]["type"] == "machine-learning-model"
    assert told["components"]


def test_it_lists_what_the_model_needs_and_what_that_needs_in_the_versions_that_are_installed(bill):
    found = {item["name"]: item["version"] for item in bill["components"]}
    assert set(MODEL_PACKAGES) <= found.keys()
    assert found["torch"] == version("torch")
    assert "sympy" in found  # of PyTorch
    assert "mlflow" not in found
    references = [item["bom-ref"] for item in bill["components"]]
    assert {to for item in bill["dependencies"] for to in item["dependsOn"]} <= set(references)
    assert len(set(references)) == len(references)


def test_another_reader_takes_it_for_cyclonedx(bill):
    validators = pytest.importorskip("cyclonedx.validation.json")
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import SchemaVersion

    assert validators.JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    read = Bom.from_json(bill)
    assert {item.name for item in read.components} == {item["name"] for item in bill["components"]}
