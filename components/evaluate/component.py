"""The component of the evaluate stage."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, ClassificationMetrics, Dataset, Input, Metrics, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def evaluate(
    model: Input[Model],
    features: Input[Dataset],
    params: dict,
    evaluation: Output[Artifact],
    metrics: Output[Metrics],
    confusion: Output[ClassificationMetrics],
    valid_report: Output[HTML],
    test_report: Output[HTML],
):
    """Judge a model on the valid and the test split.

    Args:
        model: a trained model.
        features: the frame banks.
        params: sections as in params.yaml.
        evaluation: metrics.json, predictions, tables and plots of both splits.
        metrics: Average-mAP with its 95 % interval, and the average precision of each class, of both splits.
        confusion: of the test split at the largest tolerance: which class is taken for which, and a curve of recall
            (y) over the share of false predictions (x = 1 - precision; the UI calls it a ROC curve).
        valid_report: Fig. 4, Fig. 5, precision and recall, the worst mistakes, of the valid split.
        test_report: the same of the test split.
    """
    from pathlib import Path

    from components.artifacts import describe, known, log_confusion, publish
    from components.door import door

    with door("evaluate"):
        from rmsnet.evaluation.stage import evaluate_stage, run_scores
        from rmsnet.params import params_from

        out = Path(evaluation.path)
        judged = evaluate_stage(Path(model.path), Path(features.path), out, params_from(params, "params").evaluate)
        publish(out / "valid" / "report.html", valid_report)
        publish(out / "test" / "report.html", test_report)
        scores = {
            f"{split} {key}": value
            for split, found in judged.items()
            for key, value in run_scores(found.metrics()).items()
        }
        for key, value in scores.items():
            metrics.log_metric(key, value)
        log_confusion(judged["test"], confusion)
        kept = ("name", "seed", "data_hash", "dvc_md5", "simulated", "mlflow_run", "mlflow_model")
        facts = known(model.metadata, *kept)
        describe(evaluation, {**facts, "protocol": judged["test"].protocol, **scores})
