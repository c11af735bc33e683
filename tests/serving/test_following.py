"""A promotion and a rollback reach users without a restart, and nobody notices but by the version."""

import json
import logging
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rmsnet import tracking
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.files import write_json
from rmsnet.serving import following
from rmsnet.serving.following import ModelInService, open_service
from rmsnet.serving.limits import Limits
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.model import load_served
from rmsnet.serving.server import make_server
from tests.builders import EXAMPLE
from tests.serving.conftest import HALF, ask, ask_all, npy, running, write_talkative

CHAMPION = "models:/rmsnet@champion"


@pytest.fixture(scope="module")
def finished_store(tmp_path_factory) -> Path:
    """Two versions of a model."""
    folder = tmp_path_factory.mktemp("store")
    models = [write_talkative(folder / "one", seed=0), write_talkative(folder / "two", seed=1)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        for model in models:
            with tracking.tracked_run(model.name, (), {}) as run:
                model_id = run.log_model(model, EXAMPLE, {})
            tracking.create_version("rmsnet", model_id, run.run_id, {})
    return folder


@pytest.fixture
def store(finished_store, monkeypatch) -> Path:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{finished_store}/mlflow.db")
    tracking.set_alias("rmsnet", "champion", 1)
    return finished_store


@contextmanager
def following_server(monkeypatch, seconds: float = 0.5) -> Iterator[tuple[str, ModelInService]]:
    monkeypatch.setattr(following, "FOLLOW_SECONDS", seconds)
    metrics = Metrics()
    service = open_service(CHAMPION, metrics)
    with running(make_server(service, metrics, Limits())) as (url, _):
        yield url, service


@pytest.mark.slow
def test_a_promotion_while_many_clients_ask_loses_no_request(store, monkeypatch):
    """Fifty clients on kept connections of their own; each sees the first version, then the second, nothing else."""
    seen: list[list[tuple[int, int, object]]] = [[] for _ in range(50)]
    expected = {version: load_served(f"models:/rmsnet/{version}").answer(HALF, False)["events"] for version in (1, 2)}
    swapped, ended = threading.Event(), threading.Event()

    def client(number: int, url: str) -> None:
        after = 0
        while after < 2 and not ended.is_set():
            after += swapped.is_set()
            status, answer = ask(f"{url}/spot", npy(HALF))
            seen[number].append((status, answer["model"]["version"], answer["events"]))

    with following_server(monkeypatch) as (url, service):
        clients = [threading.Thread(target=client, args=(number, url)) for number in range(len(seen))]
        for thread in clients:
            thread.start()
        while not all(seen):
            threading.Event().wait(0.01)
        tracking.set_alias("rmsnet", "champion", 2)
        for _ in range(6000):
            if service.current.version == 2:
                break
            threading.Event().wait(0.01)
        swapped.set()
        for thread in clients:
            thread.join(120)
        ended.set()
    for answers in seen:
        assert {status for status, _, _ in answers} == {200}
        versions = [version for _, version, _ in answers]
        assert versions == sorted(versions)
        assert set(versions) == {1, 2}
        assert all(events == expected[version] for _, version, events in answers)


def test_promotion_and_rollback_are_said_in_health_log_metrics_and_answers(store, caplog):
    caplog.set_level(logging.INFO, "rmsnet.serving")
    metrics = Metrics()
    service = open_service(CHAMPION, metrics)
    with running(make_server(service, metrics, Limits())) as (url, _):
        for version in (2, 1):
            tracking.set_alias("rmsnet", "champion", version)
            service.look()
            told = caplog.records[-1]
            assert told.getMessage() == "another version is served"
            assert told.fields["version"] == version
            assert ask(f"{url}/health")[1] == {
                "status": "ok",
                "model": CHAMPION,
                "version": version,
                "wanted_version": version,
                "trouble": None,
            }
            assert ask(f"{url}/model")[1]["version"] == version
            assert f"rmsnet_model_version {version}.0" in ask_all(f"{url}/metrics")[1].decode()
            status, content, headers = ask_all(f"{url}/invocations", json.dumps({"inputs": HALF.tolist()}).encode())
            assert (status, headers["X-Model-Version"]) == (200, str(version))
            assert list(json.loads(content)) == ["predictions"]
        assert 'rmsnet_reloads_total{outcome="loaded"} 2.0' in ask_all(f"{url}/metrics")[1].decode()


@contextmanager
def damaged(store: Path) -> Iterator[None]:
    """The weights of the second version, flipped in one place."""
    [weights] = [
        path for path in store.rglob("model.safetensors") if path.parent.name == "two" and "artifacts" in path.parts
    ]
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    try:
        yield
    finally:
        weights.write_bytes(whole)


def test_a_version_that_fails_to_load_leaves_the_old_one_serving_and_raises_an_alarm(store, caplog):
    metrics = Metrics()
    service = open_service(CHAMPION, metrics)
    with running(make_server(service, metrics, Limits())) as (url, _), damaged(store):
        tracking.set_alias("rmsnet", "champion", 2)
        for _ in range(3):
            service.look()
        health = ask(f"{url}/health")
        assert health[0] == 200  # a restart would not mend it
        assert (health[1]["version"], health[1]["wanted_version"]) == (1, 2)
        assert "its files are not those that were registered" in health[1]["trouble"]
        assert ask(f"{url}/spot", npy(HALF))[1]["model"]["version"] == 1
        text = ask_all(f"{url}/metrics")[1].decode()
        assert "rmsnet_follow_trouble 1.0" in text
        assert 'rmsnet_reloads_total{outcome="failed"} 1.0' in text  # not at every look
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 1
    service.look()
    assert service.current.version == 1
    service._again = 0.0  # five minutes later
    service.look()
    assert (service.current.version, service.trouble) == (2, None)


def test_a_version_that_clients_could_not_use_unawares_is_not_swapped_in(store, loaded_model, monkeypatch):
    service = open_service(CHAMPION, Metrics())
    other = replace(loaded_model, description={**service.current.description, "classes": ["goal"], "version": 2})
    monkeypatch.setattr(following, "load_served", lambda *_: other)
    tracking.set_alias("rmsnet", "champion", 2)
    service.look()
    assert service.current.version == 1
    assert "its classes are ['goal'], those of the model that is served ['card', 'subs', 'soccer']" in service.trouble
    assert "restart the server" in service.trouble


def test_a_version_that_is_broken_in_a_way_nobody_has_thought_of_does_not_end_the_following(store, monkeypatch):
    service = open_service(CHAMPION, Metrics())
    monkeypatch.setattr(following, "load_served", lambda *_: 1 / 0)
    tracking.set_alias("rmsnet", "champion", 2)
    service.look()
    assert service.current.version == 1
    assert "ZeroDivisionError" in service.trouble


def test_an_alias_that_names_nothing_any_more_and_a_store_that_is_away_leave_the_model_serving(store, monkeypatch):
    service = open_service(CHAMPION, Metrics())
    tracking.set_alias("rmsnet", "champion", None)
    service.look()
    assert "names no version any more" in service.trouble
    tracking.set_alias("rmsnet", "champion", 1)
    service.look()
    assert service.trouble is None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:////proc/nowhere/mlflow.db")
    service.look()
    assert "cannot be used as MLflow store" in service.trouble
    assert service.current.version == 1


def test_a_server_does_not_start_on_an_alias_that_names_nothing(store):
    with pytest.raises(UserError, match=r"models:/rmsnet@nobody") as refusal:
        open_service("models:/rmsnet@nobody", Metrics())
    assert "\n" not in str(refusal.value)


def test_a_model_that_answers_its_example_otherwise_is_refused(saved_model, tmp_path):
    changed = shutil.copytree(saved_model, tmp_path / "changed")
    told = read_json(changed / "example_events.json")
    assert told["label"]
    write_json(changed / "example_events.json", {**told, "position_ms": [1000 + ms for ms in told["position_ms"]]})
    with pytest.raises(UserError, match="gives other events for its recorded example"):
        load_served(str(changed))
    (changed / "example_events.json").unlink()  # logged before events were recorded
    assert np.isfinite(load_served(str(changed)).answer(HALF, False)["drift"]["distance"])


def test_a_folder_and_a_numbered_version_are_not_followed(store, saved_model):
    for uri in ("models:/rmsnet/1", str(saved_model)):
        service = open_service(uri, Metrics())
        assert service.current.version == (1 if uri.startswith("models") else None)
        assert not service.follows
