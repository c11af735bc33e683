"""Labels that were accepted from a model's suggestions: how label files say so, and what is said of them.

An event of a label file that says "origin": "suggested" was proposed by a model ("suggested_by": the start of its
weights hash) and accepted by a person. Who is judged by such labels is told: they agree with the model that proposed
them more than anybody else would.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

ORIGIN = "origin"
SUGGESTED = "suggested"
SUGGESTED_BY = "suggested_by"


@dataclass(frozen=True)
class Suggested:
    """Labels of some games that a model has suggested.

    Attributes:
        events: how many.
        by: the start of the weights hash of each model that did.
    """

    events: int = 0
    by: tuple[str, ...] = ()

    def told(self, of: int, weights_hash: str = "") -> str:
        """In a sentence; "" there are none.

        Args:
            of: how many labels there are.
            weights_hash: of the model that is judged, if it is known.
        """
        if not self.events:
            return ""
        own = any(weights_hash.startswith(one) for one in self.by) if weights_hash else False
        which = "this very model" if own else f"a model (weights {', '.join(self.by) or 'unknown'})"
        return (
            f"{self.events:,} of {of:,} labels were accepted from suggestions of {which}; it, and models like it, look "
            "better on them than they are"
        )


def from_index(info: Mapping[str, Any], split: str) -> Suggested:
    """What the index of a frame bank says."""
    told = info.get(SUGGESTED, {}).get(split, {})
    return Suggested(int(told.get("events", 0)), tuple(told.get("by", ())))
