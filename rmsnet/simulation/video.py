"""What a simulated broadcast looks like on a screen: the same shots as the features, drawn and encoded as H.264.

Nobody would take it for football, but it has what a spotting model needs: play that moves, cuts, a scoreboard with
clock and score, and after goals, cards and substitutions the pictures and graphics that a broadcast shows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rmsnet.dataset.labels import Event
from rmsnet.files import atomic_file
from rmsnet.simulation.broadcast import CUES, FIRST_FRAME_SECONDS, FRAME_RATE, SHOT_TYPES, Broadcast, Shot
from rmsnet.simulation.draws import Draws

HEIGHT, WIDTH = 224, 398
VIDEO_RATE = 10
"""Pictures a second; real broadcasts have 25. All of them are drawn, and ten move well enough."""

Canvas = npt.NDArray[np.int16]
"""(56, 100, 3) RGB; enlarged when it is encoded."""

_ROWS, _COLUMNS = 56, 100

_SKIN, _BLACK, _WHITE = (224, 172, 105), (16, 16, 16), (240, 240, 240)
_SHIRTS = ((200, 30, 40), (30, 60, 190), (240, 200, 20), (240, 240, 240), (120, 30, 140), (20, 150, 150))

_FONT = {
    "0": "111101101101111",
    "1": "010110010010111",
    "2": "111001111100111",
    "3": "111001111001111",
    "4": "101101111001001",
    "5": "111100111001111",
    "6": "111100111101111",
    "7": "111001001001001",
    "8": "111101111101111",
    "9": "111101111001111",
    ":": "000010000010000",
    "-": "000000111000000",
}


@dataclass(frozen=True)
class Colours:
    """How the pictures of a match are coloured.

    Attributes:
        home: shirts.
        away: shirts.
        pitch: the grass.
        crowd: brightness of the stands.
    """

    home: tuple[int, int, int]
    away: tuple[int, int, int]
    pitch: tuple[int, int, int]
    crowd: int


def match_colours(draws: Draws) -> Colours:
    """Shirts, grass and light of one match."""
    home, away = draws.shuffled(_SHIRTS)[:2]
    green = draws.integer(100, 150)
    return Colours(home, away, (draws.integer(20, 60), green, draws.integer(30, 60)), draws.integer(70, 130))


def write_half_video(
    path: Path, draws: Draws, colours: Colours, broadcast: Broadcast, events: Sequence[Event], score: tuple[int, int]
) -> None:
    """Draw and encode a half, whole or not at all.

    Args:
        path: the video file; its suffix says the container.
        draws: a stream of the half's own.
        colours: of the match.
        broadcast: what is shown.
        events: what happens in the half; goals count on the scoreboard.
        score: home and away goals when the half starts.
    """
    import av

    seconds = len(broadcast.shot_of_frame) / FRAME_RATE
    goals = [(event.position_ms / 1000, event.team == "away") for event in events if event.label == "Goal"]
    looks = [_Look(draws) for _ in broadcast.shots]
    changes = np.flatnonzero(np.diff(broadcast.shot_of_frame, prepend=-1))
    with atomic_file(path) as partial, av.open(str(partial), "w", format="matroska") as container:
        options = {"preset": "ultrafast", "crf": "30", "threads": "1", "g": str(2 * VIDEO_RATE), "bf": "2"}
        stream = container.add_stream("libx264", rate=VIDEO_RATE, options=options)
        stream.height, stream.width, stream.pix_fmt = HEIGHT, WIDTH, "yuv420p"
        for number in range(int(seconds * VIDEO_RATE)):
            time = number / VIDEO_RATE
            # A picture shows what the feature frame of its time shows: the first one not before it.
            frame = min(
                max(round(np.ceil((time - FIRST_FRAME_SECONDS) * FRAME_RATE)), 0), len(broadcast.shot_of_frame) - 1
            )
            shot = int(broadcast.shot_of_frame[frame])
            since = time - changes[np.searchsorted(changes, frame, side="right") - 1] / FRAME_RATE
            canvas = _draw(broadcast.shots[shot], looks[shot], colours, since)
            goals_now = [score[away] + sum(at <= time and of == away for at, of in goals) for away in (False, True)]
            _scoreboard(canvas, colours, time, goals_now[0], goals_now[1])
            picture = av.VideoFrame.from_ndarray(np.clip(canvas, 0, 255).astype(np.uint8), format="rgb24")
            picture = picture.reformat(width=WIDTH, height=HEIGHT, format="yuv420p")
            picture.pts, picture.time_base = number, Fraction(1, VIDEO_RATE)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


class _Look:
    """What is random in a shot: where things are, how they move, and the grain of its background."""

    def __init__(self, draws: Draws) -> None:
        self.places = [(draws.integer(14, _ROWS - 6), draws.integer(4, _COLUMNS - 5)) for _ in range(20)]
        self.speeds = [(draws.integer(-30, 30) / 10, draws.integer(-60, 60) / 10) for _ in range(20)]
        self.pan = draws.integer(-60, 60) / 10
        self.grain = draws.normals(_ROWS, _COLUMNS).astype(np.int16) // 8
        self.shirt = draws.integer(0, 1)


def _draw(shot: Shot, look: _Look, colours: Colours, since: float) -> Canvas:
    """One picture of a shot, `since` seconds after its cut."""
    kind = SHOT_TYPES[shot.kind]
    shirts = (colours.home, colours.away)
    if kind == "crowd":
        canvas = _stands(look, colours, since)
    elif kind == "bench":
        canvas = np.full((_ROWS, _COLUMNS, 3), 70, np.int16)
        canvas[40:] = colours.pitch
        for seat in range(8):
            _figure(canvas, 36, 8 + 12 * seat, 10, shirts[look.shirt])
    elif kind in ("wide", "replay"):
        canvas = _pitch(colours, look, since, stripes=10)
        for player, (row, column) in enumerate(_moving(look, since)):
            _figure(canvas, row + 3, column, 4, shirts[player % 2])
        ball_row, ball_column = _moving(look, 1.5 * since)[-1]
        canvas[ball_row : ball_row + 1, ball_column : ball_column + 2] = _WHITE
        if kind == "replay":
            canvas[:2] = canvas[-2:] = canvas[:, :2] = canvas[:, -2:] = (250, 140, 0)
    elif kind == "medium":
        canvas = _pitch(colours, look, since, stripes=24)
        for player, (row, column) in enumerate(_moving(look, since)[:5]):
            _figure(canvas, min(row + 12, _ROWS - 1), column, 18, shirts[player % 2])
    else:
        canvas = _stands(look, colours, since) // 2
        _figure(canvas, _ROWS - 1, 50 + round(4 * np.sin(since)), 46, shirts[look.shirt])
    for cue, percent in shot.cues.items():
        _show(CUES[cue], canvas, look, colours, since, min(percent, 100))
    return canvas


def _pitch(colours: Colours, look: _Look, since: float, stripes: int) -> Canvas:
    """Grass in two greens below the stands; the camera pans."""
    canvas = np.empty((_ROWS, _COLUMNS, 3), np.int16)
    canvas[:] = colours.pitch
    column = (np.arange(_COLUMNS) + round(look.pan * since)) // stripes % 2
    canvas[:, :, 1] += (column * 16).astype(np.int16)
    canvas[:12] = colours.crowd
    canvas[:12] += look.grain[:12, :, None]
    return canvas


def _stands(look: _Look, colours: Colours, since: float) -> Canvas:
    """People, who move."""
    grain = np.roll(look.grain, round(3 * np.sin(4 * since)), axis=0)
    return np.stack([colours.crowd + grain * (3 - channel) for channel in range(3)], axis=2).astype(np.int16)


def _moving(look: _Look, since: float) -> list[tuple[int, int]]:
    """Where the players are."""
    return [
        (12 + int(row + down * since - 12) % (_ROWS - 18), 2 + int(column + right * since) % (_COLUMNS - 6))
        for (row, column), (down, right) in zip(look.places, look.speeds, strict=True)
    ]


def _figure(canvas: Canvas, feet: int, centre: int, height: int, shirt: tuple[int, int, int]) -> None:
    """Somebody: legs, shirt, head."""
    half = max(height // 6, 1)
    left, right = max(centre - half, 0), centre + half
    canvas[max(feet - height // 3, 0) : feet, left:right] = _WHITE
    canvas[max(feet - height * 3 // 4, 0) : max(feet - height // 3, 0), left:right] = shirt
    canvas[
        max(feet - height, 0) : max(feet - height * 3 // 4, 0), max(centre - half // 2 - 1, 0) : centre + half // 2 + 1
    ] = _SKIN


def _show(cue: str, canvas: Canvas, look: _Look, colours: Colours, since: float, percent: int) -> None:
    """Paint what can be seen of an event over the picture, more or less clearly."""
    shirt = (colours.home, colours.away)[look.shirt]

    def paint(rows: slice, columns: slice, colour: tuple[int, int, int]) -> None:
        part = canvas[rows, columns]
        part += ((np.array(colour, np.int16) - part) * percent // 100).astype(np.int16)

    if cue == "goal":
        flash = _WHITE if int(4 * since) % 2 else shirt
        paint(slice(44, 53), slice(10, 90), flash)
        paint(slice(46, 51), slice(30, 70), (250, 220, 0))
    elif cue == "emotion":
        confetti = (look.grain[:16] > 14)[:, :, None] & np.array([True, True, True])
        np.copyto(canvas[8:24], np.int16(250), where=np.roll(confetti, round(8 * since), axis=0))
    elif cue == "card":
        paint(slice(12, 28), slice(66, 78), (250, 220, 0))
    elif cue == "referee":
        paint(slice(20, 56), slice(42, 58), _BLACK)
        paint(slice(12, 20), slice(46, 54), _SKIN)
    elif cue == "board":
        paint(slice(14, 34), slice(22, 78), _BLACK)
        paint(slice(17, 31), slice(27, 48), (230, 30, 30))
        paint(slice(17, 31), slice(52, 73), (30, 230, 30))
    elif cue == "exchange":
        paint(slice(36, 54), slice(16, 24), (230, 110, 20))
        paint(slice(36, 54), slice(76, 84), (230, 110, 20))
    elif cue == "restart":
        paint(slice(40, 43), slice(48, 52), _WHITE)
    elif cue == "flag":
        paint(slice(24, 32), slice(20, 32), (250, 120, 0))
    elif cue == "penalty":
        paint(slice(30, 44), slice(8, 10), _WHITE)
        paint(slice(30, 32), slice(8, 40), _WHITE)


def _scoreboard(canvas: Canvas, colours: Colours, seconds: float, home: int, away: int) -> None:
    """Shirts, score and clock, in the corner where they always are."""
    canvas[2:11, 2:60] = (20, 20, 40)
    canvas[3:10, 3:6] = colours.home
    canvas[3:10, 24:27] = colours.away
    clock = f"{int(seconds) // 60:02}:{int(seconds) % 60:02}"
    for text, left in ((f"{home % 10}-{away % 10}", 9), (clock, 31)):
        for place, character in enumerate(text):
            pixels = np.array([pixel == "1" for pixel in _FONT[character]]).reshape(5, 3)
            canvas[4:9, left + 4 * place : left + 4 * place + 3][pixels] = _WHITE
