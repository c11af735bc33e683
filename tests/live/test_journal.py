"""What is told of events, and when."""

import json
import threading
from typing import ClassVar

from rmsnet.live.journal import Journal
from rmsnet.live.webhook import Webhook
from tests.live.streams import Hook, listening


def event(at, label="card", confidence=0.5):
    return {"half": 1, "position_ms": at, "label": label, "confidence": confidence}


def told(journal):
    return [(line["state"], line["id"], line["position_ms"]) for line in journal.lines]


def test_an_event_is_provisional_then_confirmed_once_with_what_it_is_in_the_end(tmp_path):
    journal = Journal(tmp_path / "events.jsonl")
    journal.update(1, [event(10_000)], [False])
    journal.update(1, [event(11_000)], [False])  # moved: no news
    journal.update(1, [event(11_500)], [True])
    journal.update(1, [event(11_500)], [True])
    assert told(journal) == [("provisional", "1-1", 10_000), ("confirmed", "1-1", 11_500)]


def test_what_is_no_event_any_more_is_withdrawn_and_a_new_one_has_a_new_name(tmp_path):
    journal = Journal(tmp_path / "events.jsonl")
    journal.update(1, [event(10_000)], [False])
    journal.update(1, [event(10_000, "goal")], [False])
    journal.update(1, [event(10_000, "goal"), event(40_000, "goal")], [True, True])
    assert told(journal) == [
        ("provisional", "1-1", 10_000),
        ("provisional", "1-2", 10_000),
        ("withdrawn", "1-1", 10_000),
        ("confirmed", "1-2", 10_000),
        ("confirmed", "1-3", 40_000),
    ]


def test_a_journal_goes_on_behind_half_a_line(tmp_path):
    Journal(tmp_path / "events.jsonl").update(1, [event(10_000), event(50_000)], [True, False])
    with (tmp_path / "events.jsonl").open("ab") as file:
        file.write(b'{"line": 3, "sta')
    journal = Journal(tmp_path / "events.jsonl")
    journal.update(1, [event(10_000), event(50_000)], [True, True])
    assert told(journal)[2:] == [("confirmed", "1-2", 50_000)]
    assert [json.loads(line)["line"] for line in (tmp_path / "events.jsonl").read_text().splitlines()] == [1, 2, 3]


def test_a_webhook_goes_on_where_it_was_and_never_gets_more_than_waits_at_most(tmp_path, monkeypatch):
    monkeypatch.setattr("rmsnet.live.webhook.MOST", 3)
    journal, lines = Journal(tmp_path / "events.jsonl"), []
    for number in range(6):
        journal.say("period", half=number)
    hook = type("Working", (Hook,), {"received": []})
    with listening(hook) as url:
        first = Webhook(url, journal, tmp_path / "webhook.json", lines.append)
        first.start()
        assert first.wait(30) == 0
        journal.say("period", half=6)
        assert first.wait(30) == 0
        again = Webhook(url, Journal(tmp_path / "events.jsonl"), tmp_path / "webhook.json", lines.append)
    assert [json.loads(line)["half"] for line in hook.received] == [3, 4, 5, 6]
    assert again.waiting == 0
    assert lines == [f"--webhook {url}: 3 lines are left out; it takes too few"]


def test_a_webhook_that_is_slower_than_patience_is_told_of_once_and_the_journal_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr("rmsnet.live.webhook.PATIENCE_SECONDS", 0.2)
    journal, lines = Journal(tmp_path / "events.jsonl"), []
    asked = threading.Event()

    class Slow(Hook):
        received: ClassVar[list[bytes]] = []

        def do_POST(self):
            if asked.is_set():  # the second time it is awake
                super().do_POST()
            else:
                asked.set()
                enough.wait()

    enough = threading.Event()
    with listening(Slow) as url:
        hook = Webhook(url, journal, tmp_path / "webhook.json", lines.append)
        hook.start()
        for number in range(3):
            journal.say("period", half=number)
        assert hook.wait(30) == 0
        enough.set()
    assert [json.loads(line)["half"] for line in Slow.received] == [0, 1, 2]
    slow, again = lines
    assert slow == f"--webhook {url}: timed out; it is tried again, and nothing waits for it"
    assert again == f"--webhook {url}: takes what it is sent again"
