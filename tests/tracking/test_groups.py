"""Groups that several machines make at the same moment are one in the end."""

import threading
from contextlib import nullcontext
from pathlib import Path

import pytest

from rmsnet import tracking
from rmsnet.tracking import groups as module
from rmsnet.tracking.groups import PARENT_TAG, Group, runs_of
from rmsnet.tracking.store import experiment_id, our_client, tracking_uri

STUDY = Group("study", "study key", "a study")


@pytest.fixture(autouse=True)
def local_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")


def variant(name: str) -> tuple[Group, Group]:
    return STUDY, Group("variant", f"{name} key", name)


def test_two_machines_that_begin_at_once_make_one_study(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a lock between them, both see no study and make one each."""
    client = our_client()
    experiment = experiment_id(client, tracking_uri())
    both_have_looked, look = threading.Barrier(2), module.runs_of
    looked: set[tuple[int, str]] = set()

    def looking(client, experiment, group):
        found = look(client, experiment, group)
        if group.kind == "study" and (threading.get_ident(), "study") not in looked:
            looked.add((threading.get_ident(), "study"))
            both_have_looked.wait(30)
        return found

    monkeypatch.setattr(module, "runs_of", looking)
    monkeypatch.setattr(module, "one_process_at_a_time", lambda uri: nullcontext())

    def begin(name: str) -> None:
        with tracking.tracked_run("seed 0", variant(name), {}):
            pass

    pods = [threading.Thread(target=begin, args=(name,)) for name in ("full", "no-masking")]
    for pod in pods:
        pod.start()
    for pod in pods:
        pod.join()
    monkeypatch.undo()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking_uri())
    (study,) = runs_of(client, experiment, STUDY)
    below = client.search_runs([experiment], f"tags.`{PARENT_TAG}` = '{study.info.run_id}'")
    assert {run.info.run_name for run in below} == {"full", "no-masking"}


def test_a_second_study_is_taken_apart_by_whoever_comes_later() -> None:
    client = our_client()
    experiment = experiment_id(client, tracking_uri())
    made = [client.create_run(experiment, run_name="a study", tags={STUDY.tag: STUDY.key}) for _ in range(2)]
    first, second = (run.info.run_id for run in sorted(made, key=lambda run: (run.info.start_time, run.info.run_id)))
    child = client.create_run(experiment, run_name="full", tags={PARENT_TAG: second}).info.run_id
    with tracking.tracked_run("seed 0", variant("full"), {}):
        pass
    assert [run.info.run_id for run in runs_of(client, experiment, STUDY)] == [first]
    assert client.get_run(child).data.tags[PARENT_TAG] == first
