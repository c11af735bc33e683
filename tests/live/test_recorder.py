"""Periods, their recordings, and the clock behind them."""

import av
import pytest

from rmsnet.live.clock import TICKS, LiveClock, Stamp, clock_of
from rmsnet.live.periods import State, read_state
from rmsnet.live.recorder import Recorder
from rmsnet.video.decoding import sampled_pictures
from rmsnet.video.files import half_video
from tests.live.streams import RATE, scene, write_segments

STEP = TICKS // RATE


@pytest.fixture(scope="module")
def segments(tmp_path_factory):
    return write_segments(tmp_path_factory.mktemp("segments"), 30)


def recorder(out, told=None, **options) -> Recorder:
    (out / ".live").mkdir(parents=True, exist_ok=True)
    given = {"gap_seconds": 60.0, "periods": 2, "at_once": True, "live": False, **options}
    state = read_state(out) or State("source", "model")
    return Recorder(out, state, begun=lambda *_: None, tell=(told if told is not None else []).append, **given)


def feed(recorder, segments) -> None:
    for segment in segments:
        with av.open(str(segment)) as container:
            recorder.connected(1 / 10)
            for packet in container.demux(container.streams.video[0], container.streams.audio[0]):
                recorder.take(packet)
            recorder.disconnected()


def pictures(path) -> list[int]:
    """Which scenes of the match the samples of a half show."""
    shown = []
    for picture in sampled_pictures(path, 2.0, 0.5):
        distance = [abs(picture.astype(int) - scene(number).astype(int)).mean() for number in range(0, 30 * RATE)]
        shown.append(distance.index(min(distance)))
    return shown


def test_a_period_begins_where_it_was_told_though_the_key_frame_lies_before(segments, tmp_path):
    live = recorder(tmp_path, at_once=False)
    feed(live, segments[:10])
    assert live.kick_off(seconds_ago=0) == 0  # the connection is closed, and what it gave with it
    with av.open(str(segments[10])) as container:
        live.connected(1 / 10)
        for packet in container.demux(container.streams.video[0]):
            live.take(packet)
        assert live.kick_off(seconds_ago=0.55) == 1
        live.disconnected()
    feed(live, segments[11:])
    live.finish()
    live.write_trims()
    half = half_video(tmp_path / "1_HQ.ts")
    assert half.start_seconds == pytest.approx(1.35)
    assert half.seconds == pytest.approx(30 - 20 - 1.35)
    # The samples at 0.5 s, 1 s, … from 21.35 s on.
    assert pictures(tmp_path / "1_HQ.ts")[:3] == [218, 223, 228]


def test_a_gap_ends_a_period_and_the_next_picture_begins_the_next(segments, tmp_path):
    told = []
    live = recorder(tmp_path, told, gap_seconds=5)
    feed(live, segments[:5])
    feed(live, segments[9:])
    live.finish()
    assert [period.number for period in live.state.periods] == [1, 2]
    assert told == ["no pictures for 8 s: period 1 is over"]
    live.write_trims()
    assert half_video(tmp_path / "1_HQ.ts").seconds == pytest.approx(10)
    assert half_video(tmp_path / "2_HQ.ts").seconds == pytest.approx(12)


def test_what_was_written_after_the_last_state_is_cut_off_and_comes_again(segments, tmp_path):
    first = recorder(tmp_path)
    feed(first, segments[:5])
    with (tmp_path / "1_HQ.ts").open("ab") as file:
        file.write(b"half a packet")
    again = recorder(tmp_path)
    assert again.period == 1
    feed(again, segments)  # from the start, as a server gives it
    again.finish()
    with av.open(str(tmp_path / "1_HQ.ts")) as recording:
        times = sorted(packet.pts for packet in recording.demux(video=0) if packet.size)
    assert times == list(range(times[0], times[0] + 30 * TICKS, STEP))


def play(clock, shown, live=True, waited=0, size=100) -> list[int]:
    """Where pictures, every fifth a key frame, come on the continuous clock; those that are left out are missing."""
    taken = []
    for number, tick in enumerate(shown):
        if clock.take(Stamp(tick, tick, number % 5 == 0, size + number), STEP, waited, live):
            taken.append(tick + clock.shift)
    return taken


def test_time_goes_on_where_the_clock_of_a_stream_falls_or_leaps():
    clock = LiveClock()
    one = play(clock, range(0, 10 * STEP, STEP))
    for start in (0, 3_000_000_000, 70 * TICKS):
        taken = play(clock, range(start, start + 10 * STEP, STEP), size=start)
        assert taken == list(range(one[-1] + STEP, one[-1] + 11 * STEP, STEP))
        one = taken


def test_a_lost_connection_on_another_clock_takes_as_long_as_it_took():
    clock = LiveClock()
    before = play(clock, range(900_000, 900_000 + 10 * STEP, STEP))[-1]
    clock.join()
    assert play(clock, [5], waited=42 * TICKS)[0] - before == 42 * TICKS


def test_a_gap_of_a_file_is_a_gap_as_it_is_when_the_file_is_whole():
    clock = LiveClock()
    play(clock, range(0, 10 * STEP, STEP))
    assert play(clock, [20 * 60 * TICKS], live=False)[0] - LiveClock().top == 20 * 60 * TICKS


def test_what_is_known_is_known_again_after_a_restart():
    clock = LiveClock()
    play(clock, range(0, 30 * STEP, STEP))
    clock = clock_of(clock.state())
    assert len(play(clock, range(0, 40 * STEP, STEP))) == 10
