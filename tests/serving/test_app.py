"""What the service answers."""

import json

import numpy as np
import pytest

from rmsnet.errors import UserError
from rmsnet.network.model_files import load_model
from rmsnet.serving.model import load_served
from rmsnet.spotting.inference import spot_features
from tests.serving.conftest import HALF, SURE, ask, ask_all, npy


def test_features_in_events_out(served, model_folder):
    status, answer = ask(f"{served}/spot", npy(HALF))
    assert status == 200
    ours = spot_features(load_model(model_folder), HALF)
    assert len(ours.label) > 0
    assert [event["position_ms"] for event in answer["events"]] == ours.position_ms.tolist()
    assert {event["label"] for event in answer["events"]} == {"card", "subs", "soccer"}
    assert answer["drift"]["drifted"] is False


def test_mlflow_s_protocol_gives_the_same_events(served):
    events = ask(f"{served}/spot", npy(HALF))[1]["events"]
    for key in ("inputs", "instances"):
        body = json.dumps({key: HALF.tolist()}).encode()
        status, answer = ask(f"{served}/invocations", body, Content_Type="application/json")
        assert status == 200
        assert answer["predictions"] == events


def test_a_threshold_for_each_class_leaves_out_weak_events(served):
    events = ask(f"{served}/spot", npy(HALF))[1]["events"]
    sure = [event for event in events if event["confidence"] >= SURE]
    assert 0 < len(sure) < len(events)
    body = json.dumps({"inputs": HALF.tolist(), "params": {"thresholded": True}}).encode()
    assert ask(f"{served}/invocations", body, Content_Type="application/json")[1]["predictions"] == sure
    assert ask(f"{served}/spot?thresholded=true", npy(HALF))[1]["events"] == sure


def test_features_that_drift_are_called_so(served):
    status, answer = ask(f"{served}/spot", npy(HALF * 3 + 1))
    assert status == 200
    assert answer["drift"]["drifted"] is True
    assert answer["drift"]["distance"] > answer["drift"]["limit"]


def test_health_and_what_is_served(served):
    assert ask(f"{served}/health")[0] == ask(f"{served}/ping")[0] == 200
    assert ask_all(f"{served}/version")[0] == 200
    status, answer = ask(f"{served}/model")
    assert status == 200
    assert answer["name"] == "talkative"
    assert answer["simulated"] is True
    assert answer["width"] == 8


def test_a_refusal_is_in_the_form_that_the_clients_of_each_protocol_read(served):
    status, answer = ask(f"{served}/spot", b"no array")
    assert (status, list(answer)) == (400, ["error"])
    status, answer = ask(f"{served}/invocations", b"{", Content_Type="application/json")
    assert status == 400
    assert answer["error_code"] == "BAD_REQUEST"
    assert "inputs" in answer["message"]


def test_what_is_asked_elsewhere_or_otherwise_is_refused(served):
    assert ask(f"{served}/nowhere", npy(HALF))[0] == 404
    assert ask(f"{served}/spot")[0] == 405


def test_a_model_that_is_not_there_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    for uri, says in (("models:/rmsnet@champion", " is not to be had"), ("nowhere", ": no model there")):
        with pytest.raises(UserError, match=uri + says):
            load_served(uri)


def test_a_model_folder_is_served_as_the_mlflow_model_made_of_it(model_folder, loaded_model):
    alone = load_served(str(model_folder))
    assert alone.answer(HALF, True) == loaded_model.answer(HALF, True)
    assert alone.version is None


def test_features_of_half_and_double_precision_are_taken(served):
    events = ask(f"{served}/spot", npy(HALF.astype(np.float64)))[1]["events"]
    assert events == ask(f"{served}/spot", npy(np.asfortranarray(HALF)))[1]["events"]
    assert ask(f"{served}/spot", npy(HALF.astype(np.float16)))[0] == 200
