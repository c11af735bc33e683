"""Networks as ONNX graphs, for programs and machines that have no PyTorch; traced by PyTorch's own exporter."""

import warnings
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from torch import Tensor, nn

from rmsnet.network.dense import SHORTEST_CLIP, dense_scores
from rmsnet.network.model import Ensemble, RMSNet

OPSET = 18
"""Of ONNX Runtime 1.14 and later."""

Axes = Mapping[str, tuple[str, ...]]
"""The lengths of each input or output that are free, by name, from the first on."""


def clips_graph(network: RMSNet | Ensemble, width: int, told: Mapping[str, str]) -> bytes:
    """What `RMSNet.forward` takes and gives.

    features (batch, frames, width) float32 → logits (batch, C + 1), offset (batch,); any number of clips and frames.

    Args:
        network: one in eval mode, or several that answer together.
        width: of the features.
        told: what the file says of itself: its metadata.
    """
    answers = {"logits": ("batch",), "offset": ("batch",)}
    return traced(network, torch.zeros(2, SHORTEST_CLIP, width), {"features": ("batch", "frames")}, answers, told)


def every_clip_graph(network: RMSNet | Ensemble, width: int, clip_frames: int, told: Mapping[str, str]) -> bytes:
    """What `rmsnet.network.dense.dense_scores` takes and gives, for clips of one length.

    features (frames, width) float32 → logits (clips, C + 1), offset (clips,), clips = frames - clip_frames + 1; any
    number of frames from `clip_frames` on.

    Args:
        network: see `clips_graph`.
        width: of the features.
        clip_frames: T >= SHORTEST_CLIP.
        told: see `clips_graph`.
    """
    answers = {"logits": ("clips",), "offset": ("clips",)}
    half = torch.zeros(2 * clip_frames, width)
    return traced(_EveryClip(network, clip_frames), half, {"features": ("frames",)}, answers, told)


class _EveryClip(nn.Module):
    def __init__(self, network: RMSNet | Ensemble, clip_frames: int) -> None:
        super().__init__()
        self.network, self.clip_frames = network, clip_frames

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor]:
        return dense_scores(self.network, features, self.clip_frames)


def traced(module: nn.Module, example: Tensor, inputs: Axes, outputs: Axes, told: Mapping[str, str]) -> bytes:
    """The graph of a module in eval mode, checked.

    Args:
        module: of one input.
        example: of it.
        inputs: its free lengths.
        outputs: likewise, in the order in which the module gives them.
        told: the file's metadata.
    """
    import onnx

    with TemporaryDirectory(prefix="rmsnet-") as folder, warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")  # of the exporter that needs no further package, and of lengths that are fixed
        file = Path(folder) / "graph.onnx"
        torch.onnx.export(
            module.eval(),
            (example,),
            file,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(enumerate(axes)) for name, axes in {**inputs, **outputs}.items()},
            opset_version=OPSET,
            dynamo=False,
            do_constant_folding=False,  # each weight once; a runtime makes of it what it wants
        )
        model = onnx.load(file)
    onnx.helper.set_model_props(model, dict(told))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString()
    return content
