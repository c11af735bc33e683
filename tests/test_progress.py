import subprocess
import sys
from types import SimpleNamespace

import pytest

from rmsnet import progress as module
from rmsnet.progress import duration, line, progress


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (89, "89 s"), (90, "2 min"), (3600, "60 min"), (12_000, "3 h 20 min")]
)
def test_durations_are_said_in_words(seconds, words):
    assert duration(seconds) == words


def test_a_line_says_how_much_how_fast_and_how_long():
    assert line("extract", "frame", 1200, 5400, 35.0) == "extract: 1,200 of 5,400 frames, 35.0 frames/s, 2 min left"
    assert line("extract", "frame", 1200, None, 35.0) == "extract: 1,200 frames, 35.0 frames/s"


def test_off_a_terminal_lines_come_now_and_then_and_at_the_end(monkeypatch, capsys):
    now = [0.0]
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    with progress("extract", "frame", 100) as advance:
        for _ in range(10):
            now[0] += 10
            advance(10)
    lines = capsys.readouterr().err.splitlines()
    assert [text.split(" frames")[0] for text in lines] == [
        "extract: 30 of 100",
        "extract: 60 of 100",
        "extract: 90 of 100",
        "extract: 100 of 100",
    ]


def test_what_is_not_shown_says_nothing(capsys):
    with progress("extract", "frame", 1, shown=False) as advance:
        advance(1)
    assert capsys.readouterr().err == ""


def test_bars_are_drawn_in_one_place_alone(repository):
    drawing = [path.name for path in (repository / "rmsnet").rglob("*.py") if "tqdm" in path.read_text("utf-8")]
    assert drawing == ["progress.py"]


def test_no_library_draws_a_bar_into_a_log():
    code = (
        "from rmsnet.cli import speak_anywhere; speak_anywhere()\n"
        "import tqdm, tqdm.auto, huggingface_hub.utils as hub\n"
        "for bar in (tqdm.tqdm, tqdm.auto.tqdm, hub.tqdm): list(bar(range(3)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == ""
