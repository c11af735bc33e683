"""The main job end to end: a dataset, `dvc repro`, a registered champion."""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from rmsnet.documents import read_json
from tests.shown import SESSION, agrees, blocks

VARIANTS = ("full", "no-masking", "no-regression", "no-uniform-offsets")


FOOTBALL = ("--games", "6", "--gate", "24", "--minutes", "5")


class Project:
    """A copy of the repository with a small dataset and a short schedule."""

    def __init__(self, repository: Path, root: Path, python_folder: Path, *simulated: str) -> None:
        self.root = root
        tracked = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=repository,
            capture_output=True,
            text=True,
            check=True,
        )
        for name in filter(None, tracked.stdout.split("\0")):
            if name != "data.dvc" and (repository / name).is_file():
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(repository / name, root / name)
        self.environment = {
            **{key: value for key, value in os.environ.items() if not key.startswith("MLFLOW_")},
            "PATH": os.pathsep.join([str(python_folder), str(Path(sys.executable).parent), os.environ["PATH"]]),
            "PYTHONPATH": str(root),
            "DVC_NO_ANALYTICS": "true",
            "OMP_NUM_THREADS": "1",
        }
        self.shorten()
        self.run("git", "init", "--quiet")
        self.run("rmsnet", "data", "simulate", "--out", "data", *(simulated or FOOTBALL))
        self.run("dvc", "add", "--quiet", "data")
        self.run("git", "add", ".")
        self.run("git", "-c", "user.name=test", "-c", "user.email=test", "commit", "--quiet", "--message", "Small")

    def shorten(self) -> None:
        """Trainings of seconds: the variants hardly learn, on every processor; the challenger does."""
        path = self.root / "params.yaml"
        params = yaml.safe_load(path.read_text())
        params["train"] |= {"foreground_clips": 900, "background_clips": 300, "epochs": 3}
        for variant in params["variants"].values():
            variant |= {"foreground_clips": 300, "background_clips": 100, "epochs": 2, "learning_rate": 1e-4}
        params["register"]["floor"] = 0.0
        path.write_text(yaml.safe_dump(params))

    def run(self, *command: str) -> str:
        done = subprocess.run(command, cwd=self.root, env=self.environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def ask(self, code: str) -> Any:
        """What a process of its own prints as JSON: this one's MLflow would go on with a database that was removed."""
        return json.loads(self.run("python", "-c", f"import json\nfrom rmsnet import tracking\n{code}"))

    def stale(self) -> set[str]:
        """What `dvc repro` would run, but for the look at the store that it always takes."""
        return set(json.loads(self.run("dvc", "status", "--json"))) - {"store"}

    def remove(self, *names: str) -> None:
        for name in names:
            path = self.root / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


@pytest.fixture(scope="module")
def project(repository, tmp_path_factory, python_folder) -> Project:
    made = Project(repository, tmp_path_factory.mktemp("project"), python_folder)
    made.run("dvc", "repro", "--all-pipelines")
    return made


@pytest.mark.slow
def test_dvc_repro_trains_evaluates_and_registers_every_variant(project):
    for variant in VARIANTS:
        assert (project.root / "models" / variant / "model.safetensors").exists()
        for split in ("valid", "test"):
            metrics = read_json(project.root / "evaluation" / variant / split / "metrics.json")
            assert 0 <= metrics["average_map"] <= 1
            assert metrics["simulated"] is True
            assert metrics["split"] == split
    summary = (project.root / "reports" / "registration" / "summary.md").read_text()
    assert all(variant in summary for variant in VARIANTS)
    assert "simulated" in summary
    assert "paper, SoccerNet" in summary


@pytest.mark.slow
def test_each_variant_and_seed_is_a_run_nested_under_one_study_and_the_best_is_registered(project):
    import mlflow

    client = mlflow.MlflowClient(f"sqlite:///{project.root / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("rmsnet")
    runs = client.search_runs([experiment.experiment_id])
    parent = {run.info.run_id: run.data.tags.get("mlflow.parentRunId") for run in runs}
    of_variant = {run.data.tags["variant"]: run for run in runs if run.info.run_name.endswith(", seed 0")}
    assert of_variant.pop("strong").data.params["train.average_decay"] == "0.99"
    assert set(of_variant) == set(VARIANTS)
    studies = {parent[parent[run.info.run_id]] for run in of_variant.values()}
    assert len(studies) == 1
    assert parent[studies.pop()] is None
    scores = {}
    for variant, run in of_variant.items():
        assert run.data.tags["simulated"] == "true"
        assert len(run.data.tags["git.commit"]) == 40
        assert run.data.params["train.epochs"] == "2"
        assert len(client.get_metric_history(run.info.run_id, "loss")) == 2
        assert {entry.dataset.digest for entry in run.inputs.dataset_inputs}
        metrics = read_json(project.root / "evaluation" / variant / "valid" / "metrics.json")
        scores[variant] = metrics["average_map"]
        assert run.data.metrics["valid_average_map"] is not None
    decision = read_json(project.root / "reports" / "registration" / "decision.json")
    champion = client.get_model_version_by_alias("rmsnet", "champion")
    assert decision["promoted"] is True
    assert int(champion.version) == decision["version"] == 1
    # The first that is named asks, unless another is surely better: two epochs on a few games tell nothing apart.
    assert decision["variant"] == VARIANTS[0] or scores[decision["variant"]] > scores[VARIANTS[0]]
    assert set(scores) == set(VARIANTS)
    assert champion.run_id == of_variant[decision["variant"]].info.run_id


@pytest.mark.slow
def test_a_better_model_passes_the_gate_a_worse_one_does_not_and_the_better_one_is_taken_back(project):
    """The story that `make demo` tells, on games that no model has seen."""
    told = project.run("rmsnet", "registry", "history", "--short").splitlines()
    assert [line.partition(": ")[0] for line in told] == [
        "1  version 1 (full, simulated) is @champion",
        "2  version 2 (strong, simulated) is @champion",
        "3  version 3 (no-masking, simulated) is refused",
        "4  version 1 (full, simulated) is @champion again, version 2 was taken back",
    ]
    for number, (name, promoted) in enumerate({"better": True, "worse": False}.items(), start=2):
        decision = read_json(project.root / "reports" / name / "decision.json")
        assert (decision["version"], decision["promoted"], decision["simulated"]) == (number, promoted, True)
        assert (decision["split"], decision["games"]) == ("gate", 24)
        assert (decision["p_value"] <= decision["level"]) is promoted
    assert "4 records; aliases, tags, levels and files are as they say" in project.run("rmsnet", "registry", "audit")


@pytest.mark.slow
def test_a_second_repro_has_nothing_to_do_and_a_change_touches_only_what_depends_on_it(project):
    assert project.stale() == set()
    before = {path: path.stat().st_mtime_ns for path in (project.root / "models").rglob("*") if path.is_file()}
    project.run("dvc", "repro")
    after = {path: path.stat().st_mtime_ns for path in (project.root / "models").rglob("*") if path.is_file()}
    assert after == before
    path = project.root / "params.yaml"
    kept = path.read_text()
    params = yaml.safe_load(kept)
    params["variants"]["no-masking"]["dropout"] = 0.2
    path.write_text(yaml.safe_dump(params))
    assert project.stale() == {"train@no-masking"}
    params = yaml.safe_load(kept)
    params["evaluate"]["bootstrap"] = 10
    path.write_text(yaml.safe_dump(params))
    assert project.stale() == {f"evaluate@{variant}" for variant in VARIANTS} | {"demo/dvc.yaml:evaluate"}
    path.write_text(kept)


STORE = ("mlflow.db", "mlflow.db.lock", "mlruns")
MADE = ("data", "features", "models", "evaluation", "reports")


@pytest.mark.slow
@pytest.mark.parametrize(
    "removed", [(*STORE, *MADE), ("mlflow.db",), ("mlruns",)], ids=["all but DVC's cache", "the store", "its artifacts"]
)
def test_after_every_road_that_ends_well_the_champion_loads(project, removed):
    """`make distclean && make demo`, a clone with a shared cache: DVC restores files, and nothing else."""
    trained = (project.root / "models" / "full" / "model.safetensors").read_bytes()
    project.remove(*removed)
    if "data" in removed:
        project.run("dvc", "checkout", "data.dvc")
    said = project.run("dvc", "repro")
    assert ("Stage 'train@full' is cached - skipping run" in said) == ("models" in removed)
    assert "Running stage 'register'" in said
    assert (project.root / "models" / "full" / "model.safetensors").read_bytes() == trained
    champion = Path(project.ask("print(json.dumps(str(tracking.model_folder('models:/rmsnet@champion'))))"))
    decision = read_json(project.root / "reports" / "registration" / "decision.json")
    model = project.root / "models" / decision["variant"]
    assert (champion / "model.safetensors").read_bytes() == (model / "model.safetensors").read_bytes()
    assert decision["promoted"] is True


OF_ONE_EPOCH = """
from rmsnet.tracking.store import our_client
client = our_client()
experiment = client.get_experiment_by_name("rmsnet").experiment_id
runs = client.search_runs([experiment], "params.`train.epochs` = '1'")
print(json.dumps([
    {"id": run.info.run_id, "seed": run.data.params["train.seed"], "artifacts": run.info.artifact_uri} for run in runs
]))
"""


@pytest.mark.slow
def test_queued_trainings_run_the_code_that_was_queued_and_land_in_the_one_store(project):
    commit = ("git", "-c", "user.name=test", "-c", "user.email=test", "commit", "--quiet", "--all", "--message")
    project.run("git", "add", "dvc.lock")
    project.run(*commit, "As it is")
    project.run("git", "config", "user.name", "test")
    project.run("git", "config", "user.email", "test")
    for seed in (1, 2):
        change = ("--set-param", f"train.seed={seed}", "--set-param", "variants.full.epochs=1")
        project.run("dvc", "exp", "run", "--queue", "--name", f"of-seed-{seed}", *change, "train@full")
    code = project.root / "rmsnet" / "training" / "stage.py"
    queued = code.read_text()
    code.write_text('raise SystemExit("the code of another moment")')
    try:
        project.run("dvc", "queue", "start", "--jobs", "1")
        for _ in range(600):
            status = project.run("dvc", "queue", "status")
            if "Running" not in status and "Queued" not in status:
                break
            time.sleep(0.5)
        assert status.count("Success") == 2, status
    finally:
        code.write_text(queued)
    runs = project.ask(OF_ONE_EPOCH)
    assert sorted(run["seed"] for run in runs) == ["1", "2"]
    assert all(run["artifacts"].startswith(f"{project.root}/mlruns/") for run in runs)
    project.run("dvc", "exp", "apply", "of-seed-1")
    applied = read_json(project.root / "models" / "full" / "run.json")
    assert applied["run_id"] in [run["id"] for run in runs]


@pytest.mark.slow
def test_what_the_page_on_data_shows_of_dvc_is_what_dvc_says(project, repository):
    path = project.root / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["variants"]["full"] = {"foreground_clips": 300, "background_clips": 100}
    path.write_text(yaml.safe_dump(params))
    (label_file, *_) = sorted((project.root / "data").rglob("Labels.json"))
    label_file.write_text(label_file.read_text() + " ")
    for block in blocks(repository / "docs" / "data.md", "docs/data.md"):
        for command, said in block.turns() if block.kind == SESSION else ():
            printed = project.run("bash", "-c", command)
            assert agrees(said, printed), f"{block.where}: {command} prints\n{printed}"


@pytest.mark.slow
def test_dvc_repro_takes_another_sport_by_its_description(repository, tmp_path, python_folder):
    """Four quarters in one file, classes and a rate of their own; one variant of the training."""
    made = Project(repository, tmp_path, python_folder, "--sport", "basketball", "--games", "3", "--minutes", "3")
    path = made.root / "params.yaml"
    params = yaml.safe_load(path.read_text())
    params["extract"]["features"] = "clip_1fps"
    params["train"] |= {"epochs": 1, "foreground_clips": 96, "background_clips": 32}
    path.write_text(yaml.safe_dump(params))
    made.run("dvc", "repro", "train@full", "evaluate@full")
    config = read_json(made.root / "models/full/config.json")
    assert (config["classes"], config["frame_rate"]) == (["basket", "foul", "timeout"], 1.0)
    assert [period["name"] for period in config["periods"]] == ["Q1", "Q2", "Q3", "Q4"]
    assert set(read_json(made.root / "evaluation/full/test/metrics.json")["per_class"]) == set(config["classes"])
