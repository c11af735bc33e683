"""The component that speaks last."""

from pathlib import Path

import pytest
from components.report_run import report_run
from kfp.dsl import Markdown, PipelineTaskFinalStatus


@pytest.mark.parametrize(("state", "message"), [("SUCCEEDED", None), ("FAILED", "Task train failed.")])
def test_it_says_how_the_run_ended(artifacts, state: str, message: str | None) -> None:
    summary = artifacts(Markdown, "summary")
    status = PipelineTaskFinalStatus(
        state=state,
        pipeline_job_resource_name="job-1",
        pipeline_task_name="study",
        error_code=message and 1,
        error_message=message,
    )
    report_run.python_func(status, summary)
    text = Path(summary.path).read_text()
    assert text.startswith(f"# Run {state.lower()}\n")
    assert (message or "") in text


def test_through_the_local_runner(ran) -> None:
    assert ran.output("report-run", "summary").read_text().startswith("# Run succeeded")
