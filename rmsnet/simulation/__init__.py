"""Simulated matches in SoccerNet's layout; docs/simulation.md describes their statistical model."""

from rmsnet.simulation.dataset import simulate

__all__ = ["simulate"]
