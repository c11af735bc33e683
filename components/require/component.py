"""The component that ends a run when a check said no."""

from kfp import dsl
from kfp.dsl import Input, Markdown

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def require(passed: bool, verdict: Input[Markdown]):
    """Fail, and with it the run, unless a check has passed. The check's own task keeps its reports that way.

    Args:
        passed: what the check returned.
        verdict: its reasons, printed into the log.
    """
    from pathlib import Path

    from components.door import door

    with door("require"):
        from rmsnet.errors import CheckFailed

        print(Path(verdict.path).read_text(encoding="utf-8"))
        if not passed:
            raise CheckFailed("the check did not pass: see above, and the reports of the task before this one")
