"""Table VI: the rows of a study may fine-tune a backbone on a bank of frames."""

from dataclasses import replace

import pytest

from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.features.stage import extract
from rmsnet.params import ExtractParams, Params
from rmsnet.study.grids import STUDIES
from rmsnet.study.stage import reproduce
from tests.study.test_stage import PARAMS, write_banks
from tests.training.test_finetuning import TINY
from tests.video.datasets import random_weights, video_dataset


@pytest.fixture(scope="module")
def frames(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table6")
    video_dataset(folder / "data")
    extract(folder / "data", folder / "frames", ExtractParams(source="frames", picture="whole", height=32))
    return folder / "frames"


def test_table_6_has_the_papers_rows_and_settings():
    rows = STUDIES["table6"].rows
    assert [row.changes["backbone"] for row in rows] == ["resnet18", "resnet50", "resnet152"]
    assert {(row.changes["batch_size"], row.changes["learning_rate"]) for row in rows} == {(24, 0.025)}
    assert rows[2].paper == (0.775, 0.751)


def test_a_row_is_trained_from_frames_and_judged_on_the_frames_of_valid_and_test(frames, tmp_path, monkeypatch):
    """The first row, with random weights from a file and a tiny schedule."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    table = STUDIES["table6"]
    first = replace(table.rows[0], changes={"backbone": "resnet18", "batch_size": 8})
    monkeypatch.setitem(STUDIES, "table6", replace(table, rows=(first,)))
    train = replace(TINY, epochs=1, backbone="", weights=str(random_weights(tmp_path / "resnet18.pth")))
    (row,) = reproduce(
        "table6", frames, tmp_path / "studies", Params(train=train), seeds=1, device="cpu", progress=False
    )
    trained = read_json(row.seeds[0].folder / "metrics.json")
    assert row.seeds[0].splits["valid"].average_map == pytest.approx(trained["valid_average_map"])
    table = (tmp_path / "studies" / "table6" / "table.md").read_text()
    assert "ResNet-18" in table
    assert "70.9" in table, "the paper's number stands beside ours"


def test_features_are_refused_before_anything_is_run(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_banks(tmp_path)
    with pytest.raises(UserError, match=r"not frames; make frames with: rmsnet extract"):
        reproduce("table6", tmp_path, tmp_path / "studies", PARAMS, seeds=1, device="cpu", progress=False)
    assert not (tmp_path / "studies").exists()
