"""The validate stage: may this dataset be used? Great Expectations over tables of games, halves, events, features."""

from rmsnet.validation.stage import validate

__all__ = ["validate"]
