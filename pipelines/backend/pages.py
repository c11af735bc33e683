"""What people see of a run in Kubeflow's UI."""

from collections.abc import Iterator

from pipelines.backend.assumptions import Assumptions
from pipelines.backend.document import Document

PAGES = ("system.HTML", "system.Markdown")


def in_loops(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    for task in document.container_tasks:
        drawn = [
            name
            for name, artifact in task.defined("outputDefinitions", "artifacts").items()
            if artifact["artifactType"].get("schemaTitle") in PAGES
        ]
        if drawn and task.loops:
            yield (
                task.where,
                f"{', '.join(drawn)}: of all iterations the graph shows the last one's",
                "let the page name its iteration in the title, and a task behind the loop show all",
            )


def final_status(document: Document, assumed: Assumptions) -> Iterator[tuple[str, str, str]]:
    for task in document.container_tasks:
        if any("taskFinalStatus" in source for source in task.inputs("parameters").values()):
            yield task.where, "is told a state and never why", "ask the API for the tasks that did not succeed"
