"""The component of the train stage."""

from kfp import dsl
from kfp.dsl import HTML, Artifact, Dataset, Input, Metrics, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def train(
    features: Input[Dataset],
    variant: str,
    params: dict,
    model: Output[Model],
    metrics: Output[Metrics],
    curves: Output[HTML],
    unsent: Output[Artifact],
):
    """Train one variant as an MLflow run.

    Args:
        features: the frame banks.
        variant: a key of the parameters' `variants`.
        params: sections as in params.yaml.
        model: weights, config, history and the ids of its MLflow run.
        metrics: best validation Average-mAP, its epoch, the training loss.
        curves: losses and validation Average-mAP per epoch.
        unsent: what MLflow did not take because it was away; `rmsnet registry sync` delivers it.
    """
    import os
    from pathlib import Path

    from components.artifacts import PROCESSES, describe, known, mlflow_link
    from components.door import door

    with door("train"):
        os.environ["RMSNET_SPOOL"] = unsent.path
        from components.pages import training_page
        from rmsnet.files import write_text
        from rmsnet.params import params_from
        from rmsnet.tracking import read_run
        from rmsnet.training.launch import train_in_processes

        folder, chosen, processes = Path(model.path), params_from(params, "params"), int(os.environ.get(PROCESSES, "1"))
        done = train_in_processes(processes, Path(features.path), folder, chosen, variant=variant)
        run = read_run(folder)
        write_text(Path(curves.path), training_page(folder, variant))
        for key in ("valid_average_map", "best_epoch", "epochs", "train_loss"):
            metrics.log_metric(key, done[key])
        model.framework = f"PyTorch {done['precision']}"
        describe(
            model,
            {
                "name": variant,
                "seed": chosen.train.seed,
                "data_hash": features.metadata.get("train data_hash", ""),
                **known(features.metadata, "dvc_md5"),
                "valid_average_map": done["valid_average_map"],
                "simulated": done["simulated"],
                "mlflow_run": mlflow_link(f"runs/{run['run_id']}"),
                "mlflow_model": f"models:/{run['model_id']}",
            },
        )
