"""The train stage in several processes of this machine, started as `torchrun` starts them; see `distributed`."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import uuid4

from rmsnet.documents import read_document
from rmsnet.errors import CheckFailed, UserError
from rmsnet.files import write_text
from rmsnet.params import Params


def train_in_processes(
    count: int, features: Path, out: Path, params: Params, *, variant: str | None = None
) -> dict[str, Any]:
    """Train one variant with `rmsnet train` in several processes that share every batch; each takes a GPU of its own.

    What an earlier attempt at the same task has trained before it was lost is not trained again.

    Args:
        count: how many processes; 1: this one trains.
        features: see `rmsnet.training.stage.train_stage`, as for the others.
        out: the model folder.
        params: all sections.
        variant: one of `params.variants`; None: the train section as it is.

    Returns:
        The content of the model's metrics.json.

    Raises:
        UserError: the stage refuses; what it says stands in the processes' own output.
        CheckFailed: a process has failed.
    """
    import yaml

    from rmsnet.training.stage import recovered, train_stage

    done = recovered(features, out, params, variant)
    if done is not None:
        return done
    if count == 1:
        return train_stage(features, out, params, variant=variant)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        write_text(file, yaml.safe_dump(asdict(params), allow_unicode=True))
        command = ["train", "--features", str(features), "--out", str(out), "--params", str(file)]
        of_variant = ["--variant", variant] if variant else []
        _launch(count, ["-u", "-m", "rmsnet.cli", *command, *of_variant], Path(folder) / "torchrun")
    return read_document(out / "metrics.json", dict[str, Any])


def _launch(count: int, arguments: Sequence[str], notes: Path) -> None:
    """`torchrun --standalone --nproc-per-node COUNT` of a Python command, but for how it reports a failure.

    It keeps its notes in a folder of ours: those that it makes for itself stay among the temporary files.
    """
    from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=count,
        run_id=uuid4().hex,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        logs_specs=DefaultLogsSpecs(str(notes)),
    )
    try:
        elastic_launch(config, sys.executable)(*arguments)
    except ChildFailedError as failed:
        rank, failure = failed.get_first_failure()
        kind = UserError if failure.exitcode == 2 else CheckFailed
        raise kind(
            f"process {rank + 1} of {count} ended with status {failure.exitcode}; what it said stands above"
        ) from None
