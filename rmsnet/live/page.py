"""The page of a match that is played, which asks its server for what is told. Read on: `live.js`."""

import json
import re
from importlib.resources import files

from rmsnet.dataset.periods import HALVES, periods_of
from rmsnet.matches.stretches import Stretches
from rmsnet.network.spotting_model import SpottingModel
from rmsnet.style.page import MADE_BY, style, text
from rmsnet.style.palette import class_looks, name_of


def live_page(title: str, model: SpottingModel, stretches: Stretches) -> str:
    """The page as HTML."""
    looks = model.config.get("looks", {})
    periods = periods_of(model.config)
    halves = ("1st half", "2nd half") if len(periods) == len(HALVES) else ()
    data = {
        "classes": {
            label: {"name": name_of(label, looks), **look.colour._asdict()}
            for label, look in zip(model.classes, class_looks(model.classes, looks), strict=True)
            if label in stretches.classes and not looks.get(label, {}).get("hidden")
        },
        "periods": [
            {"name": period.name or (halves[number] if halves else f"period {number + 1}"), "minutes": period.minutes}
            for number, period in enumerate(periods)
        ],
    }
    parts = {
        "TITLE": text(title),
        "MODEL": text(model.config["name"]),
        "STYLE": f"{style('colours')}\n{_part('live.css')}",
        "DATA": json.dumps(data, ensure_ascii=False).replace("<", "\\u003c"),
        "SCRIPT": _part("live.js"),
        "MADEBY": MADE_BY,
    }
    return re.sub(r"@@([A-Z]+)@@", lambda found: parts[found[1]], _part("live.html")) + "\n"


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text(encoding="utf-8").rstrip()
