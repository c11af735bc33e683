"""The bill of materials beside a logged model."""

import json
import re
import subprocess
import sys
from importlib.metadata import packages_distributions, version

import pytest
from packaging.utils import canonicalize_name

from rmsnet import __version__
from rmsnet.tracking.logged_model import MODEL_PACKAGES, save_pyfunc
from rmsnet.tracking.sbom import SBOM_FILE, bill_of_materials, bill_of_the_environment
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


def test_the_image_writes_that_of_its_environment(repository, tmp_path):
    """The line of the Dockerfile, as it stands there."""
    dockerfile = (repository / "Dockerfile").read_text().replace("\\\n", "")
    (code,) = re.findall(r'python -c "(from .*bill.*)"$', dockerfile, re.MULTILINE)
    code = code.replace("/opt/rmsnet", str(tmp_path))
    subprocess.run([sys.executable, "-c", code], cwd=repository, check=True)
    told = json.loads((tmp_path / "sbom.cdx.json").read_text())
    found = {item["name"]: item["version"] for item in told["components"]}
    assert len(found) == len(told["components"])
    assert {canonicalize_name(name) for names in packages_distributions().values() for name in names} <= {
        *found,
        "rmsnet",
    }
    assert found["torch"] == version("torch")
    assert told["metadata"]["component"]["version"] == __version__


@pytest.mark.parametrize("made", [lambda: bill_of_materials("full", "0123", MODEL_PACKAGES), bill_of_the_environment])
def test_another_reader_takes_it_for_cyclonedx(made):
    bill = made()
    validators = pytest.importorskip("cyclonedx.validation.json")
    from cyclonedx.model.bom import Bom
    from cyclonedx.schema import SchemaVersion

    assert validators.JsonStrictValidator(SchemaVersion.V1_6).validate_str(json.dumps(bill)) is None
    read = Bom.from_json(bill)
    assert {item.name for item in read.components} == {item["name"] for item in bill["components"]}
