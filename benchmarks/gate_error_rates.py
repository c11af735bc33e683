"""How often the gate promotes an equal and a better model, beside a comparison of the two numbers alone.

    python benchmarks/gate_error_rates.py [decisions] [recall …]

Simulated predictions (tests/registry/matches.py); the statistics alone, no network. The champion's recall is 0.60.
All rows of a challenger are about the same two models.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rmsnet.params import RegisterParams
from rmsnet.registry.gate import duel
from tests.registry.matches import pool, sample

CHAMPION = 0.60
RECALLS = (CHAMPION, 0.66, 0.70)
GAMES = (10, 20, 40, 100)


def main(decisions: int, recalls: Sequence[float]) -> None:
    gate = RegisterParams(resamples=400)
    print("| challenger's recall | games | gate promotes | plain percentile would | the number alone would |")
    print("|---|---|---|---|---|")
    for recall in recalls:
        pair = pool(400, (recall, CHAMPION))
        for games in GAMES:
            random = np.random.default_rng(games)
            by_gate = by_percentile = by_number = 0
            for decision in range(decisions):
                challenger, champion = sample(pair, games, recall == CHAMPION, random)
                made = duel(challenger, champion, gate.confidence, gate.resamples, seed=decision)
                by_gate += made.low > 0
                by_percentile += float(np.quantile(made.differences, 1 - gate.confidence)) > 0
                by_number += made.difference > 0
            shares = " | ".join(f"{100 * count / decisions:.1f} %" for count in (by_gate, by_percentile, by_number))
            print(f"| {recall:.2f}{' (equal)' if recall == CHAMPION else ''} | {games} | {shares} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000, [float(text) for text in sys.argv[2:]] or RECALLS)
