"""The component that says how the trainings of a table of the paper are spread."""

from components.image import component


@component()
def plan_study(study: str, seeds: int, params: dict, pods: int) -> list:
    from components.plan_study.body import body

    return body(study, seeds, params, pods)
