"""The network as an ONNX graph gives what PyTorch gives."""

from functools import cache

import numpy as np
import onnxruntime
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rmsnet.network.dense import SHORTEST_CLIP, dense_scores
from rmsnet.network.model import Ensemble, RMSNet
from rmsnet.network.onnx_graph import clips_graph, every_clip_graph

WIDTH = 24


@cache
def network_of(members):
    torch.manual_seed(0)
    networks = [RMSNet(WIDTH, 3).eval() for _ in range(members)]
    return networks[0] if members == 1 else Ensemble(networks).eval()


@cache
def session_of(members, clip_frames=None):
    network, one_thread = network_of(members), onnxruntime.SessionOptions()
    one_thread.intra_op_num_threads = 1
    if clip_frames is None:
        graph = clips_graph(network, WIDTH, {"name": "full"})
    else:
        graph = every_clip_graph(network, WIDTH, clip_frames, {})
    return onnxruntime.InferenceSession(graph, one_thread)


def same(session, compute, *shape):
    features = np.random.default_rng(shape[0]).normal(size=(*shape, WIDTH)).astype(np.float32)
    with torch.inference_mode():
        expected = compute(torch.from_numpy(features))
    for ours, theirs in zip(session.run(["logits", "offset"], {"features": features}), expected, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from((1, 3)), st.integers(1, 9), st.integers(1, 90))
def test_onnx_runtime_gives_what_pytorch_gives_for_any_number_of_clips_and_frames(members, clips, frames):
    same(session_of(members), network_of(members), clips, frames)


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(((1, SHORTEST_CLIP), (1, 41), (2, 20))), st.integers(0, 200))
def test_a_clip_at_every_frame_is_what_pytorch_gives_for_halves_of_any_length(model, more):
    members, clip_frames = model
    network = network_of(members)
    same(session_of(*model), lambda rows: dense_scores(network, rows, clip_frames), clip_frames + more)


def test_the_file_says_what_it_is():
    session = session_of(1)
    assert session.get_modelmeta().custom_metadata_map == {"name": "full"}
    assert session.get_inputs()[0].shape == ["batch", "frames", WIDTH]
