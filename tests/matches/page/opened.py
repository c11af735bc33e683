"""A page that is open in the browser."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from rmsnet.documents import read_json
from tests.chromium import Page
from tests.video.videos import number_of

LABELS = [
    ("1 - 00:10", "soccer-ball"),
    ("1 - 00:40", "y-card"),
    ("2 - 00:25", "substitution-in"),
    ("2 - 00:50", "y-card"),
]
PAINTINGS = 20
"""So often a screen is looked at before it is taken for what it shows."""

GAME = "league/season/2030-01-01 - 20-00 Kestrel Bay 1 - 0 Brackwater & Co"


@dataclass
class Opened:
    page: Page
    out: Path
    folder: Path

    @property
    def events(self) -> list[dict]:
        rows = read_json(self.out / "results_spotting.json")["predictions"]
        return [{**row, "confidence": float(row["confidence"]), "seconds": int(row["position"]) / 1000} for row in rows]

    def open(self, address: str = "") -> None:
        """The page anew, at an address in it."""
        self.page.open("about:blank")
        self.page.open(f"{(self.out / 'report.html').as_uri()}{address}")
        self.page.wait("video.readyState > 0")

    def shown(self) -> int:
        return self.page.js("document.querySelectorAll('.mark:not([hidden])').length")


def number_on_screen(page: Page, folder: Path, expected: int) -> int:
    """The number that the picture of the video shows; a picture may be painted some time after it was found."""
    page.wait("video.readyState > 1 && !video.seeking")
    box = page.js("(() => { const b = video.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()")
    wide, high = page.js("[video.videoWidth, video.videoHeight]")
    scale = min(box[2] / wide, box[3] / high)
    left, top = box[0] + (box[2] - scale * wide) / 2, box[1] + (box[3] - scale * high) / 2
    shown = -1
    for _ in range(PAINTINGS):
        page.screenshot(folder / "screen.png")
        with Image.open(folder / "screen.png") as screen:
            picture = screen.convert("RGB").crop((left, top, left + scale * wide, top + scale * high))
        shown = number_of(np.asarray(picture))
        if shown == expected:
            break
        time.sleep(0.1)
    return shown
