"""The rows of a dataset as tables, with what the checks need to know of a row beside the others."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rmsnet.dataset.class_lists import ClassList
from rmsnet.dataset.soccernet import Dataset
from rmsnet.features.sources import feature_kind
from rmsnet.params import ExtractParams
from rmsnet.validation.annotations import Row
from rmsnet.validation.rows import DatasetRows, read_dataset

_FEATURES = ("split", "game", "half", "problem", "dtype", "frames", "width", "not_finite", "constant_rows")
_HALVES = ("split", "game", "half", "minutes", "video", "video_remarks", "video_seconds", "rate_against_video")
_EVENTS = ("split", "game", "number", "problem", "label", "event", "game_time", "time_form", "half", "seconds")


@dataclass(frozen=True)
class Tables:
    """A dataset as tables.

    Attributes:
        rows: what they were made from; `rmsnet.validation.rows.DatasetRows` says which columns they have.
        games: late_share, too: how many of its events lie past the end of their half.
        halves: minutes_against_median, minutes_against_longest, too.
        features: expected_width, wrong_width, too.
        events: repeats, end_seconds, seconds_past_end, half_time, too.
        classes: as the rows.
    """

    rows: DatasetRows
    games: pd.DataFrame
    halves: pd.DataFrame
    features: pd.DataFrame
    events: pd.DataFrame
    classes: pd.DataFrame

    def by_name(self) -> dict[str, pd.DataFrame]:
        """The tables themselves, in the order in which they are judged."""
        names = ("games", "halves", "features", "events", "classes")
        return {name: getattr(self, name) for name in names}


def read_tables(dataset: Dataset, params: ExtractParams, classes: ClassList) -> Tables:
    """Read a dataset; see `rmsnet.validation.rows.read_dataset`."""
    rows = read_dataset(dataset, params, classes)
    games = pd.DataFrame(rows.games)
    features = _features_table(rows.features, feature_kind(dataset, params).width)
    longest = [period.longest_seconds / 60 for period in dataset.description.periods]
    halves = _halves_table(rows.halves, dict(zip(dataset.halves, longest, strict=True)))
    events = _events_table(rows.events, halves)
    late = events.assign(late=events.seconds_past_end > 0).groupby("game").late.mean()
    games["late_share"] = games.game.map(late)
    return Tables(rows, games, halves, features, events, pd.DataFrame(rows.classes))


def _features_table(rows: Sequence[Row], width: int | None) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*_FEATURES, "repeated_share", "longest_still_seconds", "content"])
    usual = table.width.mode()
    table["expected_width"] = width or (usual[0] if len(usual) else np.nan)
    table["wrong_width"] = table.width - table.expected_width
    return table


def _halves_table(rows: Sequence[Row], longest_minutes: Mapping[int, float]) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*_HALVES, "video_gap_seconds", "other_features", "other_gap_seconds"])
    table["minutes_against_median"] = table.minutes / table.minutes.median()
    table["minutes_against_longest"] = table.minutes / table.half.map(longest_minutes)
    return table


def _events_table(rows: Sequence[Row], halves: pd.DataFrame) -> pd.DataFrame:
    table = pd.DataFrame(rows, columns=[*_EVENTS, "position", "position_gap_seconds", "visibility"])
    table["half"] = table.half.astype("Int64")
    same = ["game", "half", "time_seconds", "label"]
    timed = table.assign(time_seconds=np.floor(table.seconds)).dropna(subset=same)
    table["repeats"] = 0
    table.loc[timed.index, "repeats"] = timed.duplicated(same).astype(int)
    ends = halves.set_index(["game", "half"])
    end_seconds = (60 * ends.minutes).fillna(ends.video_seconds)
    table = table.join(end_seconds.rename("end_seconds"), on=["game", "half"])
    table["seconds_past_end"] = table.seconds - table.end_seconds
    substitution = table.label.isin(["substitution-in", "Substitution"])
    table["half_time"] = (substitution & (table.half == 2) & (table.seconds < 1)).fillna(value=False).astype(int)
    return table
