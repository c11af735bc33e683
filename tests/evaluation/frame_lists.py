"""Made-up frame lists and predictions for them: the same on every machine, for golden numbers."""

from random import Random
from typing import Any

CLASSES = ("serve", "swing", "bounce", "net")
"""No video has a "net"; predictions do."""

VIDEOS = 12
FRAMES = 250


def made_lists() -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Truth and predictions of videos at several rates; the last ones are empty of events, of predictions.

    Events crowd, two share a frame, some stand at frame 0 and out of order; confidences tie. Only `random()` is drawn,
    which no version of Python may change.
    """
    random = Random(0)
    truth, predictions = [], []
    for number in range(VIDEOS):
        events = [
            {"frame": int(FRAMES * random.random()), "label": CLASSES[int(3 * random.random())]}
            for _ in range(0 if number == VIDEOS - 2 else 40)
        ]
        if events:
            events += [{"frame": 0, "label": "serve"}, events[0]]
        found = [
            {
                "frame": min(max(event["frame"] + int(12 * (random.random() - 0.5) ** 3 * 4), 0), FRAMES - 1),
                "label": event["label"] if random.random() < 0.9 else CLASSES[int(4 * random.random())],
                "score": round(0.3 + 0.7 * random.random(), 2),
            }
            for event in events * 2
            if random.random() < 0.7
        ]
        found += [
            {
                "frame": int(FRAMES * random.random()),
                "label": CLASSES[int(4 * random.random())],
                "score": round(random.random(), 2),
            }
            for _ in range(60)
        ]
        video = {"video": f"open_{number}", "fps": (25.0, 29.97, 29.97002997002997)[number % 3]}
        truth.append({**video, "num_frames": FRAMES, "num_events": len(events), "events": events})
        predictions.append({**video, "events": [] if number == VIDEOS - 1 else found})
    return truth, predictions
