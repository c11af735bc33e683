"""The best of the variants, in the registry."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.artifacts import by_name, describe, log, mlflow_link, named_folders
from components.banks import banks_of
from components.door import PASSED, door
from components.pages import addresses, folded, part_of, text_part, write_page
from components.patience import patiently
from components.training import EVALUATION, MODEL, UNSENT, deliver

if TYPE_CHECKING:
    from kfp.dsl import HTML, Artifact, Dataset, Metrics, Model

    from rmsnet.registry.decision import Decision
    from rmsnet.style.page import Html


def body(
    models: "Sequence[Model]",
    features: "Dataset",
    validation: "Artifact",
    params: Mapping[str, Any],
    registration: "Artifact",
    page: "HTML",
    metrics: "Metrics",
) -> str:
    """Put the best of the models into MLflow's registry; the gate decides whether it becomes @champion.

    May be done twice: what an earlier attempt has registered or decided is found and gone on with.

    Args:
        models: of the train component, one of each variant.
        features: the frame banks that they were judged on.
        validation: the validation report of the data.
        params: sections as in params.yaml.
        registration: gets what the stage leaves: decision.json and its readable forms.
        page: gets the decision, the variants and the model card.
        metrics: gets the version, and the scores and bounds behind the decision.

    Returns:
        "passed" when the best of them is the champion now, or why it is not.
    """
    with door("register_model"):
        from rmsnet.params import params_from
        from rmsnet.registry.report import verdict
        from rmsnet.registry.stage import register_stage

        for model in models:
            deliver(Path(model.path) / UNSENT)
        folders, chosen, out = (
            by_name([Path(model.path) for model in models]),
            params_from(params, "params"),
            Path(registration.path),
        )
        with (
            named_folders({name: folder / MODEL for name, folder in folders.items()}) as at,
            named_folders({name: folder / EVALUATION for name, folder in folders.items()}) as judged_at,
        ):
            done = patiently(
                "MLflow",
                lambda: register_stage(
                    sorted(at.iterdir()),
                    judged_at,
                    banks_of(features),
                    out,
                    chosen,
                    validation=Path(validation.path),
                ),
            )
        print((out / "summary.md").read_text(encoding="utf-8"))
        place = mlflow_link(f"models/{done.model_name}/versions/{done.version}")
        parts = [*_parts(out, folders), addresses({"MLflow": place})]
        write_page(page.path, f"{verdict(done).partition(':')[0]}", parts, simulated=done.simulated)
        log(metrics, _scores(done))
        describe(registration, {"variant": done.variant, "promoted": done.promoted, "mlflow": place})
        return PASSED if done.promoted else f"{verdict(done)}; {place}"
    raise AssertionError("the door ends the process")


def _parts(out: Path, folders: Mapping[str, Path]) -> "list[Html]":
    """The decision, the variants beside the paper's, the card, and every variant's report on the test split."""
    from rmsnet.style.page import section

    text = text_part((out / "summary.md").read_text(encoding="utf-8"))
    card = text_part((out / "MODEL_CARD.md").read_text(encoding="utf-8"))
    reports = [
        folded(name, part_of(folder / EVALUATION / "test" / "report.html", f"Test split: {name}"))
        for name, folder in folders.items()
    ]
    return [
        part_of(out / "decision.html", "Decision"),
        section("Variants", text, *reports),
        section("Model card", folded("MODEL_CARD.md", card)),
    ]


def _scores(done: "Decision") -> dict[str, Any]:
    scores = {"version": done.version, "challenger": done.challenger_average_map, "champion": done.champion_average_map}
    if done.difference is not None:
        scores |= dict(zip(("difference", "difference low", "difference high"), done.difference, strict=True))
    return scores
