import math
import multiprocessing
import os
import re
import signal
import time
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from rmsnet.errors import CheckFailed, UserError
from rmsnet.evaluation import average_map
from rmsnet.network.devices import choose_device, choose_precision
from rmsnet.network.model_files import load_model
from rmsnet.params import TrainParams
from rmsnet.spotting.inference import spot_bank
from rmsnet.style.tables import as_csv
from rmsnet.training.history import Epoch, best_epoch
from rmsnet.training.loop import CHECKPOINT, partial_folder, train
from rmsnet.training.trainer import HALVES_AT_ONCE, learning_rate
from tests.builders import bank, shine

SMALL = TrainParams(
    clip_frames=9,
    foreground_clips=120,
    background_clips=40,
    epochs=4,
    batch_size=16,
    precision="float32",
    patience=0,
)


def learnable_bank(seed: int):
    """Three halves with events that shine through, some of them near the start."""
    random = np.random.default_rng(seed)
    frames = [400, 400, 400]
    events = [(half, int(frame), int(random.integers(3))) for half in range(3) for frame in range(20, 380, 30)]
    return shine(bank(frames, [*events, (0, 5, 0), (0, 10, 1), (0, 15, 2)], width=6, seed=seed))


def run(folder: Path, params: TrainParams = SMALL, **options):
    return train(learnable_bank(0), learnable_bank(1), params, folder, device="cpu", **options)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same_weights(one: Path, two: Path) -> bool:
    first, second = weights(one), weights(two)
    return all(torch.equal(first[key], second[key]) for key in first)


def test_the_rate_rises_for_one_epoch_and_then_follows_a_cosine_to_zero():
    """Paper, IV-B: linear warm-up during the first epoch, cosine annealing from the second."""
    rates = [learning_rate(step, 4, 3, 0.05) for step in range(12)]
    assert rates[:4] == pytest.approx([0.0125, 0.025, 0.0375, 0.05])
    cosine = [0.025 * (1 + np.cos(np.pi * done / 8)) for done in range(1, 9)]
    assert rates[4:] == pytest.approx(cosine)
    assert rates[-1] == pytest.approx(0)


def test_training_learns_and_leaves_a_whole_model_folder(tmp_path):
    told: list[Epoch] = []
    metrics = run(
        tmp_path / "model", replace(SMALL, epochs=12, foreground_clips=480, background_clips=160), on_epoch=told.append
    )
    assert sorted(path.name for path in (tmp_path / "model").iterdir()) == [
        "config.json",
        "history.csv",
        "metrics.json",
        "model.safetensors",
    ]
    assert os.listdir(tmp_path) == ["model"]
    assert [epoch.epoch for epoch in told] == list(range(1, 13))
    assert told[-1].loss < 0.7 * told[0].loss
    assert metrics["valid_average_map"] == best_epoch(told).valid_average_map > 0.3
    assert metrics["simulated"] is True
    assert load_model(tmp_path / "model").config["train"]["epochs"] == 12


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path):
    for name, seed in (("one", 0), ("two", 0), ("three", 1)):
        torch.rand(3)  # whatever the caller's random state is
        run(tmp_path / name, replace(SMALL, epochs=2, seed=seed))
    assert same_weights(tmp_path / "one", tmp_path / "two")
    assert not same_weights(tmp_path / "one", tmp_path / "three")


def test_the_callers_random_state_is_left_alone(tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    run(tmp_path / "model", replace(SMALL, epochs=1))
    assert torch.equal(torch.rand(1), expected)


class Interrupted(Exception):
    pass


def test_a_training_that_stops_after_any_epoch_continues_to_the_same_weights(tmp_path):
    run(tmp_path / "unbroken")

    def interrupt_at(stop: int):
        def on_epoch(epoch: Epoch) -> None:
            if epoch.epoch == stop:
                raise Interrupted

        return on_epoch

    for stop in (1, 2, 3):
        with pytest.raises(Interrupted):
            run(tmp_path / "broken", on_epoch=interrupt_at(stop))
        assert not (tmp_path / "broken").exists()
    told: list[Epoch] = []
    run(tmp_path / "broken", on_epoch=told.append)
    assert [epoch.epoch for epoch in told] == [1, 2, 3, 4]
    assert same_weights(tmp_path / "unbroken", tmp_path / "broken")


def _train_slowly(folder: Path) -> None:
    torch.set_num_threads(1)
    run(folder, on_epoch=lambda epoch: time.sleep(60) if epoch.epoch == 2 else None)


def test_a_killed_training_continues_to_the_same_weights(tmp_path):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        victim = multiprocessing.get_context("spawn").Process(target=_train_slowly, args=(tmp_path / "killed",))
        victim.start()
        checkpoint = partial_folder(tmp_path / "killed") / CHECKPOINT
        written = 0
        while written < 2 and victim.is_alive():
            before = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
            time.sleep(0.05)
            after = checkpoint.stat().st_mtime_ns if checkpoint.exists() else 0
            written += after != before
        assert victim.pid is not None
        os.kill(victim.pid, signal.SIGKILL)
        victim.join()
        assert not (tmp_path / "killed").exists()
        run(tmp_path / "killed")
        run(tmp_path / "unbroken")
    finally:
        torch.set_num_threads(threads)
    assert same_weights(tmp_path / "unbroken", tmp_path / "killed")


def test_a_checkpoint_of_other_parameters_or_a_damaged_one_is_not_used(tmp_path):
    def stop(epoch: Epoch) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        run(tmp_path / "model", on_epoch=stop)
    told: list[Epoch] = []
    run(tmp_path / "model", replace(SMALL, seed=9, epochs=1), on_epoch=told.append)
    run(tmp_path / "fresh", replace(SMALL, seed=9, epochs=1))
    assert same_weights(tmp_path / "model", tmp_path / "fresh")

    with pytest.raises(Interrupted):
        run(tmp_path / "other", on_epoch=stop)
    checkpoint = partial_folder(tmp_path / "other") / CHECKPOINT
    checkpoint.write_bytes(checkpoint.read_bytes()[:1000])
    run(tmp_path / "other", replace(SMALL, epochs=1))
    assert (tmp_path / "other").exists()


@pytest.mark.parametrize(
    ("banks", "changes", "says"),
    [
        ({"classes": ("goal", "card", "corner")}, {}, "classes 'card, subs, soccer' and not 'goal, card, corner'"),
        ({"width": 9}, {}, "features 6 and not 9"),
        ({"width": 6}, {"backbone": "resnet18"}, "backbone '' and not 'resnet18'"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused_and_left_as_it_is(banks, changes, says, tmp_path):
    def stop(epoch: Epoch) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        run(tmp_path / "model", on_epoch=stop)
    checkpoint = partial_folder(tmp_path / "model") / CHECKPOINT
    before = checkpoint.read_bytes()
    other = bank([200], [(0, 50, 0), (0, 80, 1), (0, 110, 2)], **banks)
    with pytest.raises(
        UserError, match=rf"\.model\.partial: .* of another network, {re.escape(says)}; remove that folder"
    ):
        train(other, other, replace(SMALL, **changes), tmp_path / "model", device="cpu")
    assert checkpoint.read_bytes() == before
    run(tmp_path / "model")
    assert (tmp_path / "model").exists(), "the interrupted training still continues"


def test_the_best_epoch_is_kept_not_the_last(tmp_path, monkeypatch):
    scores = iter([0.1, 0.4, 0.2, 0.3])
    monkeypatch.setattr(
        "rmsnet.training.trainer.average_map", lambda *banks, **options: SimpleNamespace(average_map=next(scores))
    )
    after_best: dict[str, torch.Tensor] = {}

    def on_epoch(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            after_best.update(load_file(partial_folder(tmp_path / "model") / CHECKPOINT))

    metrics = run(tmp_path / "model", on_epoch=on_epoch)
    assert (metrics["best_epoch"], metrics["valid_average_map"], metrics["epochs"]) == (2, 0.4, 4)
    for key, kept in weights(tmp_path / "model").items():
        trained = after_best[f"network.{key}"]
        assert torch.equal(kept, trained.permute(2, 1, 0) if trained.ndim == 3 else trained)


def test_the_score_of_the_best_epoch_is_that_of_the_model_left_behind(tmp_path):
    metrics = run(tmp_path / "model")
    valid = learnable_bank(1)
    found = spot_bank(load_model(tmp_path / "model"), valid)
    score = average_map(valid.truth, found, halves=3, classes=3, frame_rate=2.0).average_map
    assert score == pytest.approx(metrics["valid_average_map"])


def test_how_many_halves_are_judged_at_a_time_makes_no_difference(tmp_path, monkeypatch):
    together = run(tmp_path / "together")
    monkeypatch.setitem(HALVES_AT_ONCE, "cpu", 1)
    assert run(tmp_path / "one by one") == {**together, "name": "one by one"}


def test_training_stops_early_when_nothing_gets_better(tmp_path):
    told: list[Epoch] = []
    run(tmp_path / "model", replace(SMALL, epochs=30, learning_rate=1e-9, patience=2), on_epoch=told.append)
    assert len(told) == 3


def test_a_loss_that_is_not_finite_names_the_batch_and_the_broken_frame(tmp_path):
    broken = learnable_bank(0)
    broken.features[broken.halves[1].first_frame + 50] = np.nan
    with pytest.raises(
        CheckFailed, match=r"epoch 1, batch \d+: frame 50 of league/season/game 0, half 2 is not finite"
    ):
        train(broken, learnable_bank(1), SMALL, tmp_path / "model", device="cpu")
    assert not (tmp_path / "model").exists()


def test_weights_that_diverge_are_told_from_broken_features(tmp_path):
    with pytest.raises(CheckFailed, match=r"epoch \d, batch \d+: its features are finite, .*lower train.learning_rate"):
        run(tmp_path / "model", replace(SMALL, learning_rate=1e30))


def test_every_clip_is_told_of_once(tmp_path):
    told: list[int] = []
    run(tmp_path / "model", replace(SMALL, foreground_clips=500, background_clips=300), on_clips=told.append)
    assert sum(told) == 4 * 800, "also those of an interrupted training that is continued"


def test_averaged_weights_are_what_is_kept_and_continue_exactly(tmp_path):
    params = replace(SMALL, average_decay=0.9, epochs=3)
    run(tmp_path / "plain", replace(params, average_decay=0.0))
    run(tmp_path / "averaged", params)
    assert not same_weights(tmp_path / "plain", tmp_path / "averaged")

    def interrupt(epoch: Epoch) -> None:
        if epoch.epoch == 2:
            raise Interrupted

    with pytest.raises(Interrupted):
        run(tmp_path / "broken", params, on_epoch=interrupt)
    run(tmp_path / "broken", params)
    assert same_weights(tmp_path / "averaged", tmp_path / "broken")


def test_without_regression_the_offset_gets_no_gradient(tmp_path):
    run(tmp_path / "one", replace(SMALL, epochs=1, regression=False, weight_decay=0.0))
    network = weights(tmp_path / "one")
    torch.manual_seed(SMALL.seed << 20)
    from rmsnet.network.model import RMSNet

    assert torch.equal(network["fc_regr.weight"], RMSNet(6, 3).fc_regr.weight)
    assert load_model(tmp_path / "one").regression is False


def test_bfloat16_trains_too(tmp_path):
    metrics = run(tmp_path / "model", replace(SMALL, precision="bfloat16"))
    assert metrics["precision"] == "bfloat16"
    assert all(tensor.dtype == torch.float32 for tensor in weights(tmp_path / "model").values())


def test_banks_that_do_not_fit_are_refused(tmp_path):
    with pytest.raises(UserError, match="differ in classes or width"):
        train(learnable_bank(0), bank([100], width=7), SMALL, tmp_path / "model", device="cpu")
    assert not list(tmp_path.iterdir())


def test_precision_and_device_by_name():
    cpu = torch.device("cpu")
    assert choose_device("cpu") == cpu
    assert choose_precision("float32", cpu) is torch.float32
    assert choose_precision("bfloat16", cpu) is torch.bfloat16
    assert choose_precision("auto", cpu) in (torch.float32, torch.bfloat16)
    if not torch.cuda.is_available():
        with pytest.raises(UserError, match="no GPU"):
            choose_device("cuda")


def test_history_is_a_table():
    text = as_csv([asdict(Epoch(1, 1.5, 1.0, 0.05, 0.4, 0.05, 2.0, 900.0, 3.0))])
    assert text.splitlines()[0].startswith("epoch,loss,classification_loss,regression_loss,valid_average_map")
    assert text.splitlines()[1].startswith("1,1.5,1.0,0.05,0.4")


@pytest.mark.parametrize("seed", range(4))
def test_a_high_rate_on_few_clips_does_not_throw_the_weights_away(tmp_path, seed):
    """Seen with the paper's rate on small datasets: one batch with a gradient of 30, then NaN."""
    told: list[Epoch] = []
    run(tmp_path / "model", replace(SMALL, epochs=6, learning_rate=0.1, seed=seed), on_epoch=told.append)
    assert all(math.isfinite(epoch.loss) for epoch in told)
    assert told[-1].loss < told[0].loss
