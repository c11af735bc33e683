"""A challenger answers along; users see the champion alone."""

import asyncio
import logging
import threading
from collections import Counter
from dataclasses import replace

import pytest

from rmsnet import tracking
from rmsnet.errors import UserError
from rmsnet.registry import shadowed
from rmsnet.registry.shadowed import record_shadow, shadow_rows
from rmsnet.serving import following
from rmsnet.serving import shadow as module
from rmsnet.serving.following import ModelInService, open_service
from rmsnet.serving.limits import Limits
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.model import load_served
from rmsnet.serving.server import make_server
from rmsnet.serving.shadow import Asked, Shadow, differences
from rmsnet.serving.turns import Turns
from tests.serving.conftest import HALF, ask, npy, running
from tests.serving.test_following import CHAMPION, finished_store, store  # noqa: F401  # fixtures
from tests.serving.test_watching import metrics_of

CHALLENGER = "models:/rmsnet@challenger"


def event(second: float, label: str = "card", confidence: float = 0.9) -> dict[str, object]:
    return {"position_ms": int(1000 * second), "label": label, "confidence": confidence}


def test_two_models_mean_one_event_within_five_seconds_and_of_one_class():
    ours = [event(10), event(12, confidence=0.5), event(60), event(90, "subs")]
    theirs = [event(13), event(66), event(91, "soccer")]
    both, alone, left = differences(ours, theirs)
    assert both == [ours[0]]
    assert alone == [ours[2], ours[3], ours[1]]
    assert left == theirs[1:]
    assert differences([], []) == ([], [], [])


def recorded(champion: str = "rmsnet/1") -> list[dict[str, object]]:
    return [row for row in shadow_rows("rmsnet") if row["along with"] == champion]


def test_users_see_the_champion_and_operators_the_differences(store, caplog, monkeypatch):  # noqa: F811
    caplog.set_level(logging.INFO, "rmsnet.serving")
    monkeypatch.setattr(following, "FOLLOW_SECONDS", 0.05)
    tracking.set_alias("rmsnet", "challenger", 2)
    answers = [load_served(f"models:/rmsnet/{version}").answer(HALF, False)["events"] for version in (1, 2)]
    both, alone, left = differences(*answers)
    assert alone
    assert left
    metrics = Metrics()
    service, shadow = open_service(CHAMPION, metrics), Shadow(CHALLENGER, metrics)
    shadow.look()
    with running(make_server(service, metrics, Limits(), shadow=shadow)) as (url, _):
        status, answer = ask(f"{url}/spot", npy(HALF))
        assert (status, answer["model"]["version"], answer["events"]) == (200, 1, answers[0])
        for _ in range(1000):
            found = metrics_of(url)
            if found.get('rmsnet_shadow_halves_total{outcome="compared"}'):
                break
        assert found["rmsnet_model_version"] == 1
        for _ in range(1000):
            if rows := recorded():
                break
    assert rows == [
        {"version": 2, "along with": "rmsnet/1", "halves": 1, "both": len(both)}
        | {"champion alone": len(alone), "challenger alone": len(left)}
    ]
    told = next(record for record in caplog.records if record.getMessage() == "shadow").fields
    assert (told["champion"], told["challenger"], told["both"]) == (1, 2, len(both))
    assert told["champion_alone"] == alone
    assert told["challenger_alone"] == left
    by = {
        who: sum(value for name, value in found.items() if f'found_by="{who}"' in name and "_total" in name)
        for who in ("both", "champion", "challenger")
    }
    assert by == {"both": len(both), "champion": len(alone), "challenger": len(left)}


def test_counts_are_added_up_and_wait_while_the_store_is_away(store, caplog, monkeypatch):  # noqa: F811
    shadow, pair = Shadow(CHALLENGER, Metrics()), ("rmsnet/2", "rmsnet/9")
    counted = {pair: Counter(halves=2, both=3, challenger_alone=1)}

    def away(*_):
        raise UserError("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(module, "record_shadow", away)
        assert [shadow.record(counted) for _ in range(2)] == [counted, counted]
    assert [record.getMessage() for record in caplog.records] == ["differences are not recorded"]
    assert [shadow.record(counted) for _ in range(2)] == [{}, {}]
    assert recorded("rmsnet/9") == [
        {"version": 2, "along with": "rmsnet/9", "halves": 4, "both": 6, "champion alone": 0, "challenger alone": 2}
    ]


def test_a_version_keeps_its_latest_champions_and_a_tag_that_was_edited_is_none(store, monkeypatch):  # noqa: F811
    monkeypatch.setattr(shadowed, "CHAMPIONS", 2)
    for number in (1, 2, 1, 3):
        record_shadow("rmsnet", 1, f"rmsnet/{number}", Counter(halves=1))
    assert [(row["along with"], row["halves"]) for row in shadow_rows("rmsnet") if row["version"] == 1] == [
        ("rmsnet/1", 2),
        ("rmsnet/3", 1),
    ]
    tracking.tag_version("rmsnet", 1, {shadowed.SHADOW_TAG: '{"rmsnet/1": {"halves": 1}}'})
    assert not [row for row in shadow_rows("rmsnet") if row["version"] == 1]


def test_there_need_be_no_challenger(store, caplog):  # noqa: F811
    tracking.set_alias("rmsnet", "challenger", None)
    metrics = Metrics()
    shadow = Shadow(CHALLENGER, metrics)
    for _ in range(3):
        shadow.look()
    assert [record.getMessage() for record in caplog.records] == ["there is no challenger"]
    tracking.set_alias("rmsnet", "challenger", 2)
    shadow.look()
    tracking.set_alias("rmsnet", "challenger", None)
    shadow.look()  # the one that is loaded goes on


@pytest.fixture
def shadow(loaded_model, metrics, monkeypatch) -> Shadow:
    """One whose challenger is the champion itself."""
    monkeypatch.setattr(module, "open_service", lambda uri, metrics, key: ModelInService(uri, loaded_model, metrics))
    made = Shadow("folder", metrics)
    made.look()
    return made


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def outcomes(metrics: Metrics) -> list[float | None]:
    names = ("compared", "skipped", "failed")
    return [metrics.registry.get_sample_value("rmsnet_shadow_halves_total", {"outcome": name}) for name in names]


def test_a_challenger_gets_no_turn_while_a_user_has_or_wants_it(shadow, metrics, loaded_model):
    asked = Asked("1", HALF, False, loaded_model, loaded_model.answer(HALF, False)["events"], loaded_model)

    async def run() -> None:
        turns, release = Turns(1), threading.Event()
        user = asyncio.create_task(turns.take(lambda: release.wait(60), 60))
        await asyncio.sleep(0.01)
        await shadow.ask(asked, turns)
        assert outcomes(metrics) == [0, 1, 0]
        release.set()
        await user
        await shadow.ask(asked, turns)
        assert outcomes(metrics) == [1, 1, 0]
        turns.close()

    asyncio.run(run())


def test_a_challenger_that_fails_is_told_and_harms_nobody(shadow, metrics, loaded_model, caplog):
    other = replace(loaded_model, description={**loaded_model.description, "classes": ["goal"]})

    async def run() -> None:
        turns = Turns(1)
        await shadow.ask(Asked("1", HALF, False, other, [], other), turns)
        turns.close()

    asyncio.run(run())
    assert outcomes(metrics) == [0, 0, 1]
    assert "its classes are" in caplog.records[-1].fields["trouble"]


def test_the_challenger_answers_its_share_and_the_champion_answers_along(store, caplog):  # noqa: F811
    caplog.set_level(logging.INFO, "rmsnet.serving")
    tracking.set_alias("rmsnet", "challenger", 2)
    answers = [load_served(f"models:/rmsnet/{version}").answer(HALF, False)["events"] for version in (1, 2)]
    both, alone, left = differences(*answers)
    metrics = Metrics()
    service, shadow = open_service(CHAMPION, metrics), Shadow(CHALLENGER, metrics, share=1.0)
    shadow.look()
    with running(make_server(service, metrics, Limits(), shadow=shadow)) as (url, _):
        status, answer = ask(f"{url}/spot", npy(HALF))
        assert (status, answer["model"]["version"], answer["events"]) == (200, 2, answers[1])
        for _ in range(1000):
            if metrics_of(url).get('rmsnet_shadow_halves_total{outcome="compared"}'):
                break
    told = next(record for record in caplog.records if record.getMessage() == "shadow").fields
    assert (told["champion"], told["challenger"], told["answered"]) == (1, 2, 2)
    assert (told["both"], told["champion_alone"], told["challenger_alone"]) == (len(both), alone, left)


def test_of_a_share_some_requests_are_the_challengers(shadow, loaded_model, monkeypatch):
    monkeypatch.setattr(shadow, "_share", 0.25)
    draws = iter([0.1, 0.3, 0.9, 0.24])
    monkeypatch.setattr(module.random, "random", lambda: next(draws))
    champion = replace(loaded_model)
    assert [shadow.answering(champion) is champion for _ in range(4)] == [False, True, True, False]
