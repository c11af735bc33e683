import threading
import time

import pytest

from rmsnet.video.prefetch import prefetched


def test_items_come_in_order_and_ahead_of_time():
    made = []

    def items():
        for number in range(6):
            made.append(number)
            yield number

    taken = prefetched(items(), ahead=3)
    assert next(taken) == 0
    deadline = time.monotonic() + 5
    while len(made) < 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    assert made == [0, 1, 2, 3]
    assert list(taken) == [1, 2, 3, 4, 5]


def test_errors_are_raised_where_the_items_are_used():
    def items():
        yield 1
        raise ValueError("broken")

    taken = prefetched(items())
    assert next(taken) == 1
    with pytest.raises(ValueError, match="broken"):
        next(taken)


def test_whoever_stops_early_leaves_no_thread_behind():
    before = threading.active_count()
    taken = prefetched(iter(range(100)))
    next(taken)
    taken.close()
    assert threading.active_count() == before
