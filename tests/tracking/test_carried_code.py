"""The code that a logged model carries."""

import pytest

from rmsnet.features.profile import PROFILE_FILE, bank_profile
from rmsnet.files import write_json
from rmsnet.network.kernels import library
from rmsnet.network.model_files import load_model
from rmsnet.network.onnx_model import save_onnx
from rmsnet.spotting.half_spotter import open_half_spotter
from rmsnet.tracking.logged_model import save_pyfunc
from rmsnet.tracking.models import predict_with_carried_code
from tests.builders import EXAMPLE, bank, write_model


@pytest.fixture
def model(tmp_path):
    folder = write_model(tmp_path / "model")
    write_json(folder / PROFILE_FILE, bank_profile(bank([400] * 6)))
    return folder


def test_what_spotting_imports_is_carried_with_the_kernels_and_of_other_rooms_nothing(model, tmp_path):
    save_pyfunc(model, EXAMPLE, tmp_path / "saved")
    package = tmp_path / "saved" / "code" / "rmsnet"
    rooms = {path.name for path in package.iterdir() if path.is_dir()}
    assert rooms == {"dataset", "features", "network", "reading", "spotting"}
    assert len(list(package.rglob("*"))) < 60  # each file is a request to a server
    assert bool(list((package / "network").glob("_kernels*"))) == (library() is not None)


@pytest.mark.parametrize("exported", [False, True])
def test_with_nothing_else_of_ours_a_model_answers_the_same(exported, model, tmp_path):
    if exported:
        save_onnx(model, load_model(model))
    save_pyfunc(model, EXAMPLE, tmp_path / "saved")
    events = predict_with_carried_code(tmp_path / "saved", EXAMPLE)
    assert events.to_dict("list") == vars(open_half_spotter(model).events(EXAMPLE))
