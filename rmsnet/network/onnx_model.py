"""A model folder for machines without PyTorch: ONNX graphs in the place of the weights, and the config.json."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError, one_line
from rmsnet.files import content_hash, write_bytes, write_json
from rmsnet.network.model_config import CONFIG, EVERY_CLIP_ONNX, ONNX, WEIGHTS, read_config
from rmsnet.network.spotting_model import SpottingModel

ONNX_HASHES = "onnx_hashes"
"""In config.json: of each graph's file as it was written."""


@dataclass(frozen=True)
class OnnxModel(SpottingModel):
    """A model that ONNX Runtime computes, on the CPU; `rmsnet.network.onnx_graph` says what graphs take and give.

    Attributes:
        network: None.
        clips: session of `clips_graph`.
        every_clip: session of `every_clip_graph`; None: the model's clips are too short for it.
    """

    clips: Any = None
    every_clip: Any = None


def save_onnx(folder: Path, model: SpottingModel, others: Mapping[str, bytes] | None = None) -> None:
    """Write a model's graphs and config into a folder that exists.

    Args:
        folder: gets them.
        model: of PyTorch.
        others: further graphs of the model, by the name of their file.
    """
    from rmsnet.network.dense import SHORTEST_CLIP
    from rmsnet.network.onnx_graph import clips_graph, every_clip_graph

    told = {key: str(model.config[key]) for key in ("name", "weights_hash", "clip_frames", "frame_rate")}
    told["classes"] = ",".join(model.classes)
    width, graphs = int(model.config["width"]), dict(others or {})
    graphs[ONNX] = clips_graph(model.network, width, told)
    if model.clip_frames >= SHORTEST_CLIP:
        graphs[EVERY_CLIP_ONNX] = every_clip_graph(model.network, width, model.clip_frames, told)
    for name, content in graphs.items():
        write_bytes(folder / name, content)
    hashes = {name: content_hash(content) for name, content in sorted(graphs.items())}
    write_json(folder / CONFIG, {**model.config, ONNX_HASHES: hashes})


def is_onnx(folder: Path) -> bool:
    """Whether a model's folder holds its graphs alone."""
    return (folder / ONNX).exists() and not (folder / WEIGHTS).exists()


def load_spotter(folder: Path, device: str = "auto") -> SpottingModel:
    """The model of a folder: by PyTorch where its weights lie there, by ONNX Runtime where the graphs alone do.

    Raises:
        UserError: see `rmsnet.network.model_files.load_model`; a graph that is damaged, or a device that it is not for.
    """
    folder = Path(folder)
    if not is_onnx(folder):
        from rmsnet.network.devices import choose_device
        from rmsnet.network.model_files import load_model

        return load_model(folder, choose_device(device))
    if device == "cuda":
        raise UserError(f"--device cuda: {folder / ONNX} is computed on the CPU; take the model of PyTorch")
    config = read_config(folder)
    network: Any = None
    every_clip = open_graph(folder, EVERY_CLIP_ONNX) if EVERY_CLIP_ONNX in _hashes(config) else None
    return OnnxModel(network, config, open_graph(folder, ONNX), every_clip)


def open_graph(folder: Path, name: str) -> Any:
    """The session of one of a model's graphs, on as many threads as OMP_NUM_THREADS says, as PyTorch's are.

    Raises:
        UserError: it is not there, not the file that its config was written with, or none that ONNX Runtime reads.
    """
    import onnxruntime

    path = folder / name
    if not path.exists() or content_hash(path.read_bytes()) != _hashes(read_config(folder)).get(name):
        raise UserError(f"{path}: is not there, or not the file its {CONFIG} was written with; export the model again")
    settings = onnxruntime.SessionOptions()
    settings.log_severity_level = 3
    threads = os.environ.get("OMP_NUM_THREADS", "")
    settings.intra_op_num_threads = int(threads) if threads.isdecimal() else 0
    # A thread without work sleeps: decoding, and whoever else is on the machine, wants the processor.
    settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
    try:
        return onnxruntime.InferenceSession(path, settings, providers=["CPUExecutionProvider"])
    except Exception as error:  # the library's own have no base of their own
        raise UserError(f"{path}: ONNX Runtime cannot read it ({one_line(error)[:120]})") from None


def _hashes(config: Mapping[str, Any]) -> Mapping[str, Any]:
    hashes = config.get(ONNX_HASHES)
    return hashes if isinstance(hashes, dict) else {}
