"""A team's MLflow: a server on PostgreSQL with its artifacts in an object store. Skipped without PostgreSQL or moto."""

import multiprocessing
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from rmsnet import tracking
from rmsnet.errors import CheckFailed
from rmsnet.registry.history import CHAMPION, PREVIOUS, change_aliases, settle
from tests.builders import EXAMPLE, write_model
from tests.mlflow_server import free_port, mlflow_server

pytestmark = pytest.mark.slow

NAME = "team"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}


def postgresql_programs() -> Path:
    found = shutil.which("initdb")
    folders = [Path(found).parent] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not folders or not (folders[-1] / "initdb").exists():
        pytest.skip("no PostgreSQL server here: apt-get install postgresql")
    return folders[-1]


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """The address of an empty database. PostgreSQL refuses to run as root: then it runs as nobody."""
    pytest.importorskip("psycopg2")
    programs = postgresql_programs()
    # Not below pytest's folder, which pytest closes to everybody else.
    folder = Path(tempfile.mkdtemp(prefix="rmsnet-postgresql-"))
    port = free_port()
    as_root = os.getuid() == 0
    if as_root:
        shutil.chown(folder, "nobody")
    user = {"user": "nobody", "extra_groups": []} if as_root else {}

    def run(program: str, *arguments: str) -> None:
        command = [str(programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=folder, timeout=120, **user)

    run("initdb", "-D", f"{folder}/data", "-U", "mlflow", "-A", "trust", "--no-sync")
    options = f"-p {port} -k {folder} -c fsync=off -c listen_addresses=127.0.0.1"
    # Its own log file: a captured pipe would stay open as long as the server runs.
    run("pg_ctl", "-D", f"{folder}/data", "-w", "-l", f"{folder}/log", "-o", options, "start")
    try:
        yield f"postgresql+psycopg2://mlflow@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "stop")
        shutil.rmtree(folder)


@pytest.fixture(scope="module")
def object_store() -> Iterator[str]:
    """The address of a stand-in for S3 with the bucket `mlflow`."""
    server = pytest.importorskip("moto.server")
    import boto3

    stand_in = server.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    stand_in.start()
    host, port = stand_in.get_host_and_port()
    with pytest.MonkeyPatch.context() as patch:
        for key, value in CREDENTIALS.items():
            patch.setenv(key, value)
        boto3.client("s3", endpoint_url=f"http://{host}:{port}").create_bucket(Bucket="mlflow")
        yield f"http://{host}:{port}"
    stand_in.stop()


@pytest.fixture(scope="module")
def team_server(postgresql: str, object_store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with mlflow_server(
        tmp_path_factory.mktemp("server"),
        "--backend-store-uri",
        postgresql,
        "--artifacts-destination",
        "s3://mlflow/artifacts",
        MLFLOW_S3_ENDPOINT_URL=object_store,
        **CREDENTIALS,
    ) as address:
        yield address


def _promote(address: str, version: int, seen: dict[str, int], answers) -> None:
    os.environ["MLFLOW_TRACKING_URI"] = address
    targets = {PREVIOUS: seen.get(CHAMPION), CHAMPION: version}
    try:
        change_aliases(NAME, "promote", targets, seen, "a race", None)
        answers.put((version, True))
    except CheckFailed:
        answers.put((version, False))


def test_training_registry_and_a_race_of_two_machines(team_server, object_store, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", team_server)
    groups = (tracking.Group("study", "team study", "a study"),)
    for number in range(3):
        with tracking.tracked_run(f"seed {number}", groups, {"simulated": "true"}) as run:
            run.log_epoch(1, {"loss": 1.0})
            run.log_data("matches train", "0123", "train", {})
            model_id = run.log_model(write_model(tmp_path / f"model{number}", number), EXAMPLE, {})
        assert not run.spooled
        tracking.log_evaluation(
            run.run_id, model_id, "valid", {"average_map": 0.5}, tmp_path / f"model{number}", ("matches valid", "45")
        )
        assert tracking.create_version(NAME, model_id, run.run_id, {}).version == number + 1
    change_aliases(NAME, "promote", {CHAMPION: 1}, settle(NAME)[1], "the first", None)

    seen = settle(NAME)[1]
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    rivals = [context.Process(target=_promote, args=(team_server, version, seen, answers)) for version in (2, 3)]
    for rival in rivals:
        rival.start()
    outcome = dict(answers.get(timeout=300) for _ in rivals)
    for rival in rivals:
        rival.join()
    (winner,) = [version for version, won in outcome.items() if won]
    assert tracking.aliases(NAME) == {CHAMPION: winner, PREVIOUS: 1}

    champion = tracking.model_folder(f"models:/{NAME}@champion")
    assert (champion / "model.safetensors").read_bytes() == (
        tmp_path / f"model{winner - 1}" / "model.safetensors"
    ).read_bytes()
    import boto3

    kept = boto3.client("s3", endpoint_url=object_store).list_objects_v2(Bucket="mlflow", Prefix="artifacts/")
    assert any(item["Key"].endswith("model.safetensors") for item in kept["Contents"])
