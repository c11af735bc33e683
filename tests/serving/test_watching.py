"""What operators see: metrics, logs, readiness."""

import json
import logging
import re
from dataclasses import replace

import pytest
import yaml

from rmsnet.serving import app
from rmsnet.serving.limits import MIB, Limits
from rmsnet.serving.logs import _JsonLines, request_identity
from tests.serving.conftest import HALF, ask, ask_all, npy, running, server_of, serving
from tests.serving.test_bodies import begin_upload, connection


def metrics_of(url: str) -> dict[str, float]:
    lines = ask_all(f"{url}/metrics")[1].decode().splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_halves_events_and_drift_are_counted(loaded_model):
    with serving(loaded_model) as url:
        events = ask(f"{url}/spot", npy(HALF))[1]["events"]
        ask(f"{url}/spot", npy(HALF * 3 + 1))
        found = metrics_of(url)
    assert found["rmsnet_frames_total"] == 800
    assert found['rmsnet_halves_total{version="None"}'] == 2
    assert found['rmsnet_events_total{label="card"}'] >= sum(event["label"] == "card" for event in events) > 0
    assert found["rmsnet_drift_ratio_count"] == 2
    assert found['rmsnet_drift_ratio_bucket{le="1.0"}'] == 1
    assert found['rmsnet_requests_total{path="/spot",status="200"}'] == 2
    assert found['rmsnet_request_seconds_count{path="/spot"}'] == 2
    assert found["rmsnet_body_bytes"] == 0
    assert found["process_resident_memory_bytes"] > 0


def test_what_clients_invent_makes_no_metrics(loaded_model):
    with serving(loaded_model) as url:
        for number in range(5):
            ask(f"{url}/invented/{number}")
        found = metrics_of(url)
    assert found['rmsnet_requests_total{path="other",status="404"}'] == 5
    assert not [name for name in found if "invented" in name]


def test_a_request_can_be_found_in_the_log_by_its_id(served, caplog):
    caplog.set_level(logging.INFO, "rmsnet.serving")
    _, _, headers = ask_all(f"{served}/spot", npy(HALF), X_Request_ID="match-17")
    assert headers["X-Request-ID"] == "match-17"
    ask_all(f"{served}/spot", b"no array")
    ask_all(f"{served}/health")
    lines = [json.loads(_JsonLines().format(record)) for record in caplog.records if record.name == "rmsnet.serving"]
    assert [line["status"] for line in lines] == [200, 400]  # what probes ask is not worth a line
    assert lines[0]["request"] == "match-17"
    assert lines[0]["frames"] == len(HALF)
    assert lines[0]["drift"]["drifted"] is False
    assert "the body: no .npy file" in lines[1]["refused"]


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, 'x"\n{', "é"])
def test_an_id_that_does_not_fit_in_a_log_is_replaced(given):
    assert re.fullmatch("[0-9a-f]{32}", request_identity(given))


def test_a_bug_is_answered_500_with_the_id_that_its_traceback_has_in_the_log(loaded_model, caplog):
    class Broken:
        model = loaded_model.spotter.model

        def events(self, features, thresholded):
            raise ZeroDivisionError("of all things")

    with serving(replace(loaded_model, spotter=Broken())) as url:
        status, content, headers = ask_all(f"{url}/spot", npy(HALF))
        assert status == 500
        assert headers["X-Request-ID"] in json.loads(content)["error"]
        assert ask(f"{url}/health")[0] == 200
    assert "of all things" in caplog.text


def test_ready_is_not_alive(loaded_model, monkeypatch):
    """A server that is full, or that ends, takes no more requests but is none to restart."""
    monkeypatch.setattr(app, "BUSY_SECONDS", 0.0)
    server = server_of(loaded_model, Limits(memory_bytes=64 * MIB))
    with running(server) as (url, _):
        assert ask(f"{url}/ready") == (200, {"ready": True})
        with connection(url) as one, connection(url) as two:
            begin_upload(one, 64 * MIB, bytes(10))
            begin_upload(two, 64 * MIB, bytes(10))
            for _ in range(1000):
                if metrics_of(url)["rmsnet_waiting_for_memory"]:
                    break
            status, answer = ask(f"{url}/ready")
            assert (status, answer["ready"]) == (503, False)
            assert "wait for memory" in answer["why"]
            assert ask(f"{url}/health")[0] == 200


def test_dashboard_and_alerts_ask_for_metrics_that_there_are(served, repository):
    ask(f"{served}/spot", npy(HALF))
    folder = repository / "deploy" / "serving"
    panels = json.loads((folder / "dashboard.json").read_text())["panels"]
    asked = [target["expr"] for panel in panels for target in panel.get("targets", [])]
    rules = yaml.safe_load((folder / "alerts.yaml").read_text())
    asked += [rule["expr"] for group in rules["spec"]["groups"] for rule in group["rules"]]
    known = {re.split(r"[{ ]", name)[0] for name in metrics_of(served)}
    names = set(re.findall(r"\b(?:rmsnet|process)_\w+", " ".join(asked)))
    assert len(names) > 8
    assert names <= known
