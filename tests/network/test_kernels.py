"""The compiled convolutions, each that this processor can, against the same in PyTorch in double precision."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.errors import UserError
from rmsnet.network import kernels, spectral
from rmsnet.network.devices import choose_precision
from rmsnet.network.kernels import PATHS
from rmsnet.network.model import RMSNet

SIZE_OF_ERROR = {torch.float32: 2**-20, torch.bfloat16: 2**-7}
"""Relative, of a whole convolution: a few roundings."""

sizes = st.fixed_dictionaries(
    {
        "frames": st.integers(1, 60),
        "batch": st.integers(1, 70),
        "inputs": st.sampled_from([64, 256, 512]),
        "outputs": st.sampled_from([64, 128]),
        "seed": st.integers(0, 1000),
    }
)


every_path = pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            path, marks=pytest.mark.skipif(path not in kernels.usable(), reason="not compiled, or not this CPU")
        )
        for path in PATHS
    ],
)


def some(*shape, dtype=torch.float32):
    """Of few digits, the same in each type."""
    return torch.randn(*shape).bfloat16().to(dtype)


def convolved(x, taps):
    """(T, B, Cin) by (9, Cin, Cout) in double precision."""
    return F.conv1d(x.double().permute(1, 2, 0), taps.double().permute(2, 1, 0), padding=4).permute(2, 0, 1)


def assert_close(found, exact, dtype):
    """By the size of the error as a whole."""
    assert found.shape == exact.shape
    assert (found.double() - exact).norm() <= SIZE_OF_ERROR[dtype] * exact.norm()


@every_path
@settings(max_examples=15, deadline=None)
@given(sizes)
def test_a_convolution_and_its_gradients(name, size):
    compiled = kernels.kernels(name)
    torch.manual_seed(size["seed"])
    frames, batch, inputs, outputs = (size[key] for key in ("frames", "batch", "inputs", "outputs"))
    x = some(frames, batch, inputs, dtype=compiled.dtype).requires_grad_()
    taps, bias = torch.randn(9, inputs, outputs).requires_grad_(), torch.randn(outputs).requires_grad_()
    gradient = some(frames, batch, outputs, dtype=compiled.dtype)

    y = spectral._CompiledConvolution.apply(compiled, x, taps, bias)
    exact = convolved(x, taps) + bias
    assert_close(y, exact.relu(), compiled.dtype)
    exact = torch.where(y > 0, exact, 0)  # of ReLU, where rounding may have the last word
    found = torch.autograd.grad(y, (x, taps, bias), gradient)
    expected = torch.autograd.grad(exact, (x, taps, bias), gradient.double())
    for ours, theirs in zip(found, expected, strict=True):
        if theirs.abs().max() > 0:
            assert_close(ours, theirs.double(), compiled.dtype)


@every_path
@settings(max_examples=15, deadline=None)
@given(sizes)
def test_a_peak_and_its_gradients(name, size):
    compiled = kernels.kernels(name)
    torch.manual_seed(size["seed"])
    frames, batch, inputs, outputs = (size[key] for key in ("frames", "batch", "inputs", "outputs"))
    x = some(frames, batch, inputs, dtype=compiled.dtype).requires_grad_()
    taps, bias = torch.randn(9, inputs, outputs).requires_grad_(), torch.randn(outputs).requires_grad_()
    gradient = some(batch, outputs, dtype=compiled.dtype)

    y = spectral._CompiledConvolution.apply(compiled, x, taps, bias)
    peak = spectral._CompiledPeak.apply(compiled, x, taps, bias, 0.0)
    assert torch.equal(peak, y.amax(dim=0))

    products = compiled.multiply(compiled.frequencies(x, 1), compiled.pack(taps), x.shape, outputs, 1)
    again, frame = compiled.peak(products, (frames, batch, outputs), bias, 0.0)
    assert torch.equal(again, peak)
    there = y.gather(0, frame.long()[None])[0]
    assert torch.equal(there, peak)  # bfloat16 may have equal ones before it, which were less in float32
    exact = torch.where(peak > 0, (convolved(x, taps) + bias).gather(0, frame.long()[None])[0], 0)
    found = torch.autograd.grad(peak, (x, taps, bias), gradient)
    expected = torch.autograd.grad(exact, (x, taps, bias), gradient.double())
    for ours, theirs in zip(found, expected, strict=True):
        assert_close(ours, theirs.double(), compiled.dtype)


def peak_of(compiled, y, dropout=0.0):
    """The maximum over time of frames y, by way of their frequencies."""
    parts = compiled.frequencies(y, 1)[: 2 * kernels.tables_for(len(y)).count - 1]
    return compiled.peak(parts, tuple(y.shape), torch.zeros(y.shape[2]), dropout)


@every_path
def test_where_nothing_is_above_0_the_peak_is_0_in_the_first_frame_and_has_no_gradient(name):
    compiled = kernels.kernels(name)
    x, taps = torch.zeros(41, 2, 64, dtype=compiled.dtype, requires_grad=True), torch.randn(9, 64, 64)
    peak = spectral._CompiledPeak.apply(compiled, x, taps, torch.zeros(64), 0.0)
    assert peak.unique().tolist() == [0]
    assert peak_of(compiled, x.detach())[1].unique().tolist() == [0]
    assert torch.autograd.grad(peak.sum(), x)[0].unique().tolist() == [0]


@every_path
@pytest.mark.parametrize("place", [0, 20, 40])
def test_a_nan_stays_one_and_in_its_clip(name, place):
    compiled = kernels.kernels(name)
    x, taps = torch.ones(41, 3, 64, dtype=compiled.dtype), torch.randn(9, 64, 64)
    x[place, 1, 5] = float("nan")
    for found in (
        spectral._CompiledConvolution.apply(compiled, x, taps, torch.zeros(64)),
        spectral._CompiledPeak.apply(compiled, x, taps, torch.zeros(64), 0.1)[None],
    ):
        assert found[:, 1].isnan().all()
        assert not found[:, ::2].isnan().any()


@every_path
@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_is_fair_and_independent(name, rate):
    """A number is dropped with the rate, it and one next to it, in any direction or the next call, with its square."""
    compiled = kernels.kernels(name)
    torch.manual_seed(0)
    one, two = (torch.ones(frames, 2048, 128, dtype=compiled.dtype) for frames in (1, 2))
    first, second = (peak_of(compiled, one, rate)[0] == 0 for _ in range(2))
    pairs = [first & second, first & first.roll(1, 0), first & first.roll(1, 1), peak_of(compiled, two, rate)[0] == 0]
    for dropped, expected in [(first, rate), (second, rate), *((pair, rate**2) for pair in pairs)]:
        assert abs(dropped.double().mean().item() - expected) < 5 * (expected * (1 - expected) / first.numel()) ** 0.5


@every_path
def test_the_peak_is_at_its_frame_and_what_was_dropped_is_not_it(name):
    compiled = kernels.kernels(name)
    torch.manual_seed(0)
    y = (torch.rand(41, 64, 64) + 1).to(compiled.dtype)
    peak, frame = peak_of(compiled, y, 0.5)
    torch.testing.assert_close(y.gather(0, frame.long()[None])[0], peak, rtol=0.02, atol=0)
    dropped = (peak.float() < 0.99 * y.amax(dim=0)).double().mean().item()
    assert 0.2 < dropped < 0.5  # a half of the maxima, less where others are nearly as large


@every_path
def test_dropout_comes_from_the_generator_and_none_leaves_it_alone(name):
    compiled, y = kernels.kernels(name), torch.rand(41, 4, 64)
    y = y.to(compiled.dtype)
    torch.manual_seed(0)
    state = torch.get_rng_state()
    peak_of(compiled, y)
    assert torch.equal(torch.get_rng_state(), state)
    first = peak_of(compiled, y, 0.5)[0]
    assert not torch.equal(peak_of(compiled, y, 0.5)[0], first)
    torch.manual_seed(0)
    assert torch.equal(peak_of(compiled, y, 0.5)[0], first)


def loss_and_gradients(dtype):
    """Of the network's function."""
    torch.manual_seed(0)
    weights = spectral.trainable_weights(RMSNet())
    clips = some(41, 64, 512).to(dtype)
    loss = sum(output.square().sum() for output in spectral.forward(weights, clips))
    return [loss.detach(), *torch.autograd.grad(loss, list(weights.values()))]


@every_path
def test_the_network_computed_with_them_is_as_exact_as_with_pytorch(name, monkeypatch):
    monkeypatch.setenv("RMSNET_KERNELS", "pytorch")
    exact, by_pytorch = loss_and_gradients(torch.float32), loss_and_gradients(PATHS[name])
    monkeypatch.setenv("RMSNET_KERNELS", name)
    for ours, theirs, reference in zip(loss_and_gradients(PATHS[name]), by_pytorch, exact, strict=True):
        slack = {torch.float32: 4e-6, torch.bfloat16: 0.01}[PATHS[name]]  # float32 by PyTorch is the reference itself
        assert (ours - reference).norm() <= (theirs - reference).norm() + slack * reference.norm()


@every_path
def test_the_number_of_threads_changes_nothing(name):
    compiled, threads, found = kernels.kernels(name), torch.get_num_threads(), []
    try:
        for number in (1, 2, 5):
            torch.set_num_threads(number)
            torch.manual_seed(0)
            x = some(41, 13, 256, dtype=compiled.dtype).requires_grad_()
            taps, bias = torch.randn(9, 256, 64).requires_grad_(), torch.randn(64).requires_grad_()
            for y in (
                spectral._CompiledConvolution.apply(compiled, x, taps, bias),
                spectral._CompiledPeak.apply(compiled, x, taps, bias, 0.1),
            ):
                found.append((number, [y, *torch.autograd.grad(y.float().square().sum(), (x, taps, bias))]))
    finally:
        torch.set_num_threads(threads)
    for number, tensors in found[2:]:
        expected = found[0 if len(tensors[0].shape) == 3 else 1][1]
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(tensors, expected, strict=True)), number


@every_path
def test_the_largest_clip_fits_a_threads_stack(name, monkeypatch):
    monkeypatch.setenv("RMSNET_KERNELS", name)
    x = some(kernels.LONGEST, 33, kernels.WIDEST, dtype=PATHS[name]).requires_grad_()
    taps, last = torch.randn(9, kernels.WIDEST, kernels.WIDEST), torch.randn(9, kernels.WIDEST, 64)
    leaves = [taps.requires_grad_(), last.requires_grad_()]
    y = spectral._convolution(x, taps, torch.zeros(kernels.WIDEST))
    spectral._peak(y, last, torch.zeros(64), 0.1).sum().backward()
    assert all(bool(leaf.grad.isfinite().all()) for leaf in [x, *leaves])
    assert kernels.fitting(some(kernels.LONGEST + 1, 2, 64, dtype=PATHS[name]), last) is None


@pytest.mark.parametrize(
    ("x", "taps"),
    [
        (torch.zeros(41, 2, 64, dtype=torch.float64), torch.zeros(9, 64, 64)),
        (torch.zeros(41, 2, 64), torch.zeros(7, 64, 64)),
        (torch.zeros(41, 2, 65), torch.zeros(9, 65, 64)),
        (torch.zeros(41, 2, 64), torch.zeros(9, 64, 65)),
        (torch.zeros(41, 2, 1024), torch.zeros(9, 1024, 64)),
    ],
    ids=["float64", "seven taps", "odd inputs", "odd outputs", "many inputs"],
)
def test_what_does_not_fit_is_left_to_pytorch(x, taps):
    assert kernels.fitting(x, taps) is None
    assert spectral._convolution(x, taps, torch.ones(taps.shape[2])).unique().tolist() == [1]


def test_one_path_is_chosen_for_each_type_and_can_be_forced(monkeypatch):
    monkeypatch.delenv("RMSNET_KERNELS", raising=False)
    for dtype in (torch.float32, torch.bfloat16):
        of_type = [name for name in kernels.usable() if PATHS[name] == dtype]
        assert kernels.chosen(dtype) == (of_type or ["pytorch"])[0]
    for name in kernels.usable():
        monkeypatch.setenv("RMSNET_KERNELS", name)
        assert {kernels.chosen(dtype) for dtype in (torch.float32, torch.bfloat16)} == {name, "pytorch"}
        assert choose_precision("auto", torch.device("cpu")) == PATHS[name]
    monkeypatch.setenv("RMSNET_KERNELS", "pytorch")
    assert kernels.chosen(torch.float32) == kernels.chosen(torch.bfloat16) == "pytorch"


@pytest.mark.parametrize("name", ["avx3", "neon", "avx2"])
def test_an_unknown_or_impossible_path_is_refused_in_one_line(name, monkeypatch):
    monkeypatch.setenv("RMSNET_KERNELS", name)
    monkeypatch.setattr(kernels, "usable", lambda: ["avx512"])
    with pytest.raises(
        UserError, match=rf"^RMSNET_KERNELS={name}: .*; here there are avx512, pytorch; or leave it unset$"
    ):
        choose_precision("auto", torch.device("cpu"))
