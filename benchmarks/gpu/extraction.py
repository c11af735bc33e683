"""Features of pictures that lie in memory, by `rmsnet.video.torch_extractor`: no decoding, random weights."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.fx.experimental.optimization import fuse

from benchmarks.gpu.clock import recorded, seconds_of
from benchmarks.gpu.limits import Products, convolution_rate, product_rate
from benchmarks.gpu.record import Record
from benchmarks.gpu.settings import Settings
from rmsnet.video.backbones import build_backbone
from rmsnet.video.preprocessing import normalized
from rmsnet.video.recipe import Recipe
from rmsnet.video.torch_extractor import FRAMES_AT_ONCE, TorchExtractor

COMPARED = 4
"""Pictures whose features are compared with the CPU's."""


def run(record: Record, device: torch.device, settings: Settings, work: Path) -> None:
    record.row(
        "backbone",
        settings.backbone,
        "",
        f"{settings.side} × {settings.side} uint8 pictures, pinned; `rmsnet extract` takes "
        f"{FRAMES_AT_ONCE[device.type]} at once",
    )
    network = calm(build_backbone(settings.backbone).eval())
    pictures = torch.randint(256, (max(settings.at_once), 3, settings.side, settings.side), dtype=torch.uint8)
    pictures = pictures.pin_memory() if device.type == "cuda" else pictures
    few = pictures[:COMPARED]
    on_cpu = extractor_of(settings, network, torch.device("cpu"), "float32").features(few)
    network.to(device).to(memory_format=torch.channels_last)
    with torch.no_grad(), Products() as products:
        network(few.to(device, torch.float32))
    flop = products.flop / len(few)
    record.row("arithmetic of a picture", flop / 1e9, "GFLOP")
    for name, precision, tf32, dtype in (
        ("bfloat16", "bfloat16", True, torch.bfloat16),
        ("float32, TF32 on (as PyTorch has it)", "float32", True, torch.float32),
        ("float32, TF32 off", "float32", False, torch.float32),
    ):
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=tf32):
            extractor = extractor_of(settings, network, device, precision)
            error = np.linalg.norm(extractor.features(few) - on_cpu) / np.linalg.norm(on_cpu)
            record.check(f"{name}: features against float32 on the CPU, relative", float(error), 3e-2 if tf32 else 1e-4)
            product = product_rate(settings.matrix, dtype, device, settings.seconds / 3, tf32)
            convolution = convolution_rate(
                max(settings.at_once), settings.side // 16, dtype, device, settings.seconds / 3
            )
            limit = max(product, convolution)
            record.row(
                f"{name}: large product, 3 × 3 convolution",
                f"{product / 1e12:.3g}, {convolution / 1e12:.3g}",
                "TFLOP/s",
            )
            for size in settings.at_once:
                work = partial(extractor.features, pictures[:size])
                found = speed(record, f"{name}: {size} at once", work, size, device, settings)
                record.row(
                    f"{name}: {size} at once, arithmetic",
                    found * flop / 1e12,
                    "TFLOP/s",
                    f"{found * flop / limit:.0%} of the best measured",
                )
    folded(record, network, pictures[: max(COMPARED, FRAMES_AT_ONCE[device.type])], on_cpu, device, settings)


def speed(
    record: Record, name: str, work: Callable[[], object], size: int, device: torch.device, settings: Settings
) -> float:
    """Frames/s of work on so many, and its memory on the GPU."""
    memory = ""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats()
        before = torch.cuda.memory_allocated()
        work()
        memory = f"{(torch.cuda.max_memory_allocated() - before) / 1e9:.2f} GB beside the network"
    found = size / seconds_of(work, device, settings.seconds)
    record.row(name, found, "frames/s", memory)
    return found


def folded(
    record: Record,
    network: nn.Module,
    pictures: Tensor,
    on_cpu: npt.NDArray[np.float32],
    device: torch.device,
    settings: Settings,
) -> None:
    """What else could be done: batch norms folded into the convolutions, weights in bfloat16, a CUDA graph."""
    folded = fuse(network).to(torch.bfloat16).to(memory_format=torch.channels_last)
    extractor = extractor_of(settings, folded, device, "bfloat16")
    size, name = len(pictures), "bfloat16, batch norms folded into the convolutions"
    error = np.linalg.norm(extractor.features(pictures[: len(on_cpu)]) - on_cpu) / np.linalg.norm(on_cpu)
    record.check(f"{name}: features against float32 on the CPU, relative", float(error), 3e-2)
    speed(record, f"{name}: {size} at once", partial(extractor.features, pictures), size, device, settings)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        images = normalized(pictures.to(device), extractor.recipe)  # its constants come from the CPU: not in a graph
        replay = recorded(lambda: folded(images), device)
        speed(record, f"{name}, as a CUDA graph: {size} at once", replay, size, device, settings)


def extractor_of(settings: Settings, network: nn.Module, device: torch.device, precision: str) -> TorchExtractor:
    recipe = Recipe(settings.backbone, "random", "", 2.0, 0.5, settings.side, settings.side, None, precision=precision)
    return TorchExtractor(recipe, network, None, device)


def calm(network: nn.Module) -> nn.Module:
    """Random weights whose activations do not grow from block to block, as trained ones' do not."""
    for name, module in network.named_modules():
        if isinstance(module, nn.BatchNorm2d) and name.rpartition(".")[2] in ("bn2", "bn3"):
            nn.init.constant_(module.weight, 0.5)
    return network
