"""Versions for those who have no registry."""

import base64
import json
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import yaml
from safetensors.numpy import load_file

from rmsnet.errors import UserError
from rmsnet.network.model_files import load_model
from rmsnet.network.onnx_model import load_spotter
from rmsnet.reading.hub import fetch_published
from rmsnet.registry.publishing import export_version
from rmsnet.registry.stage import register_stage
from rmsnet.serving.model import load_served
from rmsnet.spotting.inference import spot_features
from tests.registry.conftest import PARAMS

NAME = PARAMS.register.model_name
SHA = "0123456789abcdef0123456789abcdef01234567"


class Hub(BaseHTTPRequestHandler):
    """What the Hugging Face Hub answers to one who publishes and fetches a model."""

    protocol_version = "HTTP/1.1"
    files: dict[str, bytes]

    def answer(self, value, status=200):
        self.reply(json.dumps(value).encode(), status)

    def reply(self, body, status=200, **headers):
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), "Content-Type": "application/json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path.endswith("/create"):
            self.answer({"url": f"http://{self.headers['Host']}/org/model", "id": "1", "name": "org/model"})
        elif self.path.endswith("/validate-yaml"):
            self.answer({"errors": [], "warnings": []})
        elif "/preupload/" in self.path:
            asked = json.loads(body)["files"]
            self.answer(
                {"files": [{"path": file["path"], "uploadMode": "regular", "shouldIgnore": False} for file in asked]}
            )
        elif "/commit/" in self.path:
            for line in map(json.loads, body.splitlines()):
                if line["key"] == "file":
                    self.files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            url = f"http://{self.headers['Host']}/org/model/commit/{SHA}"
            self.answer({"success": True, "commitOid": SHA, "commitUrl": url, "hookOutput": ""})
        else:
            self.answer({"error": self.path}, 404)

    def do_GET(self):
        if "/tree/" in self.path:
            self.answer(
                [
                    {"type": "file", "path": name, "size": len(self.files[name]), "oid": f"{number:040x}"}
                    for number, name in enumerate(self.files)
                ]
            )
        elif self.path.startswith("/api/models/org/model"):
            siblings = [{"rfilename": name} for name in self.files]
            self.answer({"id": "org/model", "sha": SHA, "siblings": siblings, "private": False})
        elif "/resolve/" in self.path and (name := self.path.rpartition("/")[2]) in self.files:
            self.reply(self.files[name], ETag=f'"{name}"', X_Repo_Commit=SHA)
        else:
            self.reply(b"{}", 404, X_Error_Code="RepoNotFound")

    do_HEAD = do_GET

    def log_message(self, *_):
        pass


@pytest.fixture
def hub(monkeypatch, tmp_path):
    handler = type("OurHub", (Hub,), {"files": {}})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_address[1]}")
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_TOKEN", "hf_of_a_test")
    yield handler.files
    server.shutdown()


@pytest.fixture
def store(monkeypatch):
    """An object store with one bucket, published."""
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    settings = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
    for name, value in {**settings, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}.items():
        monkeypatch.setenv(name, value)
    client = boto3.client("s3")
    client.create_bucket(Bucket="published")
    yield client
    server.stop()


@pytest.fixture
def registered(shop):
    register_stage(
        [shop.model(name) for name in PARAMS.variants],
        shop.evaluation,
        shop.features,
        Path("decision"),
        PARAMS,
        validation=shop.validation,
    )
    return shop


def test_an_exported_folder_is_a_model_with_a_card_and_an_example_that_it_answers(registered):
    done = export_version(NAME, "1", "published")
    model = load_model(Path("published"))
    example, told = (
        load_file("published/example.safetensors")["features"],
        json.loads(Path("published/example.json").read_text()),
    )
    found = spot_features(model, example)
    np.testing.assert_allclose(found.position_ms, told["position_ms"], atol=1)
    _, front, card = Path("published/README.md").read_text().split("---\n", 2)
    metadata = yaml.safe_load(front)
    assert metadata["library_name"] == "rmsnet"
    assert metadata["model-index"][0]["results"][0]["metrics"][0]["type"] == "average-map"
    assert f"# {NAME} version 1" in card
    assert {"README.md", "config.json", "example.json", "model.safetensors"} <= set(done["files"])
    assert not [name for name in done["files"] if name.endswith((".py", ".pkl", ".pth"))]


def test_a_model_goes_to_the_hub_and_comes_from_it_to_a_machine_without_mlflow(registered, hub, tmp_path):
    export_version(NAME, "1", "hf://org/model")
    assert {"README.md", "config.json", "model.safetensors"} <= set(hub)
    hub["evil.py"] = b"raise SystemExit"
    rows = np.random.default_rng(0).normal(size=(90, 8)).astype(np.float32)
    np.save(tmp_path / "half.npy", rows)
    code = (
        "import sys; sys.modules['mlflow'] = None\n"
        "from rmsnet.cli import main\n"
        f"sys.exit(main(['spot', {str(tmp_path / 'half.npy')!r}, '--model', 'hf://org/model', '--out', 'spotted']))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path("spotted/events.csv").exists()
    assert not list((tmp_path / "cache").rglob("*.py"))


@pytest.mark.slow
def test_a_model_goes_to_a_bucket_whole_and_its_config_last(registered, store, tmp_path, monkeypatch):
    from boto3.s3.transfer import S3Transfer

    sent, upload = [], S3Transfer.upload_file

    def recorded(self, filename, bucket, key, **others):
        sent.append(key)
        return upload(self, filename, bucket, key, **others)

    monkeypatch.setattr(S3Transfer, "upload_file", recorded)
    done = export_version(NAME, "1", "s3://published/models/spotter/")
    objects = store.list_objects_v2(Bucket="published")["Contents"]
    assert {item["Key"] for item in objects} == {f"models/spotter/{name}" for name in done["files"]}
    assert sent[-1] == "models/spotter/config.json"
    export_version(NAME, "1", "here")
    fetched = tmp_path / "fetched"
    fetched.mkdir()
    for item in objects:
        store.download_file("published", item["Key"], str(fetched / Path(item["Key"]).name))
    assert {path.name: path.read_bytes() for path in fetched.iterdir()} == {
        path.name: path.read_bytes() for path in Path("here").iterdir()
    }
    load_model(fetched)


@pytest.mark.slow
def test_a_bucket_that_is_not_there_is_one_line(registered, store):
    with pytest.raises(UserError, match=r"^s3://elsewhere/models: .*bucket does not exist") as refusal:
        export_version(NAME, "1", "s3://elsewhere/models")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("out", "says"),
    [
        ("hf://model", "say hf://ORGANISATION/NAME"),
        ("s3://bucket", "say s3://BUCKET/PREFIX"),
    ],
)
def test_a_place_that_is_none_is_refused_before_anything_is_fetched(out, says, shop):
    with pytest.raises(UserError, match=says):
        export_version(NAME, "1", out)


def test_a_model_that_the_hub_does_not_have_is_one_line(hub):
    with pytest.raises(UserError, match=r"hf://org/nothing: .*\S") as refusal:
        fetch_published("hf://org/nothing")
    assert "\n" not in str(refusal.value)


def test_a_folder_that_holds_something_else_is_left_alone(registered):
    Path("mine").mkdir()
    Path("mine/notes.txt").write_text("mine")
    with pytest.raises(UserError, match=r"notes\.txt"):
        export_version(NAME, "1", "mine")


def test_an_export_for_onnx_runtime_spots_the_same_where_there_is_no_pytorch(registered, tmp_path):
    done = export_version(NAME, "1", "exported", "onnx")
    assert "model.onnx" in done["files"]
    assert "model.safetensors" not in done["files"]
    rows = np.random.default_rng(0).normal(size=(400, 8)).astype(np.float32)
    np.save(tmp_path / "half.npy", rows)
    export_version(NAME, "1", "published")
    expected = spot_features(load_model(Path("published")), rows)
    code = (
        "import sys; sys.modules['torch'] = sys.modules['mlflow'] = None\n"
        "from rmsnet.cli import main\n"
        f"sys.exit(main(['spot', {str(tmp_path / 'half.npy')!r}, '--model', 'exported', '--out', 'spotted']))\n"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    found = json.loads(Path("spotted/results_spotting.json").read_text())["predictions"]
    order = np.lexsort((expected.label, expected.position_ms))
    assert len(found) == len(order)
    np.testing.assert_allclose([int(one["position"]) for one in found], expected.position_ms[order], atol=1)
    np.testing.assert_allclose([float(one["confidence"]) for one in found], expected.confidence[order], atol=1e-4)


def test_an_export_is_served_if_it_answers_the_example_that_lies_in_it(registered):
    export_version(NAME, "1", "exported", "onnx")
    served = load_served("exported")
    example = load_file("exported/example.safetensors")["features"]
    told = json.loads(Path("exported/example.json").read_text())
    assert [event["label"] for event in served.answer(example, False)["events"]] == told["label"]
    told["position_ms"][0] += 1000
    Path("exported/example.json").write_text(json.dumps(told))
    with pytest.raises(UserError, match="exported: gives other events for its recorded example"):
        load_served("exported")


def test_a_damaged_export_is_refused(registered):
    export_version(NAME, "1", "exported", "onnx")
    for path in Path("exported").glob("*.onnx"):
        whole = path.read_bytes()
        path.write_bytes(whole[:-1])
        with pytest.raises(UserError, match=f"{path.name}: .*export the model again"):
            load_spotter(path.parent)
        path.write_bytes(whole)
    with pytest.raises(UserError, match="an export for ONNX Runtime, which spots only"):
        load_model(path.parent)
