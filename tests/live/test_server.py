"""The page's server: for its own machine, and for nobody else's pages."""

import json
import urllib.error
import urllib.request

import pytest

from rmsnet.errors import UserError
from rmsnet.files import write_json
from rmsnet.live.journal import Journal
from rmsnet.live.server import start_server
from rmsnet.live.stage import tell_running


@pytest.fixture
def served(tmp_path):
    (tmp_path / "clips").mkdir()
    (tmp_path / "clips" / "1-1_card.mp4").write_bytes(b"a clip")
    (tmp_path / "secret.mp4").write_bytes(b"a secret")
    journal, acts = Journal(tmp_path / "events.jsonl"), []

    def act(action, ago):
        acts.append((action, ago))
        return "done"

    address = start_server(0, "<p>the page</p>", tmp_path, journal, lambda: {"period": 1}, act)
    return address, journal, acts


def answer(address, data=None, **headers):
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(urllib.request.Request(address, data, named), timeout=10) as found:
            return found.status, found.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_page_status_and_clips_are_there_and_nothing_else(served):
    address, _, _ = served
    assert answer(f"{address}/") == (200, b"<p>the page</p>")
    assert answer(f"{address}/status") == (200, b'{"period": 1}')
    assert answer(f"{address}/clips/1-1_card.mp4") == (200, b"a clip")
    for path in ("/clips/../secret.mp4", "/secret.mp4", "/clips/", "/events.jsonl"):
        assert answer(address + path)[0] == 404


def test_events_come_as_they_are_told_and_from_where_the_page_left_off(served):
    address, journal, _ = served
    journal.say("period", half=1)
    journal.say("period", half=2)
    with urllib.request.urlopen(
        urllib.request.Request(f"{address}/events", headers={"Last-Event-ID": "1"}), timeout=10
    ) as stream:
        assert stream.readline() == b"id: 2\n"
        assert json.loads(stream.readline().removeprefix(b"data: "))["half"] == 2
        journal.say("over", events=0)
        assert stream.readline() == b"\n"
        assert stream.readline() == b"id: 3\n"


def test_another_page_can_neither_read_nor_tell(served):
    """A browser sends a form anywhere, JSON only where it may; a name of somebody else's may lead to this machine."""
    address, _, acts = served
    assert answer(f"{address}/status", Host="evil.example")[0] == 403
    assert answer(f"{address}/period", b'{"do": "end"}', Content_Type="text/plain")[0] == 403
    assert answer(f"{address}/period", b'{"do": "end"}', Content_Type="application/json", Host="evil.example")[0] == 403
    assert acts == []


def test_a_command_tells_the_one_that_runs(served, tmp_path):
    address, _, acts = served
    with pytest.raises(UserError, match="no match is spotted there"):
        tell_running(tmp_path, "end", 0)
    (tmp_path / ".live").mkdir()
    write_json(tmp_path / ".live" / "address.json", address)
    assert tell_running(tmp_path, "kick-off", 5) == "done"
    assert acts == [("kick-off", 5.0)]
    with pytest.raises(UserError, match="seconds_ago: must lie between 0 and 60"):
        tell_running(tmp_path, "kick-off", 500)
    write_json(tmp_path / ".live" / "address.json", "http://127.0.0.1:9")
    with pytest.raises(UserError, match="runs no more"):
        tell_running(tmp_path, "end", 0)
