"""What opens doors stays in the environment: no file, no line and no store of anybody else learns it."""

import pytest

from rmsnet import cli
from rmsnet.errors import redacted
from rmsnet.tracking import store
from tests.matches.builders import write_features
from tests.mlflow_server import free_port

PASSWORD = "correct-horse/battery"
ACCESS_KEY = "AKIA0000000000000000"
SECRETS = (PASSWORD, "horse/battery", "correct-horse", ACCESS_KEY, "hunter2hunter2")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"http://me:{PASSWORD}@host:5000/path", "http://***@host:5000/path"),
        (f"postgresql+psycopg2://me:{PASSWORD}@host/mlflow", "postgresql+psycopg2://***@host/mlflow"),
        ("http://a:b@c@host/ and https://token@host/x", "http://***@host/ and https://***@host/x"),
        ("https://host:443/models:/rmsnet@champion", "https://host:443/models:/rmsnet@champion"),
        ("https://bucket/x?X-Amz-Signature=abc&X-Amz-Date=1", "https://bucket/x?X-Amz-Signature=***&X-Amz-Date=1"),
        ("host=db password=abc dbname=x", "host=db password=*** dbname=x"),
        ("the key hunter2hunter2 is wrong", "the key *** is wrong"),
    ],
)
def test_addresses_are_shown_without_what_opens_them(text, shown, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    assert redacted(text) == shown


def test_no_file_and_no_line_of_a_demo_holds_a_password(
    shop, mlflow_address, tmp_path, tmp_path_factory, monkeypatch, capfd
):
    """Trained, evaluated, registered, promoted and spotted, with a server that answers and with one that is away."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(store, "_servers", set())
    at_home = mlflow_address.replace("//", f"//me:{PASSWORD.replace('/', '%2F')}@")
    away = f"http://me:{PASSWORD.replace('/', '%2F')}@127.0.0.1:{free_port()}"
    half = write_features(tmp_path / "half.npy")
    features = ["--features", str(shop.features)]
    gate = [*features, "--validation", str(shop.validation), "--set", "register.model_name=secret"]
    quick = ["--set", "train.epochs=1", "--set", "train.clip_frames=9", "--set", "train.foreground_clips=60"]
    train = ["train", *features, *quick, "--set", "train.background_clips=30", "--device", "cpu"]
    for address, name, good in ((at_home, "here", {0}), (away, "away", {0, 2})):
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        model = f"models/{name}"
        for command in (
            [*train, "--out", model],
            ["evaluate", "--model", model, *features, "--out", f"evaluation/{name}", "--set", "evaluate.bootstrap=50"],
            ["registry", "register", model, "--evaluation", "evaluation", *gate, "--out", f"registration/{name}"],
            ["registry", "promote", "1", *gate, "--force", "--reason", "it must", "--out", f"promotion/{name}"],
            ["registry", "store", "--out", f"store/{name}.json"],
            ["registry", "list", "--set", "register.model_name=secret"],
            ["spot", str(half), "--model", "models:/secret@champion", "--out", f"spotted/{name}"],
            ["data", "lineage", model],
        ):
            assert cli.main(command) in good, (command, capfd.readouterr().err)
    said = capfd.readouterr()
    assert "this run is kept in" in said.err
    assert (tmp_path / "registration/here/decision.json").exists()
    (server,) = tmp_path_factory.getbasetemp().glob("mlflow-server[0-9]")
    files = [path for folder in (tmp_path, server) for path in folder.rglob("*") if path.is_file()]
    assert {path.name for path in files} >= {"run.json", "decision.json", "mlflow.db", "server.db"}
    for secret in (*SECRETS, PASSWORD.replace("/", "%2F")):
        assert secret not in said.out + said.err
        assert [path for path in files if secret.encode() in path.read_bytes()] == []
