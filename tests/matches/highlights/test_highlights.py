"""Clips and reel of videos whose pictures say their number, 25 a second."""

from itertools import pairwise

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rmsnet.errors import UserError
from rmsnet.matches.highlights.clips import Highlight, join_overlapping, segment_of, write_highlights
from rmsnet.matches.highlights.cutting import copy_clip, copy_half
from rmsnet.matches.highlights.reel import Caption, Segment, encode
from rmsnet.matches.stage import spot_stage
from rmsnet.video.files import Part
from tests.matches.builders import write_features, write_sure_model
from tests.video.videos import number_of, write_video

SECONDS = 60
EVERY_40_MS = range(0, 1000 * SECONDS, 40)


def read(path):
    """(number, second) of every picture, and seconds of sound (None: there is none)."""
    with av.open(str(path)) as container:
        pictures = [
            (number_of(frame.to_ndarray(format="rgb24")), float(frame.time)) for frame in container.decode(video=0)
        ]
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return pictures, None
        samples = sum(frame.samples / frame.sample_rate for frame in container.decode(audio=0))
    return pictures, samples


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    """A key frame each second: everything can be copied."""
    folder = tmp_path_factory.mktemp("videos")
    options = {"g": "25", "sc_threshold": "0", "bf": "2"}
    return {
        1: write_video(folder / "1.mp4", EVERY_40_MS, sound_ms=1000 * SECONDS, options=options),
        2: write_video(folder / "2.mkv", EVERY_40_MS, options=options),
    }


@pytest.mark.parametrize("name", ["video.mp4", "video.mkv", "video.ts"])
@pytest.mark.parametrize("bframes", ["0", "3"])
def test_a_copied_clip_holds_every_picture_from_its_key_frame_to_its_end(tmp_path, name, bframes):
    path = write_video(tmp_path / name, EVERY_40_MS, options={"g": "50", "sc_threshold": "0", "bf": bframes})
    assert copy_clip(path, 13.0, 21.0, tmp_path / "clip.mp4")
    pictures, _ = read(tmp_path / "clip.mp4")
    numbers = [number for number, _ in pictures]
    # Key frames at 0, 2, 4, … seconds: from the one at 12 s. Pictures that the last ones are made from may follow.
    assert numbers[: 21 * 25 - 300] == list(range(300, 525))
    assert len(numbers) <= 225 + 4
    np.testing.assert_allclose(np.diff([second for _, second in pictures]), 0.04, atol=0.002)


def test_an_open_group_of_pictures_begins_with_what_can_be_shown(tmp_path):
    path = write_video(tmp_path / "video.mp4", EVERY_40_MS, options={"x264-params": "open-gop=1:keyint=50:bframes=3"})
    assert copy_clip(path, 13.0, 21.0, tmp_path / "clip.mp4")
    numbers = [number for number, _ in read(tmp_path / "clip.mp4")[0]]
    assert all(later == earlier + 1 for earlier, later in pairwise(numbers))
    assert 275 <= numbers[0] <= 325


def test_a_clip_far_from_a_key_frame_is_not_copied_but_encoded_exactly(tmp_path):
    path = write_video(tmp_path / "video.mkv", EVERY_40_MS, options={"g": "5000", "sc_threshold": "0"})
    assert not copy_clip(path, 13.0, 21.0, tmp_path / "clip.mp4")
    assert not (tmp_path / "clip.mp4").exists()
    encode([Segment(path, 13.0, 21.0)], tmp_path / "clip.mp4")
    pictures, _ = read(tmp_path / "clip.mp4")
    assert [number for number, _ in pictures] == list(range(325, 525))


def test_a_codec_that_players_do_not_know_is_not_copied(tmp_path):
    path = write_video(tmp_path / "video.mkv", EVERY_40_MS, codec="ffv1")
    assert not copy_clip(path, 13.0, 21.0, tmp_path / "clip.mp4")
    assert not (tmp_path / "clip.mp4").exists()


def test_clips_and_a_reel_with_captions_sound_and_chapters(videos, tmp_path):
    events = [
        Highlight(1, 3_000, "soccer", "#4ade80"),
        Highlight(1, 30_500, "card", "#facc15"),
        Highlight(2, 58_000, "Yellow->red card", "#fb923c"),
        Highlight(2, 61_000, "card", "#facc15"),
    ]
    told = []
    done = write_highlights(videos, events, tmp_path / "highlights", lambda: told.append(1))
    assert done.clips == ("01_1-00m03s_goal.mp4", "02_1-00m30s_card.mp4", "03_2-00m58s_yellow-red-card.mp4")
    assert done.copied == 3
    assert done.left_out == ("Card 47': the video has no picture there",)
    assert len(told) == 6
    # 3 s: from the start; 30.5 s: from the key frame at 22 s to 37.5 s; 58 s: to the end of the video.
    for name, first, last in zip(done.clips, (0, 22 * 25, 50 * 25), (250, 938, 1500), strict=True):
        pictures, sound = read(tmp_path / "highlights" / name)
        assert pictures[0][0] == first
        assert pictures[-1][0] == pytest.approx(last, abs=4)
        assert (sound is None) == name.startswith("03")
    pictures, sound = read(tmp_path / "highlights/reel.mp4")
    seconds = 10 + 15 + 10
    assert len(pictures) == 25 * seconds
    assert sound == pytest.approx(seconds, abs=0.1)
    with av.open(str(tmp_path / "highlights/reel.mp4")) as container:
        titles = [chapter["metadata"]["title"] for chapter in container.chapters()]
    assert titles == ["Goal 1'", "Card 1'", "Yellow->red card 46'"]


def test_clips_of_periods_are_cut_from_the_one_file_that_holds_them(videos, tmp_path):
    parts = {1: Part(videos[1], 5.0, 20.0), 2: Part(videos[1], 30.0, 25.0)}
    events = [Highlight(1, 1000, "card", "#facc15"), Highlight(2, 10_000, "soccer", "#00cc00")]
    done = write_highlights(parts, events, tmp_path / "highlights")
    first, second = ([number for number, _ in read(tmp_path / "highlights" / clip)[0]] for clip in done.clips)
    assert (first[0], first[-1]) == (25 * 5, 25 * 13 - 1)
    assert (second[0], second[-1]) == (25 * 32, 25 * 47 - 1)
    reel = [number for number, _ in read(tmp_path / "highlights/reel.mp4")[0]]
    assert reel == first + second
    assert done.copied == 2


def test_a_clip_over_the_end_of_a_file_goes_on_in_the_next_one(tmp_path):
    for number, first in ((1, 0), (2, 500)):
        times = range(0, 20_000, 40)
        path = tmp_path / f"1_224p.{number}.mp4"
        write_video(path, times, numbers=range(first, first + 500), sound_ms=20_000, options={"g": "25"})
    event = Highlight(1, 22_000, "card", "#facc15")
    done = write_highlights({1: tmp_path / "1_224p.mp4"}, [event], tmp_path / "highlights")
    pictures, sound = read(tmp_path / "highlights" / done.clips[0])
    assert [number for number, _ in pictures] == list(range(350, 725))
    assert sound == pytest.approx(15, abs=0.1)
    assert copy_half(tmp_path / "1_224p.mp4", tmp_path / "joined.mp4")
    pictures, _ = read(tmp_path / "joined.mp4")
    assert [number for number, _ in pictures] == list(range(1000))
    assert [second for _, second in pictures] == pytest.approx([number / 25 for number in range(1000)], abs=0.005)


def test_captions_are_drawn_at_the_lower_left_from_their_moment_on(tmp_path):
    path = write_video(tmp_path / "video.mp4", range(0, 4000, 40), size=(360, 640), numbers=[0] * 100)
    segment = Segment(path, 0.0, 4.0, (Caption(2.0, "Goal", "67'", "#4ade80"),))
    encode([segment], tmp_path / "reel.mp4")
    with av.open(str(tmp_path / "reel.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    changed = np.abs(frames[75] - frames[25]).max(axis=2) > 40
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    assert 250 < rows[0] < rows[-1] < 345
    assert 10 < columns[0] < columns[-1] < 320
    assert np.abs(frames[49] - frames[25]).max() < 40


def test_halves_of_another_size_are_fitted_on_black(tmp_path):
    wide = write_video(tmp_path / "wide.mp4", range(0, 1000, 40), size=(64, 96))
    tall = write_video(tmp_path / "tall.mp4", range(0, 1000, 40), size=(96, 64))
    encode([Segment(wide, 0.0, 1.0), Segment(tall, 0.0, 1.0)], tmp_path / "reel.mp4")
    with av.open(str(tmp_path / "reel.mp4")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert {frame.shape for frame in frames} == {(64, 96, 3)}
    assert len(frames) == 50
    assert frames[-1][:, :20].max() < 40


def test_a_caption_takes_over_no_later_than_its_event_however_long_the_one_before_stays(tmp_path):
    events = [Highlight(1, 10_000, "soccer", "#ffffff", after=45), Highlight(1, 20_000, "card", "#ffffff", before=2)]
    (joined,) = join_overlapping([segment_of(tmp_path, 100.0, event) for event in events])
    assert (joined.start, joined.end) == (2.0, 55.0)
    assert [(caption.text, caption.start) for caption in joined.captions] == [("Goal", 2.0), ("Card", 20.0)]


def test_an_event_with_a_long_lead_in_is_joined_with_all_that_it_reaches_back_to(tmp_path):
    events = [Highlight(1, ms, "card", "#ffffff", before=2, after=2) for ms in (10_000, 20_000)]
    events.append(Highlight(1, 21_000, "soccer", "#ffffff", before=12, after=2))
    (joined,) = join_overlapping([segment_of(tmp_path, 100.0, event) for event in events])
    assert (joined.start, joined.end) == (8.0, 23.0)


@given(st.lists(st.tuples(st.floats(0, 100), st.floats(0, 30), st.floats(0, 30)), max_size=8))
def test_the_reel_shows_nothing_twice_and_loses_no_caption(tmp_path_factory, drawn):
    path = tmp_path_factory.getbasetemp()
    starts = [moment - before for moment, before, _ in drawn]
    segments = [
        Segment(
            path, moment - before, moment + after, (Caption(moment - before, str(number), "1'", "#ffffff", moment),)
        )
        for number, (moment, before, after) in enumerate(sorted(drawn))
    ]
    joined = join_overlapping(segments)
    assert all(one.end <= other.start for one, other in pairwise(joined))
    captions = [caption for segment in joined for caption in segment.captions]
    assert [caption.text for caption in captions] == [str(number) for number in range(len(starts))]
    for segment in joined:
        times = [caption.start for caption in segment.captions]
        assert times == sorted(times)
        assert times[0] == segment.start
        assert all(segment.start <= time <= segment.end for time in times)
        assert all(caption.start <= caption.moment for caption in segment.captions)


def test_a_broken_video_leaves_no_folder(tmp_path):
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    with pytest.raises(UserError, match="no video"):
        write_highlights({1: tmp_path / "broken.mp4"}, [Highlight(1, 0, "card", "#ffffff")], tmp_path / "highlights")
    assert not (tmp_path / "highlights").exists()


def test_spot_cuts_what_is_sure_enough(tmp_path):
    write_features(tmp_path / "game/1_test.npy")
    write_video(tmp_path / "game/1_224p.mp4", EVERY_40_MS)
    model = write_sure_model(tmp_path / "model")
    (all_of_it,) = spot_stage([tmp_path / "game"], str(model), tmp_path / "out")
    most = max(event["confidence"] for event in all_of_it.events)
    spot_stage([tmp_path / "game"], str(model), tmp_path / "out", confidence=most, highlights=True)
    assert len(list((tmp_path / "out/highlights").glob("*_*.mp4"))) == 1
    assert (tmp_path / "out/highlights/reel.mp4").exists()
