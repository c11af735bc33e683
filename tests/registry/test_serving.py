import io
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator

import numpy as np
import pytest
import yaml

from rmsnet import tracking
from rmsnet.errors import UserError
from rmsnet.features.bank import read_bank
from rmsnet.network.model_files import load_model
from rmsnet.registry import serving
from rmsnet.registry.serving import MAX_BODY_BYTES, features_of, make_app, serve
from rmsnet.spotting.inference import spot_features
from rmsnet.tracking import read_run
from tests.mlflow_server import free_port, wait_for


def npy(features: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, features)
    return file.getvalue()


def ask(url: str, body: bytes | None = None, kind: str = "application/octet-stream") -> tuple[int, object]:
    """Status and answer."""
    request = urllib.request.Request(url, body, {"Content-Type": kind})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read()
            return answer.status, json.loads(text) if text.strip() else None
    except urllib.error.HTTPError as error:
        return error.code, json.loads(error.read())


@pytest.fixture(scope="module")
def served(finished_workshop) -> Iterator[str]:
    """The address of the served model `good`."""
    import uvicorn

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{finished_workshop.store}")
        app = make_app(f"models:/{read_run(finished_workshop.model('good'))['model_id']}")
    port = free_port()
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.05)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture(scope="module")
def half(finished_workshop) -> np.ndarray:
    bank = read_bank(finished_workshop.features, "valid")
    return np.array(bank.features[: bank.halves[0].frames])


def test_features_in_events_out(served, half, finished_workshop):
    status, answer = ask(f"{served}/spot", npy(half))
    assert status == 200
    ours = spot_features(load_model(finished_workshop.model("good")), half)
    assert [event["position_ms"] for event in answer["events"]] == ours.position_ms.tolist()
    assert {event["label"] for event in answer["events"]} == {"card", "subs", "soccer"}
    assert answer["drift"]["drifted"] is False


def test_mlflow_s_protocol_gives_the_same_events(served, half):
    events = ask(f"{served}/spot", npy(half))[1]["events"]
    body = json.dumps({"inputs": half.tolist()}).encode()
    status, answer = ask(f"{served}/invocations", body, "application/json")
    assert status == 200
    assert [event["position_ms"] for event in answer["predictions"]] == [event["position_ms"] for event in events]
    body = json.dumps({"inputs": half.tolist(), "params": {"thresholded": True}}).encode()
    fewer = ask(f"{served}/invocations", body, "application/json")[1]["predictions"]
    assert fewer == ask(f"{served}/spot?thresholded=true", npy(half))[1]["events"]
    assert 0 < len(fewer) <= len(events)


def test_features_that_drift_are_called_so(served, half):
    status, answer = ask(f"{served}/spot", npy(half * 3 + 1))
    assert status == 200
    assert answer["drift"]["drifted"] is True
    assert answer["drift"]["distance"] > answer["drift"]["limit"]


def test_health_and_what_is_served(served):
    assert ask(f"{served}/health")[0] == 200
    status, answer = ask(f"{served}/model")
    assert status == 200
    assert answer["name"] == "good"
    assert answer["simulated"] is True
    assert answer["width"] == 8


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"no array", "no .npy file"),
        (npy(np.zeros((100, 9), np.float32)), "(frames, 8)"),
        (npy(np.zeros((0, 8), np.float32)), "(frames, 8)"),
        (npy(np.zeros(8, np.float32)), "no matrix"),
        (npy(np.array([["a"]])), "no matrix"),
        (npy(np.full((100, 8), np.nan, np.float32)), "NaN"),
        (npy(np.zeros((22_000, 8), np.float16)), "at most 21600"),
        (npy(np.zeros((100, 8), np.float32))[:500], "no .npy file"),
        (b"", "no .npy file"),
    ],
)
def test_a_body_that_is_no_half_is_answered_400_with_the_reason(served, body, says):
    status, answer = ask(f"{served}/spot", body)
    assert status == 400
    assert says in answer["error"]
    assert ask(f"{served}/health")[0] == 200


def test_bad_json_is_answered_400_without_a_traceback_of_ours(served):
    for body in (b"{", json.dumps({"inputs": [[1.0] * 9]}).encode(), json.dumps({"inputs": "x"}).encode()):
        status, answer = ask(f"{served}/invocations", body, "application/json")
        assert status == 400
        assert "error_code" in answer


def test_a_body_that_is_too_large_is_refused_before_it_is_read(served):
    host, port = served.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as call:
        length = MAX_BODY_BYTES + 1
        call.sendall(f"POST /spot HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n".encode())
        assert b" 413 " in call.recv(200)


def test_a_body_of_no_announced_length_is_limited_too(served, monkeypatch):
    host, port = served.removeprefix("http://").split(":")
    chunk = b"100000\r\n" + bytes(0x100000) + b"\r\n"
    with socket.create_connection((host, int(port))) as call:
        call.sendall(f"POST /spot HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode())
        for _ in range(MAX_BODY_BYTES // 0x100000 + 1):
            call.sendall(chunk)
        assert b" 413 " in call.recv(200)


def test_a_model_that_is_not_there_and_an_address_that_is_taken_are_refused(shop, served, monkeypatch):
    with pytest.raises(UserError, match="models:/rmsnet@champion is not to be had"):
        make_app("models:/rmsnet@champion")
    monkeypatch.setattr(serving, "make_app", lambda uri: None)
    with pytest.raises(UserError, match="cannot be listened to"):
        serve("x", "127.0.0.1", int(served.rpartition(":")[2]))


def test_pickled_arrays_are_refused():
    with pytest.raises(UserError, match=r"no \.npy file"):
        features_of(npy(np.array([{}], dtype=object)), 100)


@pytest.mark.slow
@pytest.mark.parametrize("tool", ["rmsnet", "mlflow"])
def test_the_champion_is_served_by_either_tool_as_a_process(shop, half, tool, tmp_path):
    """With nothing but the package and a store: another folder, another process, an alias."""
    run = read_run(shop.model("good"))
    version = tracking.create_version("rmsnet", run["model_id"], run["run_id"], {})
    tracking.set_alias("rmsnet", "champion", version.version)
    port = free_port()
    command = {
        "rmsnet": ["rmsnet.cli", "serve", "models:/rmsnet@champion"],
        "mlflow": ["mlflow", "models", "serve", "-m", "models:/rmsnet@champion", "--env-manager", "local"],
    }[tool]
    (tmp_path / "elsewhere").mkdir()
    log = tmp_path / "server.log"
    scripts = os.path.dirname(sys.executable)  # noqa: PTH120  # MLflow finds uvicorn on PATH
    process = subprocess.Popen(
        [sys.executable, "-m", *command, "--port", str(port)],
        cwd=tmp_path / "elsewhere",
        stdout=log.open("w"),
        stderr=subprocess.STDOUT,
        env={
            **os.environ,
            "MLFLOW_TRACKING_URI": f"sqlite:///{shop.store}",
            "PATH": f"{scripts}:{os.environ['PATH']}",
        },
        start_new_session=True,
    )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, log)
        body = json.dumps({"inputs": half.tolist()}).encode()
        status, answer = ask(f"http://127.0.0.1:{port}/invocations", body, "application/json")
    finally:
        os.killpg(process.pid, 15)
        process.wait()
    assert status == 200
    ours = spot_features(load_model(shop.model("good")), half)
    assert [event["position_ms"] for event in answer["predictions"]] == ours.position_ms.tolist()


def test_the_kserve_example_calls_the_command_as_it_is(repository):
    from rmsnet import cli

    service = yaml.safe_load((repository / "deploy" / "serving" / "inference-service.yaml").read_text())
    container = service["spec"]["predictor"]["containers"][0]
    program, *arguments = [*container["command"], *container["args"]]
    options = cli._parser().parse_args(arguments)
    assert program == "rmsnet"
    assert (options.model, options.host) == ("models:/rmsnet@champion", "0.0.0.0")
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"] == {"path": "/health", "port": options.port}
    assert container["ports"][0]["containerPort"] == options.port
