"""From a pipeline and a deployment to checked YAML: what the cluster gets is also what runs on this machine."""

import warnings
from collections.abc import Callable, Mapping
from itertools import dropwhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.ablation import ablation
from pipelines.backend.assumptions import Assumptions
from pipelines.backend.checking import require_no_faults
from pipelines.backend.document import Document, read_document
from pipelines.backend.rules import findings
from pipelines.backend.wellformed import check_compiled
from pipelines.deployment import Deployment
from pipelines.spotting import spotting
from pipelines.training import training
from rmsnet.files import write_text

PIPELINES: Mapping[str, Callable[[Deployment, Mapping[str, Any]], Any]] = {
    "training": training,
    "ablation": ablation,
    "spotting": spotting,
}


def compile_pipeline(name: str, deployment: Deployment, params: Mapping[str, Any]) -> str:
    """The YAML of a pipeline: intermediate representation and Kubernetes platform spec.

    Args:
        name: one of `PIPELINES`.
        deployment: where it will run.
        params: sections as in params.yaml, the default of the pipeline's `params`.

    Raises:
        UserError: the result breaks a rule of the backend (see `pipelines.backend.wellformed`).
    """
    from kfp import compiler

    with TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", category=FutureWarning)
        path = Path(folder) / f"{name}.yaml"
        compiler.Compiler().compile(PIPELINES[name](deployment, params), str(path))
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    # Its heading of comments shows mappings in an order that differs from process to process.
    text = "".join(dropwhile(lambda line: line.startswith("#"), lines))
    check_compiled(text, name)
    return text


def write_pipelines(
    names: list[str], deployment: Deployment, params: Mapping[str, Any], out: Path
) -> list[tuple[Path, Document, Assumptions]]:
    """Compile pipelines into OUT/NAME.yaml; all are checked before any is written.

    Returns:
        Each file, its tasks, and a run of it as its defaults and the deployment make it.

    Raises:
        CheckFailed: a run could not work on a stock cluster.
    """
    compiled = {}
    for name in names:
        text = compile_pipeline(name, deployment, params)
        document, assumed = read_document(text, name), Assumptions(iterations=pods(name, deployment))
        require_no_faults(findings(document, assumed), name)
        compiled[out / f"{name}.yaml"] = text, document, assumed
    for path, (text, _, _) in compiled.items():
        write_text(path, text)
    return [(path, document, assumed) for path, (_, document, assumed) in compiled.items()]


def pods(name: str, deployment: Deployment) -> Mapping[str, int]:
    """The most iterations of loops whose length only a run knows, by the loop's key."""
    return {"ablation": {"train-rows": deployment.train_pods}, "spotting": {"spot": deployment.spot_shards}}.get(
        name, {}
    )
