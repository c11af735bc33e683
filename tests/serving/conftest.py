"""A model of random weights that says something, saved once as MLflow saves it, and a server of it."""

import io
import json
import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import uvicorn

from rmsnet.features.profile import PROFILE_FILE, bank_profile
from rmsnet.files import write_json
from rmsnet.logs import log
from rmsnet.network.model_files import SpottingModel
from rmsnet.serving.access import Keys
from rmsnet.serving.following import ModelInService
from rmsnet.serving.limits import Limits
from rmsnet.serving.listening import listen
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.model import ServedModel, load_served
from rmsnet.serving.server import make_server
from rmsnet.spotting.inference import spot_features
from rmsnet.tracking.logged_model import save_pyfunc
from tests.builders import EXAMPLE, bank, random_model, write_model

HALF = np.random.default_rng(3).normal(size=(400, 8)).astype(np.float32)
"""(T, D) features that look like those of the training."""


SURE = 0.45
"""The threshold of every class."""


def npy(features: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, features)
    return file.getvalue()


def ask(url: str, body: bytes | None = None, **headers: str) -> tuple[int, Any]:
    """Status and answer."""
    status, content, _ = ask_all(url, body, **headers)
    return status, json.loads(content)


def ask_all(url: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, Mapping[str, str]]:
    """Status, content and headers; an underscore in the name of a header of the request is a hyphen."""
    sent = {"Content-Type": "application/octet-stream", **{key.replace("_", "-"): headers[key] for key in headers}}
    try:
        with urllib.request.urlopen(urllib.request.Request(url, body, sent), timeout=60) as answer:
            return answer.status, answer.read(), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, error.read(), error.headers


def talkative_model(seed: int = 0) -> SpottingModel:
    """A model of random weights that finds events of every class, surely and less so: what differs is made large."""
    model = random_model(seed=seed)
    last, seen = model.network.fc_cls, []
    with last.register_forward_hook(lambda _, given, __: seen.append(given[0].detach())):
        spot_features(model, HALF)
    last.weight.data *= 100
    last.bias.data = -(last.weight.data @ torch.cat(seen).mean(0))
    return model


def write_talkative(folder: Path, seed: int = 0) -> Path:
    """The model folder of `talkative_model`, with what an evaluation and the extraction leave in one."""
    write_model(folder, model=talkative_model(seed))
    write_json(folder / PROFILE_FILE, bank_profile(bank([400] * 6)))
    write_json(
        folder / "thresholds.json", {name: {"confidence": SURE, "f1": 0.5} for name in ("card", "subs", "soccer")}
    )
    return folder


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_talkative(tmp_path_factory.mktemp("served") / "talkative")


@pytest.fixture(scope="session")
def saved_model(model_folder: Path) -> Path:
    """The folder of the model as MLflow saves it."""
    save_pyfunc(model_folder, EXAMPLE, model_folder.with_name("saved"))
    return model_folder.with_name("saved")


@pytest.fixture(scope="session")
def loaded_model(saved_model: Path) -> ServedModel:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{saved_model}.db")
        return load_served(str(saved_model))


@contextmanager
def serving(model: ServedModel, limits: Limits = Limits(), host: str = "127.0.0.1") -> Iterator[str]:  # noqa: B008
    """The address of a server in this process."""
    with running(server_of(model, limits), host) as (url, _):
        yield url


def server_of(model: ServedModel, limits: Limits = Limits(), keys: Keys | None = None) -> uvicorn.Server:  # noqa: B008
    metrics = Metrics()
    return make_server(ModelInService(model.description["uri"], model, metrics), metrics, limits, keys)


@contextmanager
def running(server: uvicorn.Server, host: str = "127.0.0.1") -> Iterator[tuple[str, threading.Thread]]:
    """Address and thread of a server in this process."""
    [listener, *_] = listeners = listen(host, 0)
    thread = threading.Thread(target=server.run, args=(listeners,), daemon=True)
    with requests_unsaid():
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}", thread
        finally:
            server.should_exit = True
            thread.join()


@contextmanager
def requests_unsaid() -> Iterator[None]:
    """A request is logged behind its answer: its test may be over then, and the line stand between those of pytest."""

    def is_said(record: logging.LogRecord) -> bool:
        return record.name != "rmsnet.serving"

    handlers = list(log.handlers)
    for handler in handlers:
        handler.addFilter(is_said)
    try:
        yield
    finally:
        for handler in handlers:
            handler.removeFilter(is_said)


@pytest.fixture(scope="session")
def served(loaded_model: ServedModel) -> Iterator[str]:
    with serving(loaded_model) as url:
        yield url
