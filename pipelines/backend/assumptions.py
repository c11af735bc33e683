"""What a run decides and a compiled pipeline does not say: arguments, lengths of loops, facts about artifacts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.backend.document import Document, Task

ITERATIONS = 10
"""Of a loop whose length nobody knows before the run."""

METADATA_BYTES = 400
"""Of an input artifact: what its task has written about it."""

UNKNOWN_BYTES = {"STRING": 80, "LIST": 400, "STRUCT": 800}
"""Of an output parameter, by its type; numbers are short."""


@dataclass(frozen=True)
class Assumptions:
    """A run that is imagined.

    Attributes:
        arguments: values of the pipeline's parameters; the defaults hold for the others.
        iterations: of loops whose length only the run knows, by the loop's key.
        metadata_bytes: see `METADATA_BYTES`.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    iterations: Mapping[str, int] = field(default_factory=dict)
    metadata_bytes: int = METADATA_BYTES

    def argument(self, document: Document, name: str) -> Any:
        return self.arguments.get(name, document.parameters.get(name, {}).get("defaultValue"))

    def items(self, document: Document, loop: Task) -> int:
        """How many iterations a loop has."""
        if loop.key in self.iterations:
            return self.iterations[loop.key]
        found = self._items(document, loop)
        return ITERATIONS if found is None else len(found)

    def _items(self, document: Document, loop: Task) -> list[Any] | None:
        import json

        items = loop.spec["parameterIterator"]["items"]
        if "raw" in items:
            raw: list[Any] = json.loads(items["raw"])
            return raw
        value = self.value(document, loop, loop.inputs("parameters").get(items["inputParameter"], {}))
        return value if isinstance(value, list) else None

    def value(self, document: Document, task: Task, source: Mapping[str, Any]) -> Any:
        """What an input parameter of a task holds; None: only the run knows."""
        if "runtimeValue" in source:
            return source["runtimeValue"].get("constant")
        name = source.get("componentInputParameter")
        if name is None:
            return None
        if len(task.path) == 1:
            return self.argument(document, name)
        group = next(other for other in document.tasks if other.path == task.path[:-1])
        if group.is_loop and name == group.spec["parameterIterator"]["itemInput"]:
            found = self._items(document, group)
            return found[0] if found else None
        return self.value(document, group, group.inputs("parameters").get(name, {}))
