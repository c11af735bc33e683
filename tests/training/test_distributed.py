"""One training on two processes, from features; from frames: tests/video/test_finetuning.py."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from rmsnet.errors import UserError
from tests.training.test_loop import SMALL, run, weights
from tests.training.torchrun import torchrun

ODD = replace(SMALL, epochs=3, batch_size=15, dropout=0.0)
"""160 clips in batches of 15, the last of 10: two processes never have the same number of clips."""


def body(out: Path, *dying: str) -> str:
    return "\n".join(
        [
            "from pathlib import Path",
            "from rmsnet.training.inputs import BankFeatures",
            "from tests.training.test_distributed import ODD, run",
            "computed, clips = [], BankFeatures.clips",
            "def counted(self, rows):",
            "    computed.append(rows.shape[1])",
            *(f"    {line}" for line in dying),
            "    return clips(self, rows)",
            "BankFeatures.clips = counted",
            f"run(Path({str(out)!r}), ODD)",
            "print(sum(computed))",
        ]
    )


def test_two_processes_give_the_weights_of_one_also_when_one_has_died_in_between(tmp_path, python_folder):
    run(tmp_path / "one", ODD)
    # 11 batches an epoch: in the middle of the second.
    died = torchrun(
        body(tmp_path / "two", "if RANK == 1 and len(computed) == 16: die()"), tmp_path / "first", python_folder
    )
    assert died.returncode != 0
    assert died.errors[0].count("\n") == 1, died.errors[0]
    assert "another process of this training has ended" in died.errors[0]
    assert not (tmp_path / "two").exists()

    done = torchrun(body(tmp_path / "two"), tmp_path / "second", python_folder)
    assert done.returncode == 0, done.errors
    # Two of three epochs were left: 8 + 7 clips of ten batches, 5 + 5 of the last.
    assert [int(text) for text in done.printed] == [2 * 85, 2 * 75]
    one, two = weights(tmp_path / "one"), weights(tmp_path / "two")
    for name, tensor in one.items():
        torch.testing.assert_close(two[name], tensor, rtol=1e-4, atol=1e-4, msg=name)


def test_processes_that_see_different_checkpoints_are_refused(tmp_path, python_folder):
    done = torchrun(
        "from pathlib import Path\nfrom tests.training.test_distributed import ODD, run\n"
        "from rmsnet.training.history import Epoch\n"
        "from rmsnet.training.trainer import Trainer\n"
        "Trainer.resume = lambda *_: [None] * RANK\n"
        f"run(Path({str(tmp_path)!r}) / 'model', ODD)",
        tmp_path / "run",
        python_folder,
    )
    assert done.returncode != 0
    for errors in done.errors:
        assert errors.count("\n") == 1
        assert "do not see the same checkpoint" in errors


def test_more_processes_than_gpus_are_refused(monkeypatch):
    from rmsnet.training.distributed import processes

    for name, value in {"WORLD_SIZE": 2, "LOCAL_WORLD_SIZE": 2, "LOCAL_RANK": 1, "RANK": 1}.items():
        monkeypatch.setenv(name, str(value))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    with pytest.raises(UserError, match="2 processes for 1 GPU of this machine: start one for each"):
        processes(torch.device("cuda")).__enter__()


@pytest.mark.parametrize("clips", [1, 2, 15])
@pytest.mark.parametrize("processes", [1, 2, 3, 8])
def test_every_clip_of_a_batch_is_computed_once_whatever_the_number_of_processes(clips, processes):
    from types import SimpleNamespace

    from rmsnet.training.distributed import World
    from rmsnet.training.learner import Learner

    for accumulate in (1, 3):
        own = [
            list(range(clips))[part]
            for rank in range(processes)
            for part in Learner.own(
                SimpleNamespace(
                    world=World(rank, processes), params=SimpleNamespace(batch_size=15, accumulate=accumulate)
                ),
                clips,
            )
        ]
        assert sorted(clip for part in own for clip in part) == list(range(clips))
