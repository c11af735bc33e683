"""How often the gate promotes an equal and a better model, beside a comparison of the two numbers alone.

    python benchmarks/gate_error_rates.py [decisions]

Simulated predictions (tests/registry/matches.py); the statistics alone, no network. Recall 0.60 is the champion's.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from rmsnet.params import RegisterParams
from rmsnet.registry.gate import duel
from tests.registry.matches import pool, sample

RECALLS = (0.60, 0.63, 0.66, 0.70)
GAMES = (10, 20, 40, 100)


def main(decisions: int) -> None:
    gate = RegisterParams(resamples=400)
    print("| challenger's recall | games | gate promotes | plain percentile would | the number alone would |")
    print("|---|---|---|---|---|")
    for recall in RECALLS:
        for games in GAMES:
            random = np.random.default_rng(games)
            pair = pool(400, (recall, 0.60), seed=games)
            by_gate = by_percentile = by_number = 0
            for decision in range(decisions):
                challenger, champion = sample(pair, games, recall == 0.60, random)
                made = duel(challenger, champion, gate.confidence, gate.resamples, seed=decision)
                by_gate += made.low > 0
                by_percentile += float(np.quantile(made.differences, 1 - gate.confidence)) > 0
                by_number += made.difference > 0
            shares = " | ".join(f"{100 * count / decisions:.1f} %" for count in (by_gate, by_percentile, by_number))
            print(f"| {recall:.2f}{' (equal)' if recall == 0.60 else ''} | {games} | {shares} |", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
