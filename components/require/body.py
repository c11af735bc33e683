"""Red, when something was objected to."""

from components.door import PASSED, door


def body(verdict: str) -> None:
    """Fail, and with it the run, unless a task before this one has nothing to object.

    A task of its own, because a failed task loses its pages, and those of a refusal are what people look for.

    Args:
        verdict: "passed", or why the run shall not succeed.
    """
    with door("require"):
        from rmsnet.errors import CheckFailed

        if verdict != PASSED:
            raise CheckFailed(f"{verdict}; see the page of the task before this one")
