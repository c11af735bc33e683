"""Latency of the web service under load: halves of 45 minutes as .npy and as MLflow's JSON, several clients at once.

    python benchmarks/serving.py [requests]

The model has random weights and the paper's size (512 features, 3 classes); the time does not depend on the weights.
"""

import io
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rmsnet.features.profile import bank_profile
from rmsnet.files import write_json
from rmsnet.network.model import RMSNet
from rmsnet.network.model_files import save_model
from rmsnet.params import TrainParams
from rmsnet.tracking.logged_model import save_pyfunc
from rmsnet.training.loop import model_config
from tests.builders import bank
from tests.mlflow_server import free_port, wait_for

FRAMES, WIDTH = 5400, 512
CLIENTS = (1, 2, 4)


def main(requests: int) -> None:
    half = random_half()
    bodies = {
        "/spot, .npy": ("/spot", half_as_npy(), "application/octet-stream"),
        "/invocations, JSON": ("/invocations", json.dumps({"inputs": half.tolist()}).encode(), "application/json"),
    }
    with served() as (url, process):
        print("| request | MB | clients | p50 | p90 | p99 | halves/s |\n|---|---|---|---|---|---|---|")
        for name, (path, body, kind) in bodies.items():
            for clients in CLIENTS:
                count = requests if kind.endswith("stream") else max(requests // 5, 2 * clients)
                row = measure(f"{url}{path}", body, kind, clients, count)
                print(f"| {name} | {len(body) / 1e6:.0f} | {clients} | {row} |", flush=True)
        peak = next(line for line in Path(f"/proc/{process.pid}/status").read_text().splitlines() if "VmHWM" in line)
        print(f"\nserver's peak memory: {int(peak.split()[1]) / 1024:.0f} MiB; {torch.get_num_threads()} threads")


def random_half() -> "np.ndarray":
    return np.random.default_rng(0).normal(size=(FRAMES, WIDTH)).astype(np.float32)


def half_as_npy() -> bytes:
    file = io.BytesIO()
    np.save(file, random_half())
    return file.getvalue()


@contextmanager
def served(*options: str) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """Address and process of `rmsnet serve` with a model of random weights."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        made = bank([1000] * 4, width=WIDTH)
        (folder / "model").mkdir()
        save_model(folder / "model", RMSNet(WIDTH, 3), model_config(TrainParams(), made, "random"))
        write_json(folder / "model" / "profile.json", bank_profile(made))
        save_pyfunc(folder / "model", random_half()[:120], folder / "pyfunc")
        port, log = free_port(), folder / "log"
        command = [sys.executable, "-m", "rmsnet.cli", "serve", str(folder / "pyfunc"), "--port", str(port), *options]
        environment = {**os.environ, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
        process = subprocess.Popen(command, stdout=log.open("w"), stderr=subprocess.STDOUT, env=environment)
        try:
            wait_for(f"http://127.0.0.1:{port}/health", process, log)
            yield f"http://127.0.0.1:{port}", process
        finally:
            process.kill()
            process.wait()


def measure(url: str, body: bytes, kind: str, clients: int, count: int) -> str:
    def once(_: int) -> float:
        started = time.perf_counter()
        with urllib.request.urlopen(urllib.request.Request(url, body, {"Content-Type": kind}), timeout=120) as answer:
            answer.read()
        return time.perf_counter() - started

    once(0)
    started = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        seconds = list(pool.map(once, range(count)))
    rate = count / (time.perf_counter() - started)
    return " | ".join([*(f"{1000 * np.quantile(seconds, q):.0f} ms" for q in (0.5, 0.9, 0.99)), f"{rate:.1f}"])


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100)
