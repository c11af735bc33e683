"""A version of the registry for those who have no registry: a folder, a repository of the Hugging Face Hub, a bucket.

model.safetensors, config.json, …   the model folder as it is, which every command takes for --model; of an ONNX export
                                    graphs in the place of the weights (model.onnx, every_clip.onnx, and backbone.onnx
                                    where a recipe leads from pictures to features): spots without PyTorch
README.md                           the card, with the hub's metadata at its head
example.safetensors, example.json   features, and the events that the model finds in them
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rmsnet import tracking
from rmsnet.errors import UserError, one_line
from rmsnet.files import atomic_folder, contents, require_replaceable, write_json, write_tensors, write_text
from rmsnet.network.model_config import BACKBONE_ONNX, CONFIG, WEIGHTS
from rmsnet.network.model_files import SpottingModel, load_model
from rmsnet.network.onnx_model import save_onnx
from rmsnet.reading.hub import HUB, asking_hub, endpoint, repository_of
from rmsnet.registry.card import FORCED_TAG, model_card
from rmsnet.registry.versions import find_version
from rmsnet.tracking.logged_model import EXPORTED_EVENTS, EXPORTED_FEATURES
from rmsnet.video.recipe import BACKBONE_FILE, PCA_FILE, recipe_of

if TYPE_CHECKING:
    from rmsnet.tracking import Version

BUCKET = "s3://"

FORMS = SAFETENSORS, ONNX_FORM = "safetensors", "onnx"


def export_version(name: str, reference: str, out: str, form: str = SAFETENSORS) -> Mapping[str, Any]:
    """Publish a version.

    Args:
        name: of the registered model.
        reference: number or alias of the version.
        out: a folder, hf://ORGANISATION/NAME or s3://BUCKET/PREFIX.
        form: of the weights, one of FORMS.

    Returns:
        version, where it lies, and its files.

    Raises:
        UserError: no such version, a damaged model, a place that refuses it.
    """
    if out.startswith(HUB):
        repository_of(out)
    if out.startswith(BUCKET):
        _bucket_of(out)
    version = find_version(name, reference)
    uri = f"models:/{name}/{version.version}"
    with TemporaryDirectory() as folder:
        written = Path(folder) / name
        _write(written, name, version, uri, form)
        files = [path.name for path in contents(written)]
        if out.startswith(HUB):
            _to_hub(written, out, f"{name} version {version.version}")
        elif out.startswith(BUCKET):
            _to_bucket(written, out)
        else:
            require_replaceable(Path(out), CONFIG)
            with atomic_folder(Path(out)) as partial:
                for path in contents(written):
                    copyfile(path, partial / path.name)
    return {"version": version.version, "out": out, "files": files}


def _write(folder: Path, name: str, version: "Version", uri: str, form: str) -> None:
    model_folder = tracking.model_folder(uri)
    model = load_model(model_folder)
    folder.mkdir()
    for path in contents(model_folder):
        if path.suffix in (".safetensors", ".json"):
            copyfile(path, folder / path.name)
    if form == ONNX_FORM:
        save_onnx(folder, model, _backbone_graph(model, model_folder))
        for name in (WEIGHTS, BACKBONE_FILE, PCA_FILE):
            (folder / name).unlink(missing_ok=True)
    example = tracking.recorded_example(tracking.fetch_model(uri))
    if example is not None and example.events is not None:
        write_tensors(folder / EXPORTED_FEATURES, {"features": example.features})
        write_json(folder / EXPORTED_EVENTS, asdict(example.events))
    scores = {
        split: {"average_map": float(value), "simulated": model.simulated}
        for split in ("valid", "test")
        if (value := version.tags.get(f"{split}_average_map")) is not None
    }
    card = model_card(name, version, model, scores, None, tracking.run_tags(version.run_id))
    write_text(folder / "README.md", f"{_metadata(name, version, model, scores)}\n{card}{_use(folder, model)}")


def _backbone_graph(model: SpottingModel, folder: Path) -> Mapping[str, bytes]:
    """Of a model whose features come from pictures; nothing of features that were computed elsewhere."""
    if "recipe" not in model.config["features"]:
        return {}
    from rmsnet.video.onnx_graph import backbone_graph

    return {BACKBONE_ONNX: backbone_graph(recipe_of(model.config["features"], str(folder)), folder)}


def _metadata(name: str, version: "Version", model: SpottingModel, scores: Mapping[str, Mapping[str, Any]]) -> str:
    """What the hub reads of a card: YAML, of which JSON is a part."""
    dataset = str(model.config["dataset"])
    results = [
        {
            "task": {"type": "video-classification", "name": "action spotting"},
            "dataset": {"name": dataset, "type": dataset, "split": split},
            "metrics": [{"type": "average-map", "name": "Average-mAP", "value": score["average_map"]}],
        }
        for split, score in scores.items()
    ]
    fields = {
        "library_name": "rmsnet",
        "pipeline_tag": "video-classification",
        "tags": ["action-spotting", "soccer", *(["simulated"] if model.simulated else [])],
        "model-index": [{"name": f"{name} version {version.version}", "results": results}] if results else [],
    }
    if FORCED_TAG in version.tags:
        fields["tags"] = [*fields["tags"], "champion-against-the-gate"]
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in fields.items() if value]
    return "\n".join(["---", *lines, "---"])


def _use(folder: Path, model: SpottingModel) -> str:
    source = "1.mkv 2.mkv" if "recipe" in model.config["features"] else "1.npy 2.npy"
    lines = ["", "## From the hub, or from a folder", "", "```"]
    lines += [f"rmsnet spot {source} --model hf://ORGANISATION/NAME --out match", "```", ""]
    if (folder / EXPORTED_EVENTS).exists():
        lines += [
            "`example.safetensors` holds features, `example.json` the events that the model finds in them:",
            "",
            "```python",
            "from pathlib import Path",
            "from safetensors.numpy import load_file",
            "from rmsnet.network.onnx_model import load_spotter",
            "from rmsnet.spotting.inference import spot_features",
            "",
            'found = spot_features(load_spotter(Path(".")), load_file("example.safetensors")["features"])',
            "```",
            "",
        ]
    return "\n".join(lines)


def _to_hub(folder: Path, out: str, message: str) -> None:
    repository, revision = repository_of(out)
    with asking_hub(out):
        from huggingface_hub import HfApi

        api = HfApi(endpoint=endpoint())
        api.create_repo(repository, exist_ok=True)
        api.upload_folder(repo_id=repository, folder_path=folder, revision=revision, commit_message=message)


def _bucket_of(out: str) -> tuple[str, str]:
    parts = urlsplit(out)
    if not parts.netloc or not parts.path.strip("/"):
        raise UserError(f"{out}: say s3://BUCKET/PREFIX")
    return parts.netloc, parts.path.strip("/")


def _to_bucket(folder: Path, out: str) -> None:
    bucket, prefix = _bucket_of(out)
    try:
        import boto3
        from botocore.exceptions import BotoCoreError, ClientError
    except ModuleNotFoundError:
        raise UserError(f"{out}: needs boto3: pip install 'rmsnet[s3]'") from None
    try:
        client = boto3.client("s3")
        # The config is the last: a folder that has one is whole.
        for path in sorted(contents(folder), key=lambda path: path.name == CONFIG):
            client.upload_file(str(path), bucket, f"{prefix}/{path.name}")
    except (BotoCoreError, ClientError, OSError, boto3.exceptions.S3UploadFailedError) as error:
        raise UserError(f"{out}: {one_line(error)}") from None
