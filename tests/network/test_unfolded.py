"""The network's passes for a GPU, on a CPU: they are the network's own and autograd's."""

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rmsnet.network import unfolded
from rmsnet.network.model import RMSNet


def passes(network: RMSNet, clips: torch.Tensor, dtype: torch.dtype = torch.float32, dropout: float = 0.0):
    """Of (T, B, width) clips and a loss that is half the sum of squares of all outputs: outputs, gradients by name."""
    vector = unfolded.weight_vector(network)
    weights = vector.parts(vector.weights.to(dtype))
    passed = unfolded.forward(weights, clips.to(dtype), dropout)
    gradients = torch.full_like(vector.weights, torch.nan, dtype=dtype)
    of_frames = unfolded.backward(weights, passed, passed.outputs, vector.parts(gradients))
    return passed, {**vector.named(gradients), "clips": (of_frames @ weights["fc1.weight"]).view(clips.shape)}


def expected(network: RMSNet, clips: torch.Tensor):
    """The same of the network itself and of autograd."""
    clips = clips.clone().requires_grad_()
    outputs = torch.cat([part.view(clips.shape[1], -1) for part in network(clips.transpose(0, 1))], dim=1)
    (outputs.square().sum() / 2).backward()
    gradients = {name: parameter.grad.clone() for name, parameter in network.named_parameters()}
    as_multiplied = {name: of.permute(2, 1, 0) if of.ndim == 3 else of for name, of in gradients.items()}
    return outputs.detach(), {**as_multiplied, "clips": clips.grad}


@settings(max_examples=30, deadline=None)
@given(
    frames=st.integers(1, 60),
    batch=st.integers(1, 4),
    width=st.integers(1, 24),
    classes=st.integers(1, 5),
    seed=st.integers(0, 1000),
)
def test_they_are_the_networks_own(frames, batch, width, classes, seed):
    torch.manual_seed(seed)
    # In double precision: of two maxima that float32 cannot tell apart each would choose its own.
    network = RMSNet(width, classes).eval().double()
    clips = torch.randn(frames, batch, width, dtype=torch.float64)
    outputs, gradients = expected(network, clips)
    passed, found = passes(network, clips, torch.float64)
    torch.testing.assert_close(passed.outputs, outputs, rtol=1e-9, atol=1e-9)
    assert found.keys() == gradients.keys()
    for name in gradients:
        torch.testing.assert_close(found[name], gradients[name], rtol=1e-8, atol=1e-9)


def test_in_bfloat16_they_are_as_close_to_float32_as_the_cpus():
    torch.manual_seed(0)
    network, clips = RMSNet(512, 3).eval(), torch.randn(41, 64, 512)
    outputs, gradients = expected(network, clips)
    passed, found = passes(network, clips, torch.bfloat16)
    assert float((passed.outputs - outputs).norm() / outputs.norm()) < 0.02
    ours, theirs = (torch.cat([of[name].float().reshape(-1) for name in gradients]) for of in (found, gradients))
    assert float((ours - theirs).norm() / theirs.norm()) < 0.05


def test_what_dropout_drops_has_no_gradient_and_what_it_leaves_is_scaled(monkeypatch):
    rate, (frames, batch) = 0.5, (11, 3)
    kept = (torch.rand(frames, batch, 128) > rate) / (1 - rate)
    kept[:, 0, :64] = 0  # nothing left of a channel
    monkeypatch.setattr(torch, "native_dropout", lambda y, *_: (y * kept.view_as(y), None))

    class Kept(nn.Module):
        def forward(self, x):
            return x * kept.permute(1, 2, 0)

    torch.manual_seed(0)
    network, clips = RMSNet(6, 3), torch.randn(frames, batch, 6)
    network.dropout = Kept()
    outputs, gradients = expected(network, clips)
    passed, found = passes(network, clips, dropout=rate)
    torch.testing.assert_close(passed.outputs, outputs, rtol=1e-4, atol=1e-5)
    for name in gradients:
        torch.testing.assert_close(found[name], gradients[name], rtol=1e-3, atol=1e-5)


def test_of_equal_maxima_the_first_has_the_gradient():
    """As the compiled kernels of a CPU have it; they are common in bfloat16."""
    network = RMSNet(4, 3)
    clips = torch.zeros(41, 2, 4)  # every frame that no edge is felt at is like the others
    passed, _ = passes(network, clips)
    assert bool(((passed.frame <= 8) | (passed.frame >= 33)).all())
