"""The data that a run has used, named by their content."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rmsnet.features.bank import FrameBank
from rmsnet.provenance import code_tags

_RACE_PAUSES_SECONDS = (0.05, 0.2, 0.8)


def dataset_input(name: str, digest: str, context: str, source: Mapping[str, str]) -> Any:
    from mlflow.data.code_dataset_source import CodeDatasetSource
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    dataset = MetaDataset(CodeDatasetSource(dict(source)), name=name, digest=digest)
    return DatasetInput(dataset._to_mlflow_entity(), [InputTag("mlflow.data.context", context)])


def log_inputs(client: Any, run_id: str, inputs: Sequence[Any]) -> None:
    """Name the data of a run.

    A store fails when two runs name the same new dataset at the same moment; asked again, it finds it there.
    """
    from mlflow.exceptions import MlflowException

    for pause_seconds in (*_RACE_PAUSES_SECONDS, None):
        try:
            client.log_inputs(run_id, inputs)
        except MlflowException as error:
            if pause_seconds is None or "unique constraint" not in str(error).lower():
                raise
            time.sleep(pause_seconds)
        else:
            return


def data_source(features: Path, tags: Mapping[str, str]) -> dict[str, str]:
    """Where the frame banks come from, as the run's dataset input says it."""
    known = {key: tags[key] for key in ("dataset", "simulated", "dvc.md5") if key in tags}
    return {"made_by": "rmsnet extract", "folder": str(features), **known}


def data_tags(bank: FrameBank) -> dict[str, str]:
    tags = {
        "dataset": str(bank.info["dataset"]),
        "simulated": str(bank.simulated).lower(),
        "data_hash": str(bank.info["data_hash"]),
        **code_tags(),
    }
    md5 = bank.info.get("dvc_md5")
    return {**tags, "dvc.md5": str(md5)} if md5 else tags
