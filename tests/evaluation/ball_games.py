"""Made-up games with ball actions and predictions for them: the same on every machine, for golden numbers."""

from random import Random
from typing import Any

from rmsnet.dataset.ball_actions import BALL_CLASSES, SIDES, SPLITS

EVENTS = 300
FALSE_ALARMS = 200


def made_games() -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """Labels and predictions of each game of the test split.

    Every action by either side is there; some events share a frame, some are not shown, some lie past 120 minutes;
    predictions are up to a second and a half off, some name the other side, one is past the end. Only `random()` is
    drawn, which no version of Python may change.
    """
    return {game: _made_game(Random(number)) for number, game in enumerate(SPLITS["test"])}


def _made_game(random: Random) -> tuple[dict[str, Any], dict[str, Any]]:
    annotations, predictions = [], []
    for number in range(EVENTS):
        # Passes are most of a game; the first events name every action.
        action = BALL_CLASSES[number % 12 if number < 36 else int(12 * random.random() ** 3)]
        side = SIDES[int(2 * random.random())]
        position_ms = int(7_000_000 * random.random()) if number % 50 else 7_195_000 + 200 * number
        annotations.append(
            {
                "gameTime": _game_time(position_ms),
                "label": action,
                "position": str(position_ms),
                "team": side,
                "visibility": "not shown" if random.random() < 0.05 else "visible",
            }
        )
        if number % 17 == 0:
            annotations.append({**annotations[-1], "position": str(position_ms + 10)})
        if random.random() < 0.8:
            found = SIDES[side == "left"] if random.random() < 0.15 else side
            off_ms = int(3000 * (random.random() - 0.5) ** 3 * 4)
            predictions.append(_prediction(max(position_ms + off_ms, 0), action, found, 0.2 + 0.8 * random.random()))
    for _ in range(FALSE_ALARMS):
        action, side = BALL_CLASSES[int(12 * random.random())], SIDES[int(2 * random.random())]
        predictions.append(_prediction(int(7_300_000 * random.random()), action, side, 0.7 * random.random()))
    return {"annotations": annotations}, {"predictions": predictions}


def _prediction(position_ms: int, action: str, side: str, confidence: float) -> dict[str, Any]:
    return {
        "gameTime": _game_time(position_ms),
        "label": action,
        "position": position_ms,
        "half": 1,
        "confidence": round(confidence, 4),
        "team": side,
    }


def _game_time(position_ms: int) -> str:
    return f"1 - {position_ms // 60_000:02d}:{position_ms // 1000 % 60:02d}"
