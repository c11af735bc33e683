"""Loops whose names say what they do: Kubeflow's graph shows the key of a loop, which the SDK numbers."""

from typing import Any

from kfp import dsl


class Loop(dsl.ParallelFor):
    """A loop over items.

    Args:
        items: a list, or a parameter that is one.
        name: in the graph, in words.
    """

    def __init__(self, items: Any, name: str) -> None:
        super().__init__(items=items, name=name)

    def _make_name_unique(self) -> None:
        super()._make_name_unique()
        self.name = str(self.display_name).replace(" ", "-")
