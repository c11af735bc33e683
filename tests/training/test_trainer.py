"""An epoch's steps as a GPU takes them, recorded and replayed, on a CPU that plays the GPU."""

from contextlib import contextmanager, nullcontext
from dataclasses import replace
from types import SimpleNamespace

import pytest
import torch

from rmsnet.params import TrainParams
from rmsnet.training.distributed import World
from rmsnet.training.inputs import BankFeatures
from rmsnet.training.learner import VectorLearner
from rmsnet.training.step_graph import StepGraph
from rmsnet.training.trainer import Trainer
from tests.builders import learnable_bank

CPU = torch.device("cpu")

BATCH = 4
TOGETHER = 4
STEPS = 2 * TOGETHER + 3
PARAMS = TrainParams(
    clip_frames=9,
    batch_size=BATCH,
    foreground_clips=BATCH * STEPS - 12,
    background_clips=12 + 3,
    epochs=4,
    dropout=0.0,
    average_decay=0.9,
)
"""Three groups of whole batches in an epoch, the last one smaller, and one batch that is not whole."""


@pytest.fixture
def played(monkeypatch) -> list[str]:
    """What is recorded is not computed, and computed when it is replayed; the log of both."""
    log: list[str] = []
    recording = False
    compute = StepGraph._all

    def all_steps(graph, step):
        if recording:
            graph.graph.work = lambda: compute(graph, step)
        else:
            log.append(f"taken {len(graph.rates)}")
            compute(graph, step)

    class Graph:
        def replay(self):
            log.append("replayed")
            self.work()

    @contextmanager
    def graph(of):
        nonlocal recording
        recording = True
        yield
        recording = False

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, value in {
        "CUDAGraph": Graph,
        "graph": graph,
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda _: nullcontext(),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    monkeypatch.setattr(StepGraph, "_all", all_steps)
    monkeypatch.setattr("rmsnet.training.trainer.STEPS_BETWEEN_REPORTS", TOGETHER)
    return log


def trainer_of(recording: bool, params: TrainParams = PARAMS) -> Trainer:
    bank = learnable_bank(1)
    trainer = Trainer(bank, bank, BankFeatures(bank, bank, torch.float32, CPU), params, CPU, torch.float32, World())
    trainer.learner = VectorLearner(trainer.network, trainer.inputs, params, torch.float32, World())
    trainer.recording = recording
    return trainer


def test_replayed_steps_are_those_that_are_taken_one_by_one(played):
    ways = [trainer_of(recording) for recording in (True, False)]
    for number in (1, 2, 3):
        clips: list[int] = []
        recorded, taken = (trainer.run_epoch(number, clips.append) for trainer in ways)
        assert replace(recorded, seconds=0, clips_per_second=0) == replace(taken, seconds=0, clips_per_second=0)
        assert clips == 2 * [16, 16, 12, 3]
    for name, weight in ways[0].learner.weights.items():
        assert torch.equal(weight, ways[1].learner.weights[name])
    # The average begins with the second epoch: what was recorded before it knows nothing of it.
    first = ["taken 4", "replayed", "taken 3"]
    assert played == [*first, *first, "replayed", "replayed", "replayed"]
