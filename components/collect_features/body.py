"""The shards' frame banks, joined."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from components.artifacts import bank_facts, describe
from components.banks import banks_of, banks_to_write
from components.door import door

if TYPE_CHECKING:
    from kfp.dsl import Dataset


def body(parts: "Sequence[Dataset]", workspace: str, features: "Dataset") -> None:
    """Make of the shards' frame banks what one extraction of everything makes.

    Args:
        parts: the shards, in any order.
        workspace: folder that every pod of the run mounts; "" where there is none.
        features: gets the frame banks.
    """
    with door("collect_features"):
        from rmsnet.features.shards import join

        out = banks_to_write(features, workspace)
        join([banks_of(part) for part in parts], out)
        describe(features, bank_facts(out))
