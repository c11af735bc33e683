"""Which file of a half a browser is given."""

import av
import pytest

from rmsnet.matches.match import MatchHalf
from rmsnet.matches.page.page_video import page_video
from tests.chromium import find_chromium
from tests.video.videos import write_video


@pytest.fixture
def transport_stream(tmp_path):
    return write_video(tmp_path / "1.ts", range(0, 6000, 40), sound_ms=6000, options={"bf": "2", "g": "25"})


def pictures(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray().tobytes() for frame in container.decode(video=0)]


def test_a_transport_stream_is_copied_as_mp4_and_no_picture_is_encoded_again(transport_stream, tmp_path):
    shown = page_video(MatchHalf(1, None, (transport_stream,)), tmp_path / "out")
    assert (shown.path, shown.start_seconds, shown.remark) == (tmp_path / "out/videos/1.mp4", 0.0, "")
    assert pictures(shown.path) == pictures(transport_stream)


def test_one_that_cannot_be_copied_says_why(tmp_path):
    video = write_video(tmp_path / "1.ts", range(0, 6000, 40), codec="mpeg4")
    shown = page_video(MatchHalf(1, None, (video,)), tmp_path / "out")
    assert shown.path is None
    assert shown.remark.startswith("1.ts: browsers do not play MPEG-TS, and it cannot be copied as MP4 (its codecs")


def test_what_browsers_play_is_shown_as_it_is(tmp_path):
    video = write_video(tmp_path / "1.mp4", range(0, 6000, 40))
    assert page_video(MatchHalf(1, None, (video,)), tmp_path / "out").path == video
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(find_chromium() is None, reason="no Chromium on this machine")
def test_a_browser_plays_the_copy_and_not_the_stream(transport_stream, tmp_path, browser):
    copy = page_video(MatchHalf(1, None, (transport_stream,)), tmp_path / "out").path
    page = tmp_path / "page.html"
    page.write_text("<script>const video = document.createElement('video'); let state;"
                    "video.onloadedmetadata = () => (state = 'plays'); video.onerror = () => (state = 'refuses');"
                    "</script>")  # fmt: skip
    browser.open(page)
    for file, state in ((transport_stream, "refuses"), (copy, "plays")):
        browser.js(f"state = undefined; video.src = {file.as_uri()!r}")
        browser.wait("state")
        assert browser.js("state") == state
