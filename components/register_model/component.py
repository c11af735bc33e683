"""The component of the register stage."""

from typing import List  # noqa: UP035  # what Kubeflow understands in Input[…]

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Markdown, Metrics, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def register_model(
    models: Input[List[Model]],  # noqa: UP006
    evaluations: Input[List[Artifact]],  # noqa: UP006
    features: Input[Dataset],
    validation: Input[Artifact],
    params: dict,
    registration: Output[Artifact],
    summary: Output[Markdown],
    decision: Output[HTML],
    model_card: Output[Markdown],
    metrics: Output[Metrics],
) -> bool:
    """Put the best of the models into MLflow's registry; the gate decides whether it becomes @champion.

    Args:
        models: one of each variant.
        evaluations: theirs.
        features: the frame banks that they were judged on.
        validation: the validation report of the data.
        params: sections as in params.yaml.
        registration: what the stage leaves: decision.json and its readable forms.
        summary: the variants beside the paper's Table III, and what the gate decided.
        decision: every condition of the gate, the difference to the champion with its interval, plots.
        model_card: of the registered version.
        metrics: the version, and the scores and bounds behind the decision.

    Returns:
        Whether the best of them is the champion now.
    """
    from pathlib import Path

    from components.artifacts import describe, mlflow_link, named_folders, publish
    from components.door import door

    with door("register_model"), named_folders(models) as at, named_folders(evaluations) as judged_at:
        from rmsnet.files import write_text
        from rmsnet.params import params_from
        from rmsnet.registry.stage import register_stage

        chosen, out = params_from(params, "params"), Path(registration.path)
        models = sorted(at.iterdir())
        done = register_stage(models, judged_at, Path(features.path), out, chosen, validation=Path(validation.path))
        page = mlflow_link(f"models/{done.model_name}/versions/{done.version}")
        text = (out / "summary.md").read_text(encoding="utf-8")
        write_text(Path(summary.path), f"{text}\nIn MLflow: {page}\n")
        publish(out / "decision.html", decision)
        publish(out / "MODEL_CARD.md", model_card)
        scores = {"version": done.version, "challenger": done.challenger_average_map}
        if done.champion_average_map is not None:
            scores["champion"] = done.champion_average_map
        if done.difference is not None:
            scores |= dict(zip(("difference", "difference low", "difference high"), done.difference, strict=True))
        for key, value in scores.items():
            metrics.log_metric(key, value)
        describe(registration, {"variant": done.variant, "promoted": done.promoted, "mlflow": page, **scores})
        return done.promoted
