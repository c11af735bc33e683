"""A variant, trained and judged."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.artifacts import describe, known, log, log_confusion, mlflow_link
from components.banks import banks_of
from components.door import door
from components.pages import addresses, part_of, training_part, write_page
from components.training import EVALUATION, MODEL, UNSENT, Trainer, in_this_pod, train_and_judge

if TYPE_CHECKING:
    from kfp.dsl import HTML, ClassificationMetrics, Dataset, Metrics, Model


def body(
    features: "Dataset",
    variant: str,
    params: Mapping[str, Any],
    trained: "Model",
    page: "HTML",
    metrics: "Metrics",
    confusion: "ClassificationMetrics",
    train: Trainer = in_this_pod,
) -> None:
    """Train one variant as an MLflow run and judge it.

    Args:
        features: the frame banks.
        variant: a key of the parameters' `variants`.
        params: the sections that training and evaluation depend on.
        trained: gets the model folder, the evaluation of both splits, and what MLflow did not take.
        page: gets curves and reports.
        metrics: gets Average-mAP with its 95 % interval and the average precision of each class, of both splits.
        confusion: gets, of the test split at the largest tolerance, which class is taken for which, and a curve of
            recall (y) over the share of false predictions (x = 1 - precision; the UI calls it a ROC curve).
        train: where.
    """
    with door("train"):
        from rmsnet.evaluation.stage import run_scores
        from rmsnet.params import params_from
        from rmsnet.style.words import percent

        folder, chosen = Path(trained.path), params_from(params, "params")
        done = train_and_judge(banks_of(features), folder, folder / UNSENT, chosen, variant, trained.uri, train)
        run, score = mlflow_link(f"runs/{done.run_id}"), done.judged["valid"].scores.average_map
        write_page(
            page.path,
            f"{variant}, seed {chosen.train.seed}: {percent(score)} % on the valid split",
            [
                training_part(folder / MODEL),
                part_of(folder / EVALUATION / "test" / "report.html", f"Test split: {variant}"),
                part_of(folder / EVALUATION / "valid" / "report.html", f"Valid split: {variant}"),
                addresses({"MLflow": run}),
            ],
            simulated=bool(done.metrics["simulated"]),
        )
        scores = {
            f"{split}/{key}": value
            for split, of in done.judged.items()
            for key, value in run_scores(of.metrics()).items()
        }
        log(metrics, {**scores, **{key: done.metrics[key] for key in ("best_epoch", "epochs", "train_loss")}})
        log_confusion(done.judged["test"], confusion)
        trained.framework = f"PyTorch {done.metrics['precision']}"
        facts = {"display_name": f"model {variant}", "variant": variant, "seed": chosen.train.seed, "mlflow_run": run}
        describe(trained, {**facts, "simulated": done.metrics["simulated"], **known(features.metadata, "dvc_md5")})
        describe(page, {"display_name": f"page of {variant}"})
