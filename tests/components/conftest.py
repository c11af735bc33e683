"""Every component done twice on a small simulated dataset: its body as a function, and in the DAG locally."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from kfp.dsl import HTML, Artifact, ClassificationMetrics, Dataset, Metrics, Model

from components.train.body import body as train
from pipelines.compiling import compile_pipeline
from pipelines.deployment import Deployment
from pipelines.local import run_locally
from rmsnet.documents import read_json
from rmsnet.features.stage import extract
from rmsnet.files import write_json, write_text
from rmsnet.simulation import simulate
from rmsnet.tracking import TASK
from rmsnet.validation import validate
from tests.pictures import not_rendered

PARAMS: dict[str, Any] = {
    "train": {"epochs": 2, "foreground_clips": 200, "background_clips": 100, "precision": "float32"},
    "variants": {"full": {}, "no-masking": {"masking_probability": 0}},
    "evaluate": {"bootstrap": 20},
    # Two epochs reach nothing; the machinery is what is tested.
    "register": {"floor": 0},
}


@pytest.fixture(scope="session")
def dataset(once) -> Path:
    """Six games of 2 × 5 minutes, in which every class occurs in every split, and three more for the gate."""
    return once("dataset", lambda folder: simulate(folder / "data", games=6, minutes=5, labels=None, seed=3)) / "data"


@dataclass
class Artifacts:
    """Artifacts in a folder, made as a launcher makes them before it calls a component."""

    folder: Path

    def __call__(self, kind: type[dsl.Artifact], name: str, **metadata: Any) -> Any:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        return kind(name=name, uri=str(self.folder / name), metadata=metadata)


@pytest.fixture
def artifacts(tmp_path: Path) -> Artifacts:
    return Artifacts(tmp_path / "artifacts")


@dataclass
class Study:
    """One variant through the bodies of the components.

    Attributes:
        features, trained, page, metrics, confusion: what train took and made.
        validation: the report of the data.
    """

    features: Dataset
    trained: Model
    page: HTML
    metrics: Metrics
    confusion: ClassificationMetrics
    validation: Artifact

    @property
    def folder(self) -> Path:
        return Path(self.trained.path)


@pytest.fixture(scope="session")
def finished_study(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    make = Artifacts(tmp_path_factory.mktemp("study"))
    with pytest.MonkeyPatch.context() as patch, not_rendered():
        _be_in(make.folder, patch)
        features, validation = make(Dataset, "features"), make(Artifact, "validation")
        extract(dataset, Path(features.path))
        validate(dataset, Path(validation.path))
        trained, page, metrics = make(Model, "trained"), make(HTML, "page"), make(Metrics, "metrics")
        confusion = make(ClassificationMetrics, "confusion")
        train(features, "full", PARAMS, trained, page, metrics, confusion)
        forget_task()
    return Study(features, trained, page, metrics, confusion, validation)


@pytest.fixture
def study(finished_study: Study, monkeypatch: pytest.MonkeyPatch) -> Study:
    """Extracted, trained and evaluated in this process, against an MLflow store of its own."""
    _be_in(Path(finished_study.features.path).parent, monkeypatch)
    return finished_study


def _be_in(folder: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
    patch.chdir(folder)


def forget_task() -> None:
    """A component has its process to itself; here others follow in it."""
    for name in ("RMSNET_SPOOL", TASK):
        os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def a_process_of_ones_own(no_pictures: None) -> Iterator[None]:
    yield
    forget_task()


@dataclass
class Run:
    """A DAG, run by the local runner.

    Attributes:
        root: its working directory and MLflow store.
        log: lines of each task.
    """

    root: Path
    log: dict[str, list[str]]

    @property
    def folder(self) -> Path:
        """What its tasks have left."""
        return self.root / "out"

    def output(self, task: str, name: str) -> Path:
        """An output of a task that ran once."""
        (path,) = self.folder.glob(f"**/{task}/{name}")
        return path

    def outputs(self, task: str, name: str) -> list[Path]:
        """An output of a task in a loop, by iteration."""
        return sorted(self.folder.glob(f"**/{task}/{name}"))

    def metadata(self, task: str, name: str) -> list[dict[str, Any]]:
        """What the task's executions wrote about an output artifact."""
        written = [read_json(path) for path in self.outputs(task, "executor_output.json")]
        return [output["artifacts"][name]["artifacts"][0]["metadata"] for output in written]


def run_pipeline(
    name: str,
    folder: Path,
    store: Path,
    python: Path,
    deployment: Deployment,
    params: dict[str, Any] = PARAMS,
    **arguments: Any,
) -> None:
    """Run a pipeline in a folder, against the MLflow store of a folder, its tasks by a `python` of a folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "executable", str(python / "python"))  # what Kubeflow's local runner starts
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{store}/mlflow.db")
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.chdir(folder)
        write_text(folder / f"{name}.yaml", compile_pipeline(name, deployment, params))
        tasks = run_locally(folder / f"{name}.yaml", arguments, folder / "out")
        log: dict[str, list[str]] = {}
        for task in tasks:
            log.setdefault(task.name, []).extend(task.lines)
        write_json(folder / "log.json", log)


def read_log(folder: Path) -> dict[str, list[str]]:
    return read_json(folder / "log.json")


@pytest.fixture(scope="session")
def ran(once, dataset: Path, python_folder: Path) -> Run:
    """The training pipeline: two shards, two variants, a fresh MLflow store."""

    def make(folder: Path) -> None:
        run_pipeline("training", folder, folder, python_folder, Deployment(extract_shards=2), source=str(dataset))

    return Run(folder := once("ran", make), read_log(folder))


@pytest.fixture(scope="session")
def spotted(once, ran: Run, dataset: Path, python_folder: Path) -> Run:
    """The spotting pipeline on the same matches, with the champion of the training."""

    def make(folder: Path) -> None:
        run_pipeline("spotting", folder, ran.root, python_folder, Deployment(spot_shards=2), source=str(dataset))

    return Run(folder := once("spotted", make), read_log(folder))


@pytest.fixture(scope="session")
def ablated(once, dataset: Path, python_folder: Path) -> Run:
    """The ablation pipeline: the two rows of Fig. 5."""

    def make(folder: Path) -> None:
        run_pipeline(
            "ablation", folder, folder, python_folder, Deployment(train_pods=1), source=str(dataset), study="figure5"
        )

    return Run(folder := once("ablated", make), read_log(folder))
