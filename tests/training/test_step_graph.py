"""What makes a training step fast on a GPU and can be seen without one; benchmarks/gpu.sh runs it on one."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from rmsnet.network import kernels
from rmsnet.params import TrainParams
from rmsnet.training.distributed import World
from rmsnet.training.inputs import BankFeatures
from rmsnet.training.step_graph import StepGraph
from rmsnet.training.trainer import Trainer
from tests.builders import learnable_bank

CPU = torch.device("cpu")

WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "_unique2")
"""Operations whose result the processor must know before it goes on."""


class Operations(TorchDispatchMode):
    """The names of the operations that compute something: views of tensors are none."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        aliases = (argument.alias_info for argument in function._schema.arguments)
        if function.namespace == "aten" and not any(alias and not alias.is_write for alias in aliases):
            self.names.append(function.name().partition("::")[2].partition(".")[0])
        return function(*args, **(kwargs or {}))


@pytest.fixture
def operations(monkeypatch) -> list[str]:
    """Those of a training step as a GPU computes it, in bfloat16."""
    monkeypatch.setattr(kernels, "fits", lambda x, taps: False)
    bank, bfloat16 = learnable_bank(1), torch.bfloat16
    params = TrainParams(clip_frames=9, batch_size=4, average_decay=0.9)
    trainer = Trainer(bank, bank, BankFeatures(bank, bank, bfloat16, CPU), params, CPU, bfloat16, World())
    trainer.average = trainer._snapshot()
    rows = torch.zeros(9, 4, dtype=torch.int64)
    batch = rows, rows[0], torch.zeros(4)
    trainer._compute(batch)
    with Operations() as seen:
        trainer._compute(batch)
    return seen.names


def test_a_step_waits_for_nothing(operations):
    """But for the gradient's norm, which a CPU looks at and a GPU does not."""
    assert [name for name in operations if name in WAITS] == ["_local_scalar_dense"]


def test_a_step_is_about_a_hundred_operations(operations):
    """64 clips are so little for a GPU that their number is the time."""
    assert len(operations) < 115, operations


def test_every_batch_is_one_step_first_computed_then_replayed(monkeypatch):
    """With a graph that only says what it is asked: what it is worth, a GPU must show."""
    log: list[tuple[str, float]] = []

    @contextmanager
    def recording(of):
        log.append(("record", 0))
        yield

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, value in {
        "CUDAGraph": lambda: SimpleNamespace(replay=lambda: log.append(("replay", graph.static[2].item()))),
        "graph": recording,
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda _: nullcontext(),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    rows = torch.zeros(41, 8, dtype=torch.int64)

    def batch(number: int):
        return rows[:, 4:], rows[0, 4:], torch.full((1,), float(number))

    def compute(batch):
        log.append(("compute", batch[2].item()))
        return batch[2].clone()

    graph = StepGraph(batch(0))
    for number in range(1, 7):
        graph(batch(number), compute)
    assert log == [
        *(("compute", number) for number in (1, 2, 3)),
        ("record", 0),
        ("compute", 4),
        *(("replay", number) for number in (4, 5, 6)),
    ]
