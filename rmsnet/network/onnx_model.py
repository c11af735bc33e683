"""A model folder for machines without PyTorch: model.onnx in the place of model.safetensors, and the config.json."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError
from rmsnet.files import content_hash, write_bytes, write_json
from rmsnet.network.model_config import CONFIG, ONNX, WEIGHTS, read_config
from rmsnet.network.spotting_model import SpottingModel

ONNX_HASH = "onnx_hash"
"""In config.json: of the file as it was written."""


@dataclass(frozen=True)
class OnnxModel(SpottingModel):
    """A model that ONNX Runtime computes, on the CPU.

    Attributes:
        network: None.
        session: takes "features" (B, T, D) float32; gives "logits" (B, C + 1) and "offset" (B,).
    """

    session: Any = None


def save_onnx(folder: Path, model: SpottingModel) -> None:
    """Write a model's graph and config into a folder that exists."""
    from rmsnet.network.onnx_graph import onnx_model

    told = {key: str(model.config[key]) for key in ("name", "weights_hash", "clip_frames", "frame_rate")}
    content = onnx_model(model.network, {**told, "classes": ",".join(model.classes)}).SerializeToString()
    write_bytes(folder / ONNX, content)
    write_json(folder / CONFIG, {**model.config, ONNX_HASH: content_hash(content)})


def load_spotter(folder: Path, device: str = "auto") -> SpottingModel:
    """The model of a folder: by PyTorch where its weights lie there, by ONNX Runtime where the graph alone does.

    Raises:
        UserError: see `rmsnet.network.model_files.load_model`; a graph that is damaged, or a device that it is not for.
    """
    if not (folder / ONNX).exists() or (folder / WEIGHTS).exists():
        from rmsnet.network.devices import choose_device
        from rmsnet.network.model_files import load_model

        return load_model(folder, choose_device(device))
    config = read_config(folder)
    content = (folder / ONNX).read_bytes()
    if content_hash(content) != config.get(ONNX_HASH):
        raise UserError(f"{folder / ONNX}: is not the file its {CONFIG} was written with; export the model again")
    if device == "cuda":
        raise UserError(f"--device cuda: {folder / ONNX} is computed on the CPU; take the model of PyTorch")
    import onnxruntime

    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
    network: Any = None
    return OnnxModel(network, config, session)
