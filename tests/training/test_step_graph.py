"""A recorded training step, with a graph that only says what it is asked; what it is worth, a GPU must show."""

from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import pytest
import torch

from rmsnet.training.step_graph import StepGraph


@pytest.fixture
def log(monkeypatch) -> list[tuple[str, float]]:
    """What is recorded and replayed; CUDA's part is played by this."""
    seen: list[tuple[str, float]] = []

    @contextmanager
    def recording(of):
        seen.append(("record", 0))
        yield

    stream = SimpleNamespace(wait_stream=lambda other: None)
    for name, value in {
        "CUDAGraph": lambda: SimpleNamespace(replay=lambda: seen.append(("replay", 0))),
        "graph": recording,
        "Stream": lambda: stream,
        "current_stream": lambda: stream,
        "stream": lambda _: nullcontext(),
    }.items():
        monkeypatch.setattr(torch.cuda, name, value)
    return seen


def batches(number: int, steps: int):
    """One behind the other, of four clips each, cut out of more; and their rates."""
    rows = torch.arange(41)[:, None] * 1000 + torch.arange(100)
    part = slice(4 * number, 4 * (number + steps))
    return (rows[:, part], rows[0, part], 0.5 * rows[0, part]), torch.arange(number, number + steps) / 10


@pytest.mark.parametrize(("steps", "warm_up"), [(1, 3), (2, 2), (5, 1)])
def test_every_batch_is_one_step_first_taken_then_recorded_then_replayed(log, steps, warm_up):
    def step(batch, rate):
        rows, label, offset = batch
        assert rows.is_contiguous()
        assert rows.shape == (41, 4)
        assert torch.equal(rows[3], 3000 + label)
        assert torch.equal(offset, 0.5 * label)
        log.append(("step", round(10 * rate.item())))
        assert label.tolist() == [4 * log[-1][1] + clip for clip in range(4)]
        return torch.full((4,), float(rate))

    graph = StepGraph(*batches(0, steps))
    for call in range(warm_up + 3):
        found = graph(*batches(call * steps, steps), step)
        first = min(call, warm_up) * steps  # nothing is computed when this graph is replayed
        torch.testing.assert_close(found, torch.arange(first, first + steps)[:, None].expand(-1, 4) / 10)
    computed = [("step", number) for number in range(warm_up * steps)]
    recorded = [("step", number) for number in range(warm_up * steps, (warm_up + 1) * steps)]
    assert log == [*computed, ("record", 0), *recorded, *[("replay", 0)] * 3]


def test_what_is_replayed_lies_where_it_was_recorded(log):
    graph = StepGraph(*batches(0, 5))
    for number in (0, 5, 10):
        graph(*batches(number, 5), lambda batch, rate: torch.zeros(4))
    assert graph.batches[1].flatten().tolist() == list(range(40, 60))
    torch.testing.assert_close(graph.rates, torch.arange(10, 15) / 10)
