"""Which tasks can be taken from an earlier run."""

from collections.abc import Iterator

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document, Task


def is_hit(document: Document, task: Task) -> bool:
    """Whether a task can be a hit when a run is repeated and no parameter changes on the way."""
    return task.cached and all(is_hit(document, producer) for _, producer in document.producers(task))


def never_hit(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    for task in document.container_tasks:
        if task.cached and not is_hit(document, task):
            uncached = sorted(
                {producer.key for _, producer in document.producers(task) if not is_hit(document, producer)}
            )
            yield (
                task.where,
                f"caching is on and never hits: it takes artifacts of {', '.join(uncached)}, made anew in every run",
                "hand it parameters instead, a hash of the content among them",
            )


def moving_image(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    images = {str(task.container["image"]) for task in document.container_tasks if task.container and task.cached}
    for image in sorted(images):
        if "@sha256:" not in image:
            yield document.name, f"{image} may be moved to another content", f"pin it: {image.split(':')[0]}@sha256:…"
