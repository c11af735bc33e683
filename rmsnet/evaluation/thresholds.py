"""The confidence from which on an event is worth telling, class by class: where F1 on the validation split is best."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rmsnet.evaluation.average_precision import THRESHOLDS, Counted
from rmsnet.evaluation.metric import Judged


def best_thresholds(judged: Judged, classes: Sequence[str]) -> dict[str, Any]:
    """The threshold with the best F1 of each class, F1 averaged over the tolerances as Average-mAP is.

    Args:
        judged: predictions judged by the devkit protocol.
        classes: class names.

    Returns:
        Class name to {"confidence": threshold, "f1": there}. A class without an event keeps threshold 0.
    """
    evidence = judged.everything
    if not isinstance(evidence, Counted):
        raise ValueError("thresholds are found with the devkit protocol")
    hits, predictions, events = (counts[0] for counts in evidence.corpus(np.ones((1, judged.games))))
    # F1 = 2 hits / (predictions + events), per tolerance, class and threshold
    f1 = (2 * hits / np.maximum(predictions + events[None, :, None], 1)).mean(axis=0)  # (C, 200)
    best = f1.argmax(axis=1)
    return {
        name: {"confidence": round(float(THRESHOLDS[place]), 6), "f1": round(float(f1[label, place]), 6)}
        for label, (name, place) in enumerate(zip(classes, best.tolist(), strict=True))
    }
