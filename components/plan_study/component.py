"""The component that says which trainings a table of the paper needs."""

from kfp import dsl

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def plan_study(study: str, seeds: int, params: dict) -> list:
    """List the trainings of a table or figure of the paper.

    Args:
        study: as `rmsnet reproduce` names it: table2 … table6, figure4 … figure7, clip-length; "" for the parameters'
            own variants.
        seeds: trainings of each row.
        params: sections as in params.yaml; the rows change their train section.

    Returns:
        "variant" and "params" of each training.
    """
    from components.door import door

    with door("plan_study"):
        from rmsnet.params import params_from
        from rmsnet.study.plan import plan

        planned = plan(study, params_from(params, "params"), seeds)
        for item in planned:
            print(f"{item['variant']}, seed {item['params']['train']['seed']}")
        return planned
