"""What cannot be kept or handed over."""

from collections.abc import Iterator

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document
from pipelines.backend.handed import argument_bytes
from pipelines.backend.workflow import imagined

MOST_WORKFLOW_BYTES = 1024 * 1024
MOST_ARGUMENT_BYTES = 128 * 1024


def workflow_too_large(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    workflow = imagined(document, assumed)
    if workflow.bytes > MOST_WORKFLOW_BYTES and workflow.compressed_bytes > MOST_WORKFLOW_BYTES:
        loops = {task.key: assumed.items(document, task) for task in document.tasks if task.is_loop}
        longest = max(loops, key=lambda key: loops[key], default="")
        yield (
            document.name,
            f"its workflow takes {workflow.compressed_bytes:,} bytes compressed and may have {MOST_WORKFLOW_BYTES:,}",
            f"fewer, longer iterations of {longest} ({loops[longest]} now)" if loops else "fewer tasks",
        )


def argument_too_large(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    for task in document.container_tasks:
        size = argument_bytes(document, task, assumed)
        if size >= MOST_ARGUMENT_BYTES:
            yield (
                task.where,
                f"is handed {size:,} bytes and may be {MOST_ARGUMENT_BYTES:,}",
                "collect fewer artifacts with less metadata: one folder that holds many results",
            )
