"""The page of a match that is played, which asks its server for what is told. Read on: `live.js`."""

from rmsnet.dataset.periods import HALVES, periods_of
from rmsnet.matches.page.parts import filled, part
from rmsnet.matches.stretches import Stretches
from rmsnet.network.spotting_model import SpottingModel
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
    styles, scripts = part("live.css", __package__), [part("live.js", __package__)]
    template = part("live.html", __package__)
    return filled(template, f"{title}, live", styles, data, scripts, TITLE=title, MODEL=model.config["name"])
