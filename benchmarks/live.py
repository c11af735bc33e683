"""How soon `rmsnet live` tells the events of a match that a local HLS server shows, and what it takes of the processor.

    python -m benchmarks.live [--minutes 2] [--speed 1] [--backbone NAME] [--stride N] [--plot latencies.png]

A simulated broadcast is cut into segments of two seconds, which a server adds to its playlist as a camera would: a
segment is there when its last picture was shown. The network behind the backbone has random weights: what it finds
means nothing, when it says so does. An event happened when its picture was shown to the encoder.
"""

import argparse
import functools
import http.server
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from datetime import datetime
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks.spotting import video_model
from rmsnet.files import write_bytes
from rmsnet.network.model_files import load_model
from rmsnet.simulation.broadcast import direct
from rmsnet.simulation.draws import Draws
from rmsnet.simulation.video import match_colours, write_half_video
from rmsnet.style.palette import look
from rmsnet.style.plot import figure, name_axes, png

SEGMENT_SECONDS = 2
RATE = 25
BUDGET_SECONDS = 10
"""Beyond a clip's length."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=int, default=2)
    parser.add_argument("--speed", type=float, default=1)
    parser.add_argument("--backbone", default="efficientnet_lite0")
    parser.add_argument("--stride", type=int, default=1)
    parser.add_argument("--plot", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder), options)


def measure(folder: Path, options: argparse.Namespace) -> None:
    model = video_model(folder / "model", options.backbone, "float32")
    config = json.loads((model / "config.json").read_text())
    votes = options.stride == 1
    config["spot"] = {**config["spot"], "stride": options.stride, "votes": votes, "suppression": "hard"}
    (model / "config.json").write_text(json.dumps(config))
    clip_seconds = load_model(model).clip_frames / 2
    frames = options.minutes * 60 * 2
    shown = direct(Draws(1), [], frames)
    write_half_video(folder / "half.mkv", Draws(2), match_colours(Draws(3)), shown, [], (0, 0))
    served = folder / "served"
    served.mkdir()
    segments = cut(folder / "half.mkv", served)
    handler = functools.partial(Quiet, directory=str(served))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    playlist = f"http://127.0.0.1:{server.server_address[1]}/live.m3u8"
    out = folder / "out"
    command = [sys.executable, "-m", "rmsnet.cli", "live", playlist, "--model", str(model), "--out", str(out)]
    (served / "live.m3u8").write_text(text_of([]))
    with subprocess.Popen([*command, "--confidence", "0.02"], stdout=subprocess.DEVNULL) as process:
        while not (out / ".live" / "address.json").exists():
            time.sleep(0.1)
        begin = time.time()
        for number in range(1, len(segments) + 1):
            time.sleep(max(0.0, begin + number * SEGMENT_SECONDS / options.speed - time.time()))
            publish(served, text_of(segments[:number]))
        publish(served, text_of(segments, "#EXT-X-ENDLIST"))
        process.wait()
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    match = f"{options.speed:g} times its speed, {len(segments) * SEGMENT_SECONDS} s of match"
    cost = f"{usage.ru_utime + usage.ru_stime:.0f} s of CPU, {usage.ru_maxrss / 1024:.0f} MiB"
    print(f"{options.backbone}, stride {options.stride}, {match}: {cost}, load {os.getloadavg()[0]:.1f}")
    found = latencies([json.loads(line) for line in (out / "events.jsonl").open()], begin, options.speed)
    for state, rows in found.items():
        late = np.array([seconds for _, seconds in rows])
        if len(late):
            inside = (late <= clip_seconds / min(1.0, options.speed) + BUDGET_SECONDS).mean()
            print(
                f"{state}: {len(late)}, median {np.median(late):.1f} s, at most {late.max():.1f} s, "
                f"{inside:.0%} within a clip ({clip_seconds:g} s) and {BUDGET_SECONDS} s"
            )
    if options.plot:
        write_bytes(options.plot, plot(found, clip_seconds, options))


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def cut(video: Path, folder: Path) -> list[str]:
    """The names of segments with the video's pictures, 25 a second."""
    import av

    names = []
    with av.open(str(video)) as source:
        pictures = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
        rate = int(source.streams.video[0].average_rate)
    per_segment = SEGMENT_SECONDS * RATE
    for number in range(len(pictures) * RATE // rate // per_segment):
        names.append(f"{number:05d}.ts")
        with av.open(str(folder / names[-1]), "w", options={"mpegts_copyts": "1"}) as container:
            stream = container.add_stream("libx264", rate=RATE, options={"preset": "veryfast", "bf": "2"})
            stream.height, stream.width = pictures[0].shape[:2]
            stream.pix_fmt = "yuv420p"
            for place in range(number * per_segment, (number + 1) * per_segment):
                frame = av.VideoFrame.from_ndarray(pictures[place * rate // RATE], format="rgb24")
                frame.pts, frame.time_base = RATE + place, Fraction(1, RATE)
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return names


def text_of(names: list[str], end: str = "") -> str:
    listed = "".join(f"#EXTINF:{SEGMENT_SECONDS},\n{name}\n" for name in names)
    return (
        f"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:{SEGMENT_SECONDS}\n#EXT-X-MEDIA-SEQUENCE:0\n{listed}{end}\n"
    )


def publish(served: Path, text: str) -> None:
    (served / "new").write_text(text)
    (served / "new").replace(served / "live.m3u8")


def latencies(lines: list[dict], begin: float, speed: float) -> dict[str, list[tuple[float, float]]]:
    """(match time, seconds from the event to the line) of each event: of its first line, its confirmation, its clip."""
    found: dict[str, list[tuple[float, float]]] = {"told": [], "confirmed": [], "clip": []}
    standing = {line["id"]: line["position_ms"] / 1000 for line in lines if line["state"] == "confirmed"}
    first: set[str] = set()
    for line in lines:
        if line.get("id") not in standing:
            continue
        at = standing[line["id"]]
        late = datetime.fromisoformat(line["at"]).timestamp() - begin - at / speed
        if line["id"] not in first:
            first.add(line["id"])
            found["told"].append((at, late))
        if line["state"] in ("confirmed", "clip"):
            found[line["state"]].append((at, late))
    return found


def plot(found: dict[str, list[tuple[float, float]]], clip_seconds: float, options: argparse.Namespace) -> bytes:
    made, (panel,) = figure(
        f"{options.backbone}, stride {options.stride}, {options.speed:g} × its speed, random weights"
    )
    for place, (state, rows) in enumerate(found.items()):
        drawn = look(place)
        panel.plot(*zip(*rows, strict=True), drawn.marker, color=drawn.colour.on_light, label=state, alpha=0.8)
    panel.axhline(clip_seconds + BUDGET_SECONDS, color="#5a6875", linestyle="--", label="a clip's length and 10 s")
    panel.set_ylim(0, None)
    panel.legend()
    name_axes(panel, "From the event to the line about it", x="seconds of the match", y="seconds")
    return png(made)


if __name__ == "__main__":
    main()
