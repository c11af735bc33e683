"""The network as an ONNX graph gives what PyTorch gives."""

import numpy as np
import onnxruntime
import pytest
import torch

from rmsnet.network.model import Ensemble, RMSNet
from rmsnet.network.onnx_graph import onnx_model


def networks():
    torch.manual_seed(0)
    one, two, three = (RMSNet(24, 3).eval() for _ in range(3))
    return {"one": one, "ensemble": Ensemble([one, two, three]).eval()}


@pytest.mark.parametrize("name", ["one", "ensemble"])
def test_onnx_runtime_gives_what_pytorch_gives_for_any_number_of_clips_and_frames(name):
    network = networks()[name]
    session = onnxruntime.InferenceSession(onnx_model(network, {}).SerializeToString())
    for clips, frames in ((1, 41), (7, 41), (3, 9), (2, 200)):
        features = np.random.default_rng(clips).normal(size=(clips, frames, 24)).astype(np.float32)
        with torch.inference_mode():
            expected = network(torch.from_numpy(features))
        logits, offset = session.run(["logits", "offset"], {"features": features})
        np.testing.assert_allclose(logits, expected[0], atol=1e-4)
        np.testing.assert_allclose(offset, expected[1], atol=1e-4)


def test_the_file_says_what_it_is():
    session = onnxruntime.InferenceSession(onnx_model(networks()["one"], {"name": "full"}).SerializeToString())
    assert session.get_modelmeta().custom_metadata_map == {"name": "full"}
    assert session.get_inputs()[0].shape == ["batch", "frames", 24]
