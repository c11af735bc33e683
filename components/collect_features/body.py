"""The shards' frame banks, joined."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from components.artifacts import bank_facts, describe
from components.door import door

if TYPE_CHECKING:
    from kfp.dsl import Dataset


def body(parts: "Sequence[Dataset]", features: "Dataset") -> None:
    """Make of the shards' frame banks what one extraction of everything makes.

    Args:
        parts: the shards, in any order.
        features: gets the frame banks.
    """
    with door("collect_features"):
        from rmsnet.features.shards import join

        join([Path(part.path) for part in parts], Path(features.path))
        describe(features, bank_facts(Path(features.path)))
