"""Variables that the launcher would take for its own."""

from collections.abc import Iterator

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document, Task

THE_LAUNCHERS = ("AWS_", "GOOGLE_APPLICATION_CREDENTIALS", "GCS_", "AZURE_")


def variables(task: Task) -> Iterator[str]:
    """Names of all environment variables that a pipeline gives a container."""
    yield from (variable["name"] for variable in (task.container or {}).get("env", ()))
    for source in (*task.pod.get("secretAsEnv", ()), *task.pod.get("configMapAsEnv", ())):
        yield from (pair["envVar"] for pair in source.get("keyToEnv", ()))


def in_environment(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    for task in document.container_tasks:
        theirs = sorted({name for name in variables(task) if name.startswith(THE_LAUNCHERS)})
        if theirs:
            yield (
                task.where,
                f"{', '.join(theirs)}: the launcher may upload with them",
                "hand them over under other names and set them inside the component",
            )
