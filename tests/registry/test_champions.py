"""The champions of a registered model over time."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from rmsnet.registry.champions import Score, draw_champions, reign_rows, reigns
from rmsnet.registry.history import CHALLENGER, CHAMPION, Change


def change(number: int, kind: str, before: int | None, after: int | None, holds: bool = True) -> Change:
    when = datetime(2026, 3, number, tzinfo=UTC).isoformat(timespec="seconds")
    alias = CHALLENGER if kind == "refused" else CHAMPION
    return Change(number, kind, when, "me@here", f"reason {number}", None, {alias: (before, after)}, {}, holds, True)


LIFE = [
    change(1, "promote", None, 1),
    change(2, "refused", None, 2),
    change(3, "forced", 1, 2),
    change(4, "promote", 1, 3, holds=False),
    change(5, "rollback", 2, 1),
]


def test_a_reign_lasts_from_one_change_that_holds_to_the_next():
    found = reigns(LIFE)
    assert [(reign.version, reign.since.day, reign.until and reign.until.day, reign.came) for reign in found] == [
        (1, 1, 3, "promoted"),
        (2, 3, 5, "forced"),
        (1, 5, None, "rolled back to"),
    ]
    assert [reign.why for reign in found] == ["reason 1", "reason 3", "reason 5"]


def test_a_time_without_a_champion_is_nobodys():
    found = reigns([change(1, "promote", None, 1), change(2, "outside", 1, None), change(3, "outside", None, 4)])
    assert [(reign.version, reign.until and reign.until.day) for reign in found] == [(1, 2), (4, None)]


@given(st.lists(st.tuples(st.booleans(), st.none() | st.integers(1, 5)), max_size=20))
def test_reigns_follow_one_another_and_only_the_last_goes_on(steps):
    made = [change(place + 1, "promote", None, after, holds) for place, (holds, after) in enumerate(steps)]
    found = reigns(made)
    assert len(found) == sum(holds and after is not None for holds, after in steps)
    ends = [reign.until for reign in found]
    assert all(end is not None and end <= later.since for end, later in zip(ends[:-1], found[1:], strict=False))


def test_the_table_has_scores_with_intervals_and_says_nothing_of_what_is_not_known():
    rows = reign_rows(reigns(LIFE), {1: Score(0.5, (0.4, 0.6), "hash")})
    assert [(row["version"], row["test_average_map"], row["low"], row["high"], row["data"]) for row in rows] == [
        (1, 0.5, 0.4, 0.6, "hash"),
        (2, None, None, None, ""),
        (1, 0.5, 0.4, 0.6, "hash"),
    ]
    drawn = draw_champions(reigns(LIFE), {1: Score(0.5, (0.4, 0.6), "hash")}, "title", "test (simulated)")
    assert drawn.svg.startswith(b"<?xml")
