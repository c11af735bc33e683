"""A model folder as an MLflow model (models from code): code and safetensors, no pickle."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from rmsnet.documents import read_document
from rmsnet.features.bank import FrameBank
from rmsnet.files import write_json
from rmsnet.reading.tensors import read_tensors
from rmsnet.spotting.half_spotter import HalfEvents, open_half_spotter
from rmsnet.tracking.carried_code import PYFUNC_CODE, copy_carried_code
from rmsnet.tracking.sbom import SBOM_FILE, bill_of_materials
from rmsnet.tracking.store import quiet_mlflow

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


EXAMPLE_FRAMES = 120

MODEL_TAG = "rmsnet.model_id"
"""On a run: its logged model."""


MLMODEL = "MLmodel"
"""By it a folder with an MLflow model is known."""

EXPORTED_FEATURES, EXPORTED_EVENTS = "example.safetensors", "example.json"
"""In an export: the input example, and its events."""

EXAMPLE_EVENTS = "example_events.json"
"""In a folder with an MLflow model: the events of its input example."""


# The network and its files are all that a logged model needs; no other package of this project's environment.
MODEL_PACKAGES = ("msgspec", "numpy", "safetensors", "torch")


def input_example(bank: FrameBank, width: int) -> "npt.NDArray[np.float32]":
    """(T, width) features to show what a model takes; nothing but zeros where the bank holds frames."""
    import numpy as np

    if bank.width == width:
        return np.array(bank.features[:EXAMPLE_FRAMES])
    return np.zeros((EXAMPLE_FRAMES, width), np.float32)


def save_pyfunc(folder: Path, example: "npt.NDArray[np.float32]", saved: Path) -> None:
    """Write a model folder as an MLflow model (models from code) into the new folder `saved`."""
    from importlib.metadata import version

    mlflow = quiet_mlflow()
    with known_packages(), TemporaryDirectory() as code:
        mlflow.pyfunc.save_model(
            saved,
            python_model=str(PYFUNC_CODE),
            artifacts={"model": str(folder)},
            code_paths=[str(copy_carried_code(Path(code)))],
            pip_requirements=[f"{name}=={version(name)}" for name in MODEL_PACKAGES],
            input_example=example,
            signature=_signature(example.shape[1]),
        )
    write_json(saved / EXAMPLE_EVENTS, asdict(open_half_spotter(folder).events(example)))
    config = read_document(folder / "config.json", _Named)
    write_json(saved / SBOM_FILE, bill_of_materials(config.name, config.weights_hash, MODEL_PACKAGES))


@dataclass(frozen=True)
class _Named:
    """What is read of a model's config.json here."""

    name: str
    weights_hash: str


@contextmanager
def known_packages() -> Iterator[None]:
    """Tell MLflow which packages our requirements are: it would read the files of every installed one for a second.

    It asks when it saves a model and when it loads one.
    """
    from mlflow.utils import requirements_utils

    before = requirements_utils._MODULES_TO_PACKAGES
    requirements_utils._MODULES_TO_PACKAGES = {name: [name] for name in (*MODEL_PACKAGES, "mlflow")}
    try:
        yield
    finally:
        requirements_utils._MODULES_TO_PACKAGES = before


@dataclass(frozen=True)
class Example:
    """What was recorded with a model when it was logged.

    Attributes:
        features: (T, D) of the input example.
        events: what the model made of it; None: logged before that was kept.
    """

    features: "npt.NDArray[np.float32]"
    events: HalfEvents | None


def recorded_example(folder: Path) -> Example | None:
    """The example in a folder with an MLflow model, or in an export; None where it was made without one.

    Raises:
        UserError: its events are none.
    """
    import numpy as np

    if (folder / MLMODEL).exists():
        from mlflow.models import Model

        features, path = Model.load(folder).load_input_example(str(folder)), folder / EXAMPLE_EVENTS
        if features is None:
            return None
    elif (folder / EXPORTED_FEATURES).exists():
        features, path = read_tensors(folder / EXPORTED_FEATURES, "numpy").get("features", ()), folder / EXPORTED_EVENTS
    else:
        return None
    told = read_document(path, HalfEvents, advice="register or export the model again") if path.exists() else None
    return Example(np.asarray(features, np.float32), told)


def _signature(width: int) -> Any:
    import numpy as np
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec

    return ModelSignature(
        inputs=Schema([TensorSpec(np.dtype(np.float32), (-1, width))]),
        outputs=Schema([ColSpec("long", "position_ms"), ColSpec("string", "label"), ColSpec("double", "confidence")]),
        params=ParamSchema([ParamSpec("thresholded", "boolean", False)]),
    )


def put_model(client: Any, run_id: str, saved: Path, tags: Mapping[str, str]) -> str:
    """Make a folder with an MLflow model the logged model of a run; its id.

    One that an earlier try has left half made is completed.
    """
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    experiment = client.get_run(run_id).info.experiment_id
    begun = client.search_logged_models([experiment], f"source_run_id = '{run_id}'")
    model = next((model for model in begun if str(model.status) == "PENDING"), None)
    if model is None:
        name = re.sub(r"[^\w -]", "-", tags.get("variant", "model"))
        model = client.create_logged_model(experiment, name, source_run_id=run_id, tags=dict(tags))
    description = Model.load(saved)
    description.model_id, description.run_id, description.artifact_path = (
        model.model_id,
        run_id,
        model.artifact_location,
    )
    description.save(saved / "MLmodel")
    client.log_model_artifacts(model.model_id, str(saved))
    client.finalize_logged_model(model.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, step=0)])
    client.set_tag(run_id, MODEL_TAG, model.model_id)
    return str(model.model_id)
