from dataclasses import replace
from pathlib import Path

import pytest

from rmsnet.errors import UserError
from rmsnet.params import Params
from rmsnet.training_stage import train_stage
from tests.builders import bank, write_bank


@pytest.mark.parametrize(
    ("clip_frames", "events", "says"),
    [
        (400, [(0, 50, 0), (0, 80, 1), (0, 110, 2)], r"train\.clip_frames: 400 frames are more than the longest half"),
        (9, [(0, 50, 0), (0, 80, 1)], "no clip of class soccer"),
        (9, [(0, frame, frame % 3) for frame in range(0, 300, 4)], "there is no background"),
    ],
)
def test_what_cannot_be_trained_on_is_refused_before_anything_is_written(
    clip_frames, events, says, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for split in ("train", "valid"):
        write_bank(tmp_path / "features", split, bank([300], events))
    params = Params()
    with pytest.raises(UserError, match=says):
        train_stage(
            Path("features"),
            Path("models/full"),
            replace(params, train=replace(params.train, clip_frames=clip_frames)),
            progress=False,
        )
    assert [path.name for path in tmp_path.iterdir()] == ["features"]
