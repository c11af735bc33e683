"""How far the features of each half lie from the training halves: a column of the table of features."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from rmsnet.features.profile import build_profile, drift
from rmsnet.validation.tables import Tables


def training_profile(tables: Tables) -> dict[str, Any] | None:
    """The profile of the dataset's own training halves; None where fewer than two of one width can be read."""
    usable = [item for item in tables.rows.contents.values() if len(item.sample) and item.summary is not None]
    widths = {item.sample.shape[1] for item in usable}
    if len(usable) < 2 or len(widths) > 1:
        return None
    return build_profile([item.summary for item in usable if item.summary], [item.sample for item in usable])


def with_drift(tables: Tables, profile: Mapping[str, Any] | None) -> Tables:
    """The tables with the distance of each half from a profile; without numbers where there is no profile.

    Raises:
        UserError: see `rmsnet.features.profile.drift`.
    """
    distances = {
        place: drift(profile, contents.summary).distance
        for place, contents in tables.rows.contents.items()
        if profile is not None and contents.summary is not None
    }
    places = tables.features[["game", "half"]].itertuples(index=False, name=None)
    column = pd.Series([distances.get(place, np.nan) for place in places], tables.features.index, float)
    return replace(tables, features=tables.features.assign(drift=column))
