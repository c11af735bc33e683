"""Videos that are sent to be spotted."""

import json
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler

import pytest

from rmsnet.errors import UserError
from rmsnet.locks import writing
from rmsnet.serving.following import ModelInService
from rmsnet.serving.jobs import JobLimits, Jobs
from rmsnet.serving.limits import Limits
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.server import make_server, serve
from tests.live.streams import listening, write_video_model
from tests.serving.conftest import ask, ask_all, running
from tests.video.videos import write_video


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_video_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("videos") / "match.mp4", range(0, 25_000, 100), rate=10)


def served(jobs, loaded_model):
    metrics = Metrics()
    service = ModelInService(loaded_model.description["uri"], loaded_model, metrics)
    return running(make_server(service, metrics, Limits(stall_seconds=2), jobs=jobs))


def queue(folder, model="nowhere", **limits) -> Jobs:
    return Jobs(folder, JobLimits(**limits), lambda: str(model))


def test_a_video_is_taken_spotted_and_shown(model, video, loaded_model, tmp_path):
    jobs = queue(tmp_path / "queue", model)
    jobs.start()
    with served(jobs, loaded_model) as (url, _):
        status, told = ask(f"{url}/jobs?name=match.mp4", video.read_bytes())
        assert status == 202
        _, events, _ = ask_all(url + told["links"]["progress"])
        states = [json.loads(line[6:]) for line in events.decode().splitlines() if line.startswith("data: ")]
        assert states[-1]["state"] == "done", states[-1]
        assert states[-1]["model"] == str(model)
        assert b"<html" in ask_all(url + states[-1]["links"]["page"])[1]
        assert ask_all(url + states[-1]["links"]["events"])[1].startswith(b"half,time")
        for path in ("../job.json", "%2e%2e/job.json", "nothing"):
            assert ask_all(f"{url}/jobs/{told['id']}/files/{path}")[0] == 404


def test_what_is_no_video_fails_in_one_line(model, loaded_model, tmp_path):
    jobs = queue(tmp_path / "queue", model)
    jobs.start()
    with served(jobs, loaded_model) as (url, _):
        _, told = ask(f"{url}/jobs", b"no video")
        ask_all(url + told["links"]["progress"])
        _, told = ask(f"{url}/jobs/{told['id']}")
    assert told["state"] == "failed"
    assert "no video" in told["told"]
    assert str(tmp_path) not in told["told"]


@pytest.mark.skipif(sys.platform != "linux", reason="memory of another process can be bound on Linux alone")
def test_a_video_that_takes_more_memory_than_it_may_fails_alone(model, video, tmp_path):
    jobs = queue(tmp_path / "queue", model, memory_bytes=32 << 20)
    jobs.start()
    job, path = jobs.accept("match.mp4")
    path.write_bytes(video.read_bytes())
    jobs.enqueue(job)
    seen = None
    while (seen := jobs.follow(job.id, seen)).state in ("waiting", "running"):
        pass
    jobs.close()
    assert seen.state == "failed"
    assert seen.told.startswith("it failed within --job-memory-mib 32: ")


def test_what_waited_and_what_ran_when_the_server_ended_waits_for_the_next(tmp_path):
    first = queue(tmp_path)
    for state in ("waiting", "running", "done"):
        job, path = first.accept("match.ts")
        path.write_bytes(b"a video")
        first.enqueue(type(job)(job.id, state, job.suffix))
    again = queue(tmp_path)
    assert sorted(job.state for job in map(again.get, again._jobs)) == ["done", "waiting", "waiting"]
    assert again.waiting == 2


def test_a_full_queue_says_so_and_the_oldest_that_is_finished_makes_room(loaded_model, tmp_path):
    jobs = queue(tmp_path, most=2)
    with served(jobs, loaded_model) as (url, _):
        one, two = (ask(f"{url}/jobs", b"a video")[1] for _ in range(2))
        status, told = ask(f"{url}/jobs", b"a video")
        assert status == 503
        assert "2 jobs are waiting" in told["error"]
        jobs.enqueue(type(job := jobs.get(one["id"]))(job.id, "done", job.suffix, finished=1.0))
        assert ask(f"{url}/jobs", b"a video")[0] == 202
        assert ask(f"{url}/jobs/{one['id']}")[0] == 404
        assert ask(f"{url}/jobs/{two['id']}")[0] == 200


def test_a_video_that_is_too_large_leaves_nothing(loaded_model, tmp_path):
    jobs = queue(tmp_path, video_bytes=1 << 20)
    with served(jobs, loaded_model) as (url, _):
        status, told = ask(f"{url}/jobs", bytes((1 << 20) + 1))
    assert status == 413, told
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/1.mkv",
        "https://videos.example.evil/1.mkv",
        "https://videos.example/public/../private/1.mkv",
        "https://videos.example/public/%2e%2e/1.mkv",
        "file:///etc/passwd",
        "https://videos.example@evil/public/1.mkv",
    ],
)
def test_an_address_off_the_list_is_refused(url):
    limits = JobLimits(urls=("https://videos.example/public/",))
    assert limits.allow("https://videos.example/public/1.mkv")
    assert not limits.allow(url)


def test_an_allowed_address_that_leads_elsewhere_fails(tmp_path):
    class Leading(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/secret")
            self.end_headers()

        def log_message(self, *_):
            pass

    with listening(Leading) as address:
        jobs = queue(tmp_path, urls=(f"{address}/",))
        job, _ = jobs.accept(f"{address}/1.mkv", f"{address}/1.mkv")
        jobs.enqueue(job)
        jobs.start()
        deadline = time.monotonic() + 60
        while (job := jobs.get(job.id)).state != "failed" and time.monotonic() < deadline:
            time.sleep(0.02)
    assert "leads to an address that is not allowed" in job.told


def test_two_servers_on_one_queue_are_refused(tmp_path):
    refused = []

    def second():
        try:
            serve("no model is asked for", "127.0.0.1", 0, Limits(), jobs_folder=tmp_path / "queue")
        except UserError as error:
            refused.append(str(error))

    with writing(tmp_path / "queue"):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join()
    assert "is writing there" in refused[0]
    assert "\n" not in refused[0]
