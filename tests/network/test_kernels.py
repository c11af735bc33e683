"""The compiled products against the same in PyTorch, in double precision where a rounding is looked at."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.network import kernels, spectral
from rmsnet.network.model import RMSNet

pytestmark = pytest.mark.skipif(
    kernels.library() is None, reason="no compiled products: no C compiler at installation, or no AVX-512 with bfloat16"
)

ROUNDING = 2**-8
"""Of bfloat16, relative: half of the last of eight bits."""

sizes = st.fixed_dictionaries(
    {
        "frames": st.integers(1, 60),
        "batch": st.integers(1, 14),
        "inputs": st.sampled_from([256, 512]),
        "outputs": st.sampled_from([64, 128, 256]),
        "seed": st.integers(0, 1000),
    }
)


def some(*shape):
    return torch.randn(*shape).bfloat16()


def assert_rounded(found, exact):
    """As good as the exact result rounded once: to within the noise of float32 sums."""
    assert found.shape == exact.shape
    error = (found.double() - exact).abs()
    assert bool((error <= ROUNDING * exact.abs() + 1e-4 * exact.abs().max()).all())


@settings(max_examples=25, deadline=None)
@given(rows=st.integers(1, 80), inner=st.integers(1, 80), batch=st.integers(1, 9), seed=st.integers(0, 1000))
def test_transform(rows, inner, batch, seed):
    torch.manual_seed(seed)
    matrix, x, bias = some(rows, inner), some(inner, batch, 128), torch.randn(128)
    exact = torch.einsum("mk,kbc->mbc", matrix.double(), x.double())
    assert_rounded(kernels.transform(matrix, x), exact)
    assert_rounded(kernels.transform(matrix, x, bias), (exact + bias.double()).relu())


@settings(max_examples=25, deadline=None)
@given(sizes)
def test_multiply(size):
    torch.manual_seed(size["seed"])
    of_taps = some(size["frames"], 9)
    taps, x = torch.randn(9, size["inputs"], size["outputs"]), some(size["frames"], size["batch"], size["inputs"])
    responses = torch.einsum("pk,kio->pio", of_taps.double(), taps.bfloat16().double()).bfloat16().double()
    found = kernels.multiply(of_taps, kernels.pair_taps(taps), x)
    assert_close(found, x.double() @ responses)


@settings(max_examples=25, deadline=None)
@given(sizes)
def test_gradient_of_the_taps(size):
    torch.manual_seed(size["seed"])
    of_taps = some(size["frames"], 9)
    x, gradient = (some(size["frames"], size["batch"], size[side]) for side in ("inputs", "outputs"))
    exact = torch.einsum("pk,pbi,pbo->kio", of_taps.double(), x.double(), gradient.double())
    assert_close(kernels.taps_gradient(of_taps, x, gradient), exact)


def assert_close(found, exact):
    """What was rounded on the way: by the size of the error as a whole."""
    assert found.shape == exact.shape
    assert float((found.double() - exact).norm() / exact.norm()) < ROUNDING


@settings(max_examples=25, deadline=None)
@given(sizes)
def test_peak_and_its_gradients(size):
    """Autograd's own through a convolution of what the taps are rounded to."""
    torch.manual_seed(size["seed"])
    frames, batch, inputs, outputs = (size[name] for name in ("frames", "batch", "inputs", "outputs"))
    y = some(frames, batch, outputs).relu()
    peak, frame = kernels.peak(y, 0.0)
    torch.testing.assert_close(peak, y.amax(dim=0), rtol=0, atol=0)
    assert torch.equal(frame.long(), y.argmax(dim=0))

    x, taps = some(frames, batch, inputs).double().requires_grad_(), some(9, inputs, outputs).double().requires_grad_()
    gradient = torch.randn(batch, outputs)
    convolved = torch.nn.functional.conv1d(x.permute(1, 2, 0), taps.permute(2, 1, 0), padding=4).permute(2, 0, 1)
    (convolved.gather(0, frame.long()[None])[0] * gradient).sum().backward()
    pairs = kernels.pair_taps(taps.detach().float())
    of_x, of_taps = kernels.sparse_gradients(gradient, frame, x.detach().bfloat16(), pairs)
    assert_close(of_x, x.grad)
    torch.testing.assert_close(of_taps.double(), taps.grad, rtol=1e-4, atol=1e-4)


def test_of_equal_frames_the_first_is_the_peak():
    y = torch.zeros(41, 2, 64, dtype=torch.bfloat16)
    y[7], y[9], y[8, 1] = 1, 1, 2
    peak, frame = kernels.peak(y, 0.0)
    assert frame.unique(dim=1).tolist() == [[7], [8]]
    assert peak.unique(dim=1).tolist() == [[1], [2]]


@pytest.mark.parametrize("place", [0, 20, 40])
def test_a_nan_stays_one(place):
    y = torch.ones(41, 2, 64, dtype=torch.bfloat16)
    y[place, 1, 5] = float("nan")
    peak, _ = kernels.peak(y, 0.1)
    assert peak.isnan().nonzero().tolist() == [[1, 5]]
    x = some(41, 2, 128)
    x[place, 1, 5] = float("nan")
    found = kernels.transform(some(41, 41), x, torch.zeros(128))
    assert found[:, 1, 5].isnan().all()
    assert found.isnan().sum() == 41


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_dropout_is_fair_and_independent(rate):
    """A number is dropped with the rate, it and one next to it, in any direction or the next call, with its square."""
    torch.manual_seed(0)
    one, two = (torch.ones(frames, 8192, 128, dtype=torch.bfloat16) for frames in (1, 2))
    first, second = (kernels.peak(one, rate)[0] == 0 for _ in range(2))
    pairs = [first & second, first & first.roll(1, 0), first & first.roll(1, 1), kernels.peak(two, rate)[0] == 0]
    for dropped, expected in [(first, rate), (second, rate), *((pair, rate**2) for pair in pairs)]:
        assert abs(dropped.double().mean().item() - expected) < 5 * (expected * (1 - expected) / first.numel()) ** 0.5


def test_the_peak_is_at_its_frame_and_what_was_dropped_is_not_it():
    torch.manual_seed(0)
    y = torch.rand(41, 64, 64).bfloat16() + 1
    peak, frame = kernels.peak(y, 0.5)
    assert torch.equal(y.gather(0, frame.long()[None])[0], peak)
    dropped = (peak < y.amax(dim=0)).double().mean().item()
    assert 0.4 < dropped < 0.5  # a half of the maxima, less where two frames share one


def test_dropout_comes_from_the_generator_and_none_leaves_it_alone():
    y = torch.rand(41, 4, 64).bfloat16()
    torch.manual_seed(0)
    state = torch.get_rng_state()
    kernels.peak(y, 0.0)
    assert torch.equal(torch.get_rng_state(), state)
    first = kernels.peak(y, 0.5)[0]
    assert not torch.equal(kernels.peak(y, 0.5)[0], first)
    torch.manual_seed(0)
    assert torch.equal(kernels.peak(y, 0.5)[0], first)


def compute(precision):
    """Loss and gradients of the network's function."""
    torch.manual_seed(0)
    weights = spectral.trainable_weights(RMSNet())
    loss = sum(output.square().sum() for output in spectral.forward(weights, some(41, 64, 512).to(precision)))
    return [loss.detach(), *torch.autograd.grad(loss, list(weights.values()))]


def test_the_network_computed_with_them_is_as_exact_as_with_pytorch(monkeypatch):
    exact, compiled = compute(torch.float32), compute(torch.bfloat16)
    monkeypatch.setattr(kernels, "library", lambda: None)
    by_pytorch = compute(torch.bfloat16)
    for ours, theirs, reference in zip(compiled, by_pytorch, exact, strict=True):
        assert not torch.equal(ours, theirs)  # two ways indeed
        assert (ours - reference).norm() < 1.25 * (theirs - reference).norm() + 0.01 * reference.norm()


def test_the_number_of_threads_changes_nothing():
    threads, found = torch.get_num_threads(), []
    try:
        for number in (1, 2, 5):
            torch.set_num_threads(number)
            torch.manual_seed(0)
            x, y, taps = some(41, 13, 256), some(41, 13, 64), torch.randn(9, 256, 64)
            peak, frame = kernels.peak(y.relu(), 0.1)
            pairs = kernels.pair_taps(taps)
            found.append(
                [
                    kernels.transform(some(41, 41), x),
                    kernels.multiply(some(41, 9), pairs, x),
                    kernels.taps_gradient(some(41, 9), x, y),
                    peak,
                    *kernels.sparse_gradients(torch.randn(13, 64), frame, x, pairs),
                ]
            )
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        assert all(torch.equal(ours, theirs) for ours, theirs in zip(found[0], other, strict=True))


def test_the_longest_clip_fits_a_threads_stack():
    torch.manual_seed(0)
    x, taps, bias = some(kernels.LONGEST, 2, 256), torch.randn(9, 256, 128), torch.zeros(128)
    assert kernels.fits(x, taps)
    leaves = [leaf.requires_grad_() for leaf in (x, taps, bias)]
    spectral._peak(
        spectral._convolution(x, torch.randn(9, 256, 256), torch.zeros(256)), taps, bias, 0.1
    ).sum().backward()
    assert all(bool(leaf.grad.isfinite().all()) for leaf in leaves)
    assert not kernels.fits(some(kernels.LONGEST + 1, 2, 256), taps)


@pytest.mark.parametrize(
    ("x", "taps"),
    [
        (torch.zeros(41, 2, 256), torch.zeros(9, 256, 64)),
        (torch.zeros(41, 2, 256, dtype=torch.bfloat16), torch.zeros(7, 256, 64)),
        (torch.zeros(41, 2, 128, dtype=torch.bfloat16), torch.zeros(9, 128, 64)),
        (torch.zeros(41, 2, 256, dtype=torch.bfloat16), torch.zeros(9, 256, 65)),
    ],
    ids=["float32", "seven taps", "few inputs", "odd outputs"],
)
def test_what_does_not_fit_is_left_to_pytorch(x, taps):
    assert not kernels.fits(x, taps)
    assert spectral._convolution(x, taps, torch.ones(taps.shape[2])).unique().tolist() == [1]
