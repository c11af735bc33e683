"""The trainings of a table or figure of the paper."""

from collections.abc import Mapping
from typing import Any

from components.door import door


def body(study: str, seeds: int, params: Mapping[str, Any], pods: int) -> list[str]:
    """List the trainings of a study, and deal them out.

    Args:
        study: as `rmsnet reproduce` names it: table2 … table6, figure4 … figure7, clip-length; "" for the parameters'
            own variants.
        seeds: trainings of each row.
        params: sections as in params.yaml; the rows change their train section.
        pods: at most so many.

    Returns:
        The parts, "1/4" … "4/4"; no more than there are trainings.
    """
    with door("plan_study"):
        from rmsnet.params import params_from
        from rmsnet.study.plan import plan

        trainings = plan(study, params_from(params, "params"), seeds)
        for training in trainings:
            print(f"{training['variant']}, seed {training['params']['train']['seed']}")
        count = min(pods, len(trainings))
        return [f"{number}/{count}" for number in range(1, count + 1)]
    raise AssertionError("the door ends the process")
