"""A drawn match as SoccerNet's annotations, v1 and v2."""

from typing import Any

from rmsnet.simulation.timeline import Timeline


def v2_annotations(match: Timeline) -> list[dict[str, Any]]:
    """The match as the annotations of Labels-v2.json."""
    return [
        {
            "gameTime": _game_time(event.half, event.position_ms),
            "label": event.label,
            "position": str(event.position_ms),
            "team": event.team,
            "visibility": "visible" if event.visible else "not shown",
        }
        for event in match.events
    ]


def v1_annotations(match: Timeline) -> list[dict[str, Any]]:
    """The match as the annotations of Labels.json: whole seconds, and the minutes without events at the end."""
    annotations = []
    for number, event in enumerate(match.events):
        label = "penalty-missed" if number in match.missed_penalties else _V1_LABELS.get(event.label)
        if number in match.own_goals:
            label = "soccer-ball-own"
        if label is not None:
            game_time = _game_time(event.half, event.position_ms)
            annotations.append({"gameTime": game_time, "label": label, "team": event.team})
    for half, minute in match.quiet_minutes:
        annotations.append({"gameTime": _game_time(half, 60_000 * minute), "label": "no-events", "team": "careless"})
    return annotations


def _game_time(half: int, position_ms: int) -> str:
    minutes, seconds = divmod(position_ms // 1000, 60)
    return f"{half} - {minutes:02}:{seconds:02}"


_V1_LABELS = {
    "Yellow card": "y-card",
    "Red card": "r-card",
    "Yellow->red card": "yr-card",
    "Substitution": "substitution-in",
    "Goal": "soccer-ball",
}
