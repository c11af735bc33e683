"""A training step the way of a GPU is that of a CPU, and what makes it fast there can be seen without one."""

import sys
from collections.abc import Mapping
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from rmsnet.network.model import RMSNet
from rmsnet.params import TrainParams
from rmsnet.training.distributed import World
from rmsnet.training.inputs import BankFeatures
from rmsnet.training.learner import Learner, VectorLearner
from tests.builders import learnable_bank

CPU = torch.device("cpu")
PARAMS = TrainParams(clip_frames=9, batch_size=12, dropout=0.0, average_decay=0.9)
WAYS = (Learner, VectorLearner)


class Stretched:
    """Inputs that learn: features times a number for each."""

    def __init__(self, features: Tensor) -> None:
        self.features = features
        self.weights: Mapping[str, Tensor] = {"stretch": nn.Parameter(torch.ones(features.shape[1]))}

    def clips(self, rows: Tensor) -> Tensor:
        return self.features[rows] * self.weights["stretch"]


def inputs_of(kind: str, dtype: torch.dtype):
    bank = learnable_bank(1)
    return Stretched(torch.from_numpy(bank.features)) if kind == "learn" else BankFeatures(bank, bank, dtype, CPU)


def learner_of(way: type[Learner], params: TrainParams = PARAMS, dtype=torch.float32, kind="", world=World()):  # noqa: B008
    torch.manual_seed(0)
    return way(RMSNet(8, 3, params.dropout), inputs_of(kind, dtype), params, dtype, world)


def batch(seed: int, clips: int = 12):
    generator = torch.Generator().manual_seed(seed)
    start = torch.randint(590, (clips,), generator=generator)
    return (
        start + torch.arange(9)[:, None],
        torch.randint(4, (clips,), generator=generator),
        torch.rand(clips, generator=generator),
    )


@pytest.mark.parametrize("kind", ["features", "learn"])
@pytest.mark.parametrize(
    "changes",
    [{}, {"accumulate": 3}, {"regression": False}, {"regression_weight": 1000.0}],
    ids=["whole", "in parts", "no offset", "long gradients"],
)
def test_some_steps_give_the_weights_momentum_and_average_of_the_cpus_way(kind, changes):
    params = replace(PARAMS, **changes)
    ways = [learner_of(way, params, kind=kind) for way in WAYS]
    measured = [[], []]
    for number, clips in enumerate((12, 12, 7, 12)):
        for learner, seen in zip(ways, measured, strict=True):
            seen.append(learner.step(batch(number, clips), torch.tensor(0.01)))
            if number == 1:
                learner.begin_average()
    cpu, gpu = ways
    torch.testing.assert_close(torch.stack(measured[1]), torch.stack(measured[0]), rtol=1e-3, atol=1e-5)
    assert (torch.stack(measured[0])[:, 3] > 5).all() == (params.regression_weight > 10), "clipped, or not"
    for ours, theirs in ((gpu.weights, cpu.weights), (gpu.momentum, cpu.momentum), (gpu.average, cpu.average)):
        assert ours.keys() == theirs.keys()
        for name in theirs:
            torch.testing.assert_close(ours[name].detach(), theirs[name].detach(), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("way", WAYS)
def test_a_step_changes_the_network_itself(way):
    torch.manual_seed(0)
    network = RMSNet(8, 3)
    before = {name: weight.clone() for name, weight in network.state_dict().items()}
    learner = way(network, inputs_of("", torch.float32), PARAMS, torch.float32, World())
    assert all(torch.equal(weight, before[name]) for name, weight in network.state_dict().items())
    learner.step(batch(0), torch.tensor(0.01))
    for name, weight in network.state_dict().items():
        leaf = learner.weights[name].detach()
        assert torch.equal(weight, leaf.permute(2, 1, 0) if leaf.ndim == 3 else leaf)
        assert not torch.equal(weight, before[name])


@pytest.mark.parametrize("way", WAYS)
def test_processes_add_up_to_one(way, monkeypatch):
    """What two of three processes compute of a batch, summed, is the batch's; the third has nothing to do."""
    params = replace(PARAMS, batch_size=2)
    losses, gradients = learner_of(way, params)._gradients(batch(0, 2))
    shares = [learner_of(way, params, world=World(rank, 3))._gradients(batch(0, 2)) for rank in range(3)]
    torch.testing.assert_close(sum(share for share, _ in shares), losses)
    for number, whole in enumerate(gradients):
        torch.testing.assert_close(sum(share[number] for _, share in shares), whole, rtol=1e-3, atol=1e-6)
    assert float(shares[2][0].abs().sum() + sum(part.abs().sum() for part in shares[2][1])) == 0


def test_in_bfloat16_the_weights_stay_in_float32():
    learner = learner_of(VectorLearner, dtype=torch.bfloat16)
    learner.step(batch(0), torch.tensor(1e-4))
    of_float32 = learner_of(VectorLearner)
    before = {name: weight.clone() for name, weight in of_float32.weights.items()}
    of_float32.step(batch(0), torch.tensor(1e-4))
    moved, off = (
        torch.cat([(learner_of_one[name] - before[name]).reshape(-1) for name in before])
        for learner_of_one in (of_float32.weights, learner.weights)
    )
    assert float((off - moved).norm() / moved.norm()) < 0.1


@pytest.mark.parametrize("way", WAYS)
def test_a_step_imports_no_compiler(way, monkeypatch):
    """PyTorch's optimizers do: a thousand modules, which take seconds, before the first step."""
    monkeypatch.setitem(sys.modules, "torch._dynamo", None)
    learner_of(way).step(batch(0), torch.tensor(0.01))


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


WAITS = ("_local_scalar_dense", "nonzero", "masked_select", "is_nonzero", "_unique2")
"""Operations whose result the processor must know before it goes on."""


@pytest.fixture
def operations() -> list[str]:
    """Those of a training step the way of a GPU, in bfloat16, with dropout and an average."""
    learner = learner_of(VectorLearner, replace(PARAMS, dropout=0.1), torch.bfloat16)
    learner.begin_average()
    clips, rate = batch(0), torch.tensor(0.01)
    learner.step(clips, rate)
    with Operations() as seen:
        learner.step(clips, rate)
    return seen.names


def test_a_step_on_a_gpu_waits_for_nothing(operations):
    assert not set(operations) & set(WAITS)


def test_a_step_on_a_gpu_is_about_seventy_operations(operations):
    """64 clips are so little for a GPU that their number is the time."""
    assert len(operations) < 75, operations
