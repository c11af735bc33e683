"""What `rmsnet train` and `rmsnet reproduce` refuse, as a user sees it."""

from pathlib import Path

import pytest

from rmsnet.cli import main
from rmsnet.training.loop import CHECKPOINT, partial_folder, train
from tests.builders import bank, write_bank
from tests.training.test_loop import SMALL, Interrupted

EVENTS = [(0, 50, 0), (0, 80, 1), (0, 110, 2)]
CROWDED = [(0, frame, frame % 3) for frame in range(0, 300, 4)]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


def write_banks(events, **options) -> None:
    for split in ("train", "valid", "test"):
        write_bank(Path("features"), split, bank([300], events, **options))


def refused(capsys, *arguments: str) -> str:
    """The one line that a command says before it ends with status 2; nothing was written."""
    before = sorted(Path().rglob("*"))
    assert main(list(arguments)) == 2
    said = capsys.readouterr()
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert sorted(Path().rglob("*")) == before
    return said.err


@pytest.mark.parametrize("command", [("train", "--out", "models/full"), ("reproduce", "table3")])
@pytest.mark.parametrize(
    ("setting", "events", "says"),
    [
        ("clip_frames=400", EVENTS, "train.clip_frames: 400 frames are more than the longest half has (300)"),
        ("clip_frames=9", EVENTS[:2], "no clip of class soccer; add games that show it"),
        ("clip_frames=9", CROWDED, "there is no background"),
        ("masking_probability=1.5", EVENTS, "train.masking_probability must lie in [0, 1], not 1.5"),
        ("masking_probability=-0.1", EVENTS, "train.masking_probability must lie in [0, 1], not -0.1"),
        ("masking_probability=.nan", EVENTS, "train.masking_probability must lie in [0, 1], not nan"),
        ("masking_max_offset=2", EVENTS, "train.masking_max_offset must lie in [0, 1], not 2"),
        ("masking_max_offset=-1", EVENTS, "train.masking_max_offset must lie in [0, 1], not -1"),
    ],
)
def test_what_cannot_be_trained_on_is_one_line_status_2_and_nothing_written(command, setting, events, says, capsys):
    write_banks(events)
    said = refused(capsys, *command, "--features", "features", "--set", f"train.{setting}")
    assert says in said.replace("train: ", "train.").replace("train.train.", "train.")


def test_an_interrupted_training_of_another_class_list_is_one_line_and_stays(capsys):
    def stop(epoch: object) -> None:
        raise Interrupted

    write_banks([(0, 50, 0), (0, 80, 1)], classes=("goal", "card"))
    one = bank([300], EVENTS)
    with pytest.raises(Interrupted):
        train(one, one, SMALL, Path("models/full"), device="cpu", on_epoch=stop)
    before = (partial_folder(Path("models/full")) / CHECKPOINT).read_bytes()
    said = refused(capsys, "train", "--features", "features", "--out", "models/full", "--set", "train.clip_frames=9")
    assert "models/.full.partial: holds an interrupted training of another network" in said
    assert "classes 'card, subs, soccer' and not 'goal, card'" in said
    assert "remove that folder to start over, or name another --out" in said
    assert (partial_folder(Path("models/full")) / CHECKPOINT).read_bytes() == before


@pytest.mark.parametrize(
    ("classes", "width", "says"),
    [
        (("goal", "card", "corner"), 8, "classes: the model was trained on ['card', 'subs', 'soccer'], the frame bank"),
        (("goal", "card", "corner"), 8, "(missing: subs, soccer; new: goal, corner)"),
        (("subs", "card", "soccer"), 8, "(in another order)"),
        (("card", "subs", "soccer"), 9, "width: the model was trained on 8, the frame bank holds 9"),
    ],
)
def test_a_model_of_another_class_list_or_width_is_not_evaluated(classes, width, says, capsys):
    one = bank([300], EVENTS)
    train(one, one, SMALL, Path("model"), device="cpu")
    write_banks(EVENTS, classes=classes, width=width)
    said = refused(capsys, "evaluate", "--model", "model", "--features", "features", "--out", "evaluation")
    assert says in said


def test_a_model_with_a_damaged_config_spots_nothing(capsys):
    import numpy as np

    one = bank([300], EVENTS)
    train(one, one, SMALL, Path("model"), device="cpu")
    np.save("half.npy", one.features)
    config = Path("model/config.json")
    config.write_text(config.read_text().replace('"clip_frames"', '"clip"'))
    said = refused(capsys, "spot", "half.npy", "--model", "model", "--out", "events")
    assert "model/config.json: clip_frames: is missing; restore the model or train it again" in said
