"""How much of the backbone's own speed is left when it is fed from a video, and whether decoding holds up fine-tuning.

    python -m benchmarks.video extraction --backbone resnet50
    python -m benchmarks.video frames --backbone resnet50
    python -m benchmarks.video decoding --video FILE
    python -m benchmarks.video hardware --video FILE

The first two measure the reference (the backbone on frames that are there already) in the same run, the third what
FFmpeg alone takes for the pictures that are needed, the fourth what an NVIDIA card's decoder would change; on a
simulated broadcast or on --video FILE. Weights are random: the speed is the same. On a machine that does other work too
the time of CPU counts: where the cores are busy anyway, throughput is its inverse.
"""

import argparse
import hashlib
import os
import time
from collections.abc import Callable
from fractions import Fraction
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from rmsnet.network.devices import choose_device
from rmsnet.simulation.broadcast import direct
from rmsnet.simulation.draws import Draws
from rmsnet.simulation.video import match_colours, write_half_video
from rmsnet.video import opening, packets
from rmsnet.video.decoding import expected_samples, sampled_pictures
from rmsnet.video.extractor import image_batches, video_features
from rmsnet.video.frames import FrameZip, Pictures, decode_jpeg, write_frames
from rmsnet.video.recipe import Recipe
from rmsnet.video.recording import recording_of
from rmsnet.video.skipping import Choice, Times
from rmsnet.video.torch_extractor import TorchExtractor

TIMES = (2.0, 0.5)
"""Samples a second, and the first."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("extraction", "frames", "decoding", "hardware"))
    parser.add_argument("--backbone", default="resnet50")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), default="float32")
    parser.add_argument("--video", type=Path, help="default: a simulated broadcast")
    parser.add_argument("--seconds", type=int, default=60, help="length of the video (default: 60)")
    parser.add_argument("--rounds", type=int, default=3, help="the best of so many is taken (default: 3)")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
    options = parser.parse_args()
    if options.what in ("decoding", "hardware"):
        measure = decoding if options.what == "decoding" else hardware
        with TemporaryDirectory() as folder:
            measure(options.video or simulated_video(Path(folder) / "half.mkv", options.seconds), options.rounds)
        print(f"load {os.getloadavg()[0]:.1f}")
        return
    device = choose_device(options.device)
    print(f"{options.backbone}, {options.precision} on {device}, {torch.get_num_threads()} threads", flush=True)
    with TemporaryDirectory() as folder:
        video = options.video or simulated_video(Path(folder) / "half.mkv", options.seconds)
        if options.what == "extraction":
            extraction(video, random_extractor(options.backbone, device, options.precision), options.rounds)
        else:
            extractor = random_extractor(options.backbone, device, options.precision, whole=True)
            frames(video, Path(folder), extractor, options.rounds)
    print(f"load {os.getloadavg()[0]:.1f}")


def simulated_video(path: Path, seconds: int) -> Path:
    draws = Draws(0)
    broadcast = direct(draws, [], 2 * seconds)
    write_half_video(path, draws, match_colours(draws), broadcast, [], (0, 0))
    return path


def random_extractor(backbone: str, device: torch.device, precision: str, whole: bool = False) -> TorchExtractor:
    """A backbone with random weights."""
    from rmsnet.video.backbones import build_backbone

    network = build_backbone(backbone).eval().to(device).to(memory_format=torch.channels_last)
    size = {"resize": None, "width": 398} if whole else {}
    return TorchExtractor(Recipe(backbone, "random", "", *TIMES, precision=precision, **size), network, None, device)


class Speed:
    """Of some work, in the best of its rounds.

    Attributes:
        rate: frames a second.
        cpu_ms: milliseconds of all cores together a frame.
    """

    def __init__(self) -> None:
        self.rate, self.cpu_ms = 0.0, float("inf")

    def measure(self, work: Callable[[], int], rounds: int = 1) -> "Speed":
        for _ in range(rounds):
            begin, cpu = time.perf_counter(), time.process_time()
            done = work()
            self.cpu_ms = min(self.cpu_ms, 1000 * (time.process_time() - cpu) / done)
            self.rate = max(self.rate, done / (time.perf_counter() - begin))
        return self

    def __str__(self) -> str:
        return f"{self.rate:8.1f} frames/s  {self.cpu_ms:7.1f} ms of CPU a frame"


def extraction(video: Path, extractor: TorchExtractor, rounds: int) -> None:
    """Video to features, against the same network on the same batches in memory; rounds of both alternate."""
    recipe = extractor.recipe

    def decoded() -> int:
        return sum(1 for _ in sampled_pictures(video, recipe.frame_rate, recipe.first_frame_seconds))

    pictures = sampled_pictures(video, recipe.frame_rate, recipe.first_frame_seconds)
    batches = list(image_batches(pictures, extractor))

    def network_alone() -> int:
        return sum(len(extractor.features(batch)) for batch in batches)

    def from_video() -> int:
        return len(video_features(video, extractor).features)

    extractor.features(batches[0])
    alone, whole = Speed(), Speed()
    for _ in range(rounds):
        alone.measure(network_alone)
        whole.measure(from_video)
    print(f"decoding alone     {Speed().measure(decoded, rounds)}")
    print(f"network alone      {alone} (batches of {len(batches[0])})")
    print(f"video to features  {whole}")
    print(
        f"of the network's own speed: {100 * whole.rate / alone.rate:.0f} % by the clock, "
        f"{100 * alone.cpu_ms / whole.cpu_ms:.0f} % by CPU"
    )


def decoding(video: Path, rounds: int) -> None:
    """The sampled pictures, against FFmpeg decoding the packets that they are made from and nothing else.

    The floor has these packets in memory and leaves the pictures as they come out of the decoder; ours opens the file,
    reads and chooses the packets, and makes RGB of the pictures. Rounds of all three alternate.
    """
    recording, times = recording_of(video), Times(Fraction(TIMES[1]), 1 / Fraction(TIMES[0]))
    samples = expected_samples(video, *TIMES)

    def ours() -> int:
        return sum(1 for _ in sampled_pictures(video, *TIMES))

    def whole() -> int:
        """Every picture decoded, as before some were left out."""
        kept, packets.may_skip = packets.may_skip, lambda *_: False
        try:
            return ours()
        finally:
            packets.may_skip = kept

    with packets.packets_from(recording, Fraction(0), packets.Tally()) as read:
        every = list(read)
        stream = every[0].stream
        needed = [(packet, True) for packet in every]
        if packets.may_skip(recording, times):
            needed = list(Choice(stream, recording.start, times).of(every))

        def floor() -> int:
            for packet, wanted in needed:
                stream.codec_context.skip_frame = "DEFAULT" if wanted else "NONREF"
                packet.decode()
            stream.codec_context.flush_buffers()
            return samples

        speeds = {"every picture decoded": whole, "ours": ours, "FFmpeg alone, needed packets": floor}
        measured = {name: Speed() for name in speeds}
        for _ in range(rounds):
            for name, work in speeds.items():
                measured[name].measure(work)
    print(f"{stream.codec_context.name}, {len(needed)} of {len(every)} packets given to the decoder, {samples} samples")
    for name, speed in measured.items():
        print(f"{name:29}{speed.cpu_ms:8.3f} ms of CPU a sample")
    before, now, least = (speed.cpu_ms for speed in measured.values())
    print(f"share of the floor: {least / before:.0%} before, {least / now:.0%} now; {now / before:.2f} of the time")


def hardware(video: Path, rounds: int) -> None:
    """The sampled pictures by all cores, and by the decoder of an NVIDIA card; and whether they are the same."""
    from av.codec.hwaccel import HWAccel

    card = HWAccel("cuda", allow_software_fallback=False)
    samples = expected_samples(video, *TIMES)

    def checksum() -> str:
        checksum = hashlib.md5(usedforsecurity=False)
        for picture in sampled_pictures(video, *TIMES):
            checksum.update(picture.tobytes())
        return checksum.hexdigest()

    def work() -> int:
        return sum(1 for _ in sampled_pictures(video, *TIMES))

    def by_card(work: Callable[[], Any]) -> Any:
        kept = opening._opened
        opening._opened = partial(kept, hwaccel=card)
        try:
            return work()
        finally:
            opening._opened = kept

    same = checksum() == by_card(checksum)
    software, hard = Speed(), Speed()
    for _ in range(rounds):
        software.measure(work)
        hard.measure(lambda: by_card(work))
    print(f"{samples} samples, {os.cpu_count()} cores")
    print(f"software  {software}")
    print(f"the card  {hard}; the same pictures: {'yes' if same else 'no'}")


def frames(video: Path, folder: Path, extractor: TorchExtractor, rounds: int) -> None:
    """JPEG frames out of a zip, clip by clip, against the network that they are for."""
    path = folder / "half.zip"
    write_frames(path, video, Pictures(224, 398, None, *TIMES), lambda done, expected: None)
    archive = FrameZip(path)
    clip = 41
    starts = np.random.default_rng(0).integers(0, len(archive) - clip + 1, 8).tolist()

    def read() -> int:
        return sum(len([decode_jpeg(jpeg, path) for jpeg in archive.jpegs(start, clip)]) for start in starts)

    shown = [decode_jpeg(jpeg, path) for jpeg in archive.jpegs(0, extractor.frames_at_once)]
    images = extractor.stacked([extractor.fitted(picture) for picture in shown])
    reading = Speed().measure(read, rounds).rate
    network = Speed().measure(lambda: len(extractor.features(images)), rounds).rate
    size = path.stat().st_size / len(archive)
    print(f"frames from the zip   {reading:8.1f} frames/s on one thread, {size / 1000:.0f} kB a frame")
    print(f"network, forward      {network:8.1f} frames/s")
    print(f"one decoding thread is {reading / network:.1f} times as fast as the network's forward pass alone")


if __name__ == "__main__":
    main()
