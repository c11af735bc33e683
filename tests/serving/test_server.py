"""The server as a process, and as Kubernetes starts it."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml

from rmsnet import cli
from rmsnet.errors import UserError
from rmsnet.network.model_files import load_model
from rmsnet.serving import server
from rmsnet.serving.jobs import JobLimits
from rmsnet.serving.limits import MIB, Limits
from rmsnet.spotting.inference import spot_features
from tests.mlflow_server import free_port, wait_for
from tests.serving.conftest import HALF, ask, npy
from tests.serving.test_bodies import begin_upload, connection


@contextmanager
def process(folder: Path, *command: str) -> Iterator[tuple["subprocess.Popen[bytes]", Path]]:
    """A server as a process in a folder of its own, with nothing but the package; and its log."""
    folder.mkdir()
    log = folder / "server.log"
    scripts = os.path.dirname(sys.executable)  # noqa: PTH120  # MLflow finds uvicorn on PATH
    environment = {
        **os.environ,
        "MLFLOW_TRACKING_URI": "sqlite:///mlflow.db",
        "PATH": f"{scripts}:{os.environ['PATH']}",
    }
    with log.open("w") as output:
        started = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=folder,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    try:
        yield started, log
    finally:
        if started.poll() is None:
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def address_in(log: Path, started: "subprocess.Popen[bytes]") -> str:
    """What a server says that it listens on."""
    for _ in range(600):
        if found := re.search(r"http://[^\s\"]+:\d+", log.read_text()):
            return found[0]
        assert started.poll() is None, log.read_text()
        time.sleep(0.2)
    raise AssertionError(log.read_text())


@pytest.mark.slow
def test_a_process_serves_on_both_kinds_of_address_and_ends_when_told(saved_model, tmp_path):
    command = ("rmsnet.cli", "serve", str(saved_model), "--host", "::", "--port", "0", "--threads", "1")
    with process(tmp_path / "elsewhere", *command) as (started, log):
        port = address_in(log, started).rpartition(":")[2]
        for host in ("127.0.0.1", "[::1]"):
            assert ask(f"http://{host}:{port}/spot", npy(HALF))[0] == 200
        with connection(f"http://127.0.0.1:{port}") as call:
            begin_upload(call, 100_000, bytes(10))
            assert ask(f"http://127.0.0.1:{port}/health")[0] == 200
            started.send_signal(signal.SIGTERM)
            started.wait(60)  # with an unfinished body it was more than two minutes


@pytest.mark.slow
def test_mlflow_s_own_server_gives_the_same_events(saved_model, model_folder, tmp_path):
    port = free_port()
    command = ("mlflow", "models", "serve", "-m", str(saved_model), "--env-manager", "local", "--port", str(port))
    with process(tmp_path / "elsewhere", *command) as (started, log):
        wait_for(f"http://127.0.0.1:{port}/health", started, log)
        body = json.dumps({"inputs": HALF.tolist()}).encode()
        status, answer = ask(f"http://127.0.0.1:{port}/invocations", body, Content_Type="application/json")
    assert status == 200
    ours = spot_features(load_model(model_folder), HALF)
    assert [event["position_ms"] for event in answer["predictions"]] == ours.position_ms.tolist()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--at-once", "0"], "--at-once 0: at least one half"),
        (["--memory", "10"], "--memory 10: the largest body that is taken has 64 MiB"),
        (["--stall-seconds", "0"], "must be above 0"),
        (["--threads", "0"], "--threads 0: at least one"),
        (["--challenger-share", "0.1"], "--challenger-share: name the challenger"),
        (["--shadow", "models:/x@y", "--challenger-share", "2"], "--challenger-share 2.0: must lie between"),
        (["--job-url", "videos.example"], "--job-url videos.example: say https://HOST/"),
        (["--jobs-most", "0"], "--jobs-most and --job-mib"),
    ],
)
def test_bounds_that_cannot_be_kept_are_refused(arguments, says, capsys):
    assert cli.main(["serve", "nowhere", *arguments]) == 2
    error = capsys.readouterr().err
    assert says in error
    assert error.count("\n") == 1


def test_what_is_set_on_the_command_line_bounds_the_server(monkeypatch):
    seen = []
    monkeypatch.setattr(server, "serve", lambda *arguments, **named: seen.append((arguments, named)))
    flags = ["--memory", "512", "--at-once", "4", "--threads", "2", "--upload-seconds", "9", "--stall-seconds", "3"]
    flags += ["--api-key-file", "keys", "--shadow", "models:/rmsnet@challenger", "--challenger-share", "0.1"]
    flags += ["--jobs", "queue", "--jobs-most", "3", "--job-mib", "100", "--job-url", "https://videos.example/"]
    flags += ["--job-memory-mib", "2048"]
    cli.main(["serve", "models:/rmsnet@champion", *flags])
    limits = Limits(memory_bytes=512 * MIB, at_once=4, upload_seconds=9, stall_seconds=3)
    named = {"threads": 2, "api_key_file": Path("keys"), "shadow": "models:/rmsnet@challenger", "key": None}
    named |= {"challenger_share": 0.1, "jobs_folder": Path("queue")}
    urls, memory = ("https://videos.example/",), 2048 * MIB
    named |= {"job_limits": JobLimits(most=3, video_bytes=100 * MIB, urls=urls, memory_bytes=memory)}
    assert seen == [(("models:/rmsnet@champion", "127.0.0.1", 8080, limits), named)]


def test_a_port_that_is_taken_is_refused(served, monkeypatch):
    monkeypatch.setattr(server, "open_service", lambda *_: None)
    with pytest.raises(UserError, match="cannot be listened to"):
        server.serve("x", "127.0.0.1", int(served.rpartition(":")[2]), Limits())


def test_the_kserve_example_calls_the_command_as_it_is(repository):
    service = yaml.safe_load((repository / "deploy" / "serving" / "base" / "inference-service.yaml").read_text())
    container = service["spec"]["predictor"]["containers"][0]
    require_called(container)


@pytest.mark.parametrize(("name", "share"), [("shadow", 0), ("canary", 0.1)])
def test_the_overlays_have_a_challenger_answer_along_or_for_a_share(name, share, repository):
    """What RawDeployment ignores, canaryTrafficPercent, is in none of them."""
    folder = repository / "deploy" / "serving"
    service = yaml.safe_load((folder / "base" / "inference-service.yaml").read_text())
    overlay = yaml.safe_load((folder / name / "kustomization.yaml").read_text())
    assert overlay["resources"] == ["../base"]
    container = service["spec"]["predictor"]["containers"][0]
    for change in yaml.safe_load(overlay["patches"][0]["patch"]):
        assert (change["op"], change["path"]) == ("add", "/spec/predictor/containers/0/args/-")
        container["args"].append(change["value"])
    options = require_called(container)
    assert (options.shadow, options.challenger_share) == ("models:/rmsnet@challenger", share)
    texts = [path.read_text() for path in folder.rglob("*.yaml")]
    assert not [text for text in texts if re.search(r"^\s*canaryTrafficPercent:", text, re.MULTILINE)]


def test_an_exported_model_is_served_from_where_kserve_puts_it_by_the_image_that_is_made_for_it(repository):
    folder = repository / "deploy" / "serving"
    service = yaml.safe_load((folder / "base" / "inference-service.yaml").read_text())
    overlay = yaml.safe_load((folder / "exported" / "kustomization.yaml").read_text())
    container = service["spec"]["predictor"]["containers"][0]
    for change in yaml.safe_load(overlay["patches"][0]["patch"]):
        *path, last = change["path"].removeprefix("/spec/predictor/containers/0/").split("/")
        place = container
        for step in path:
            place = place[step]
        assert change["op"] == "replace"
        assert place[int(last) if isinstance(place, list) else last]
        place[int(last) if isinstance(place, list) else last] = change["value"]
    require_called(container, "/mnt/models")  # where KServe puts what STORAGE_URI names
    assert [item["name"] for item in container["env"]] == ["STORAGE_URI", "OMP_NUM_THREADS", "HOME"]
    assert container["image"].partition(":")[0].endswith("/rmsnet-serve")
    assert "AS serve\n" in (repository / "Dockerfile").read_text()


def require_called(container, model="models:/rmsnet@champion"):
    program, *arguments = [*container["command"], *container["args"]]
    options = cli._parser().parse_args(arguments)
    assert program == "rmsnet"
    assert (options.model, options.host) == (model, "0.0.0.0")
    for probe, path in (("startupProbe", "/health"), ("readinessProbe", "/ready"), ("livenessProbe", "/health")):
        assert container[probe]["httpGet"] == {"path": path, "port": options.port}
    assert container["ports"][0]["containerPort"] == options.port
    return options
