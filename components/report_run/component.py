"""The component that speaks last."""

from kfp import dsl
from kfp.dsl import Markdown, Output, PipelineTaskFinalStatus

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def report_run(status: PipelineTaskFinalStatus, summary: Output[Markdown]):
    """Say how a run ended, and which model is in production after it, whatever happened before.

    Args:
        status: of the run's body, filled in by Kubeflow.
        summary: the same as a page.
    """
    from pathlib import Path

    from components.door import door

    with door("report_run"):
        from rmsnet.files import write_text

        lines = [f"# Run {status.state.lower()}", ""]
        if status.error_message:
            lines += [f"{status.pipeline_task_name}: {status.error_message}", ""]
        lines += [f"Job {status.pipeline_job_resource_name}"]
        print("\n".join(lines))
        write_text(Path(summary.path), "\n".join(lines) + "\n")
