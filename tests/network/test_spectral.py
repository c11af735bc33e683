import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.network import spectral
from rmsnet.network.model import RMSNet


@settings(max_examples=30, deadline=None)
@given(frames=st.integers(1, 130), batch=st.integers(1, 4), width=st.integers(1, 24), seed=st.integers(0, 1000))
def test_it_is_the_networks_own_forward(frames, batch, width, seed):
    torch.manual_seed(seed)
    network = RMSNet(width, 3).eval()
    clips = torch.randn(batch, frames, width)
    expected = network(clips)
    found = spectral.forward(spectral.trainable_weights(network), clips.transpose(0, 1).contiguous())
    for theirs, ours in zip(expected, found, strict=True):
        torch.testing.assert_close(ours, theirs.detach(), rtol=1e-4, atol=1e-5)


def test_so_are_its_gradients():
    torch.manual_seed(0)
    network = RMSNet(16, 3).eval()
    clips = torch.randn(5, 41, 16)
    sum(output.square().sum() for output in network(clips)).backward()
    expected = {name: parameter.grad for name, parameter in network.named_parameters()}
    weights = spectral.trainable_weights(network)
    sum(output.square().sum() for output in spectral.forward(weights, clips.transpose(0, 1).contiguous())).backward()
    for name, weight in weights.items():
        found = weight.grad.permute(2, 1, 0) if weight.ndim == 3 else weight.grad
        torch.testing.assert_close(found, expected[name], rtol=1e-3, atol=1e-5)


def test_41_frames_take_67_products_instead_of_369():
    of_frames, of_taps, of_output = spectral._product_matrices(41)
    assert of_frames.shape == (67, 41)
    assert of_taps.shape == (67, 9)
    assert of_output.shape == (41, 67)


def test_bfloat16_is_close_to_float32():
    torch.manual_seed(0)
    weights = spectral.trainable_weights(RMSNet(512, 3))
    clips = torch.randn(41, 64, 512)
    with torch.no_grad():
        exact, rounded = spectral.forward(weights, clips), spectral.forward(weights, clips.bfloat16())
    for theirs, ours in zip(exact, rounded, strict=True):
        assert float((ours - theirs).norm() / theirs.norm()) < 0.02


def test_changing_the_leaves_changes_the_network():
    network = RMSNet(4, 3)
    weights = spectral.trainable_weights(network)
    with torch.no_grad():
        for weight in weights.values():
            weight.fill_(2.0)
    assert all(bool((parameter == 2).all()) for parameter in network.parameters())


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_drops_its_share(rate):
    torch.manual_seed(0)
    kept = spectral._kept(torch.empty(41, 64, 127), rate)
    assert set(kept.unique().tolist()) == {0.0, 1.0}
    dropped = 1 - kept.double().mean().item()
    assert abs(dropped - rate) < 5 * np.sqrt(rate * (1 - rate) / (41 * 64 * 127))


def test_dropout_keeps_the_size_of_what_it_leaves():
    """A clip whose frames are all alike keeps its maximum unless every frame is dropped: scaled by 1 / (1 - rate)."""
    torch.manual_seed(0)
    network = RMSNet(4, 3).eval()
    for parameter in (network.fc2.bias, network.fc_cls.bias):
        parameter.data.zero_()
    network.conv2.weight.data.zero_()
    network.conv2.bias.data.fill_(1.0)
    clips = torch.zeros(41, 8, 4)
    weights = spectral.trainable_weights(network)
    with torch.no_grad():
        plain, dropped = spectral.forward(weights, clips)[0], spectral.forward(weights, clips, 0.1)[0]
    torch.testing.assert_close(dropped, plain / 0.9)


def test_what_has_judged_first_can_learn_later():
    """The constant matrices are kept: inference mode must leave no mark on them."""
    spectral._products.cache_clear()
    weights, clips = spectral.trainable_weights(RMSNet(6, 3)), torch.randn(9, 2, 6)
    with torch.inference_mode():
        spectral.forward(weights, clips)
    logits, _ = spectral.forward(weights, clips)
    logits.sum().backward()
    assert weights["conv1.weight"].grad is not None
