from components.report_run.component import report_run

__all__ = ["report_run"]
