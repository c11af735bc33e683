import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.network.dense import SHORTEST_CLIP, _sliding_max, dense_scores
from rmsnet.network.model import RMSNet


@settings(max_examples=25, deadline=None)
@given(
    clip_frames=st.integers(SHORTEST_CLIP, 61),
    more=st.integers(0, 40),
    width=st.integers(1, 16),
    seed=st.integers(0, 1000),
)
def test_every_clip_gets_what_the_network_says_to_it_alone(clip_frames, more, width, seed):
    torch.manual_seed(seed)
    network = RMSNet(width, 3).eval()
    features = torch.randn(clip_frames + more, width)
    with torch.inference_mode():
        expected = network(features.unfold(0, clip_frames, 1).transpose(1, 2))
        found = dense_scores(network, features, clip_frames)
    for theirs, ours in zip(expected, found, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


@settings(deadline=None)
@given(rows=st.integers(1, 40), data=st.data())
def test_a_sliding_maximum_is_the_maximum_of_each_window(rows, data):
    window = data.draw(st.integers(1, rows))
    x = torch.randn(rows, 3)
    assert torch.equal(_sliding_max(x, window), x.unfold(0, window, 1).amax(dim=2))
