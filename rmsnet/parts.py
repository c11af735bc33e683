"""The parts that rmsnet is installed in: which extra of pyproject.toml brings a library that is not there."""

from collections.abc import Mapping

PARTS: Mapping[str, tuple[str, ...]] = {
    "PIL": ("spot", "onnx", "registry", "train", "video"),
    "SoccerNet": ("soccernet",),
    "av": ("spot", "onnx", "registry", "train", "validate", "video"),
    "boto3": ("s3",),
    "botocore": ("s3",),
    "dvc": ("dvc",),
    "dvc_data": ("dvc",),
    "fastapi": ("serve",),
    "great_expectations": ("validate",),
    "huggingface_hub": ("hub",),
    "kfp": ("kubeflow",),
    "kfp_server_api": ("kubeflow",),
    "kubernetes": ("kubeflow",),
    "mlflow": ("registry", "train"),
    "model_signing": ("signing",),
    "onnx": ("registry", "train"),
    "onnxruntime": ("onnx",),
    "opentelemetry": ("serve",),
    "pandas": ("validate",),
    "prometheus_client": ("serve",),
    "pygit2": ("dvc",),
    "safetensors": ("spot", "onnx", "registry", "train", "video"),
    "scipy": ("registry", "train", "validate", "video"),
    "sqlalchemy": ("registry", "train"),
    "starlette": ("serve",),
    "torch": ("spot", "registry", "train", "video"),
    "torchvision": ("spot", "registry", "train", "video"),
    "urllib3": ("kubeflow",),
    "uvicorn": ("serve",),
}
"""The extras that ask for each library, the smallest first. What is not here comes with rmsnet alone."""

_PART_OF = {"annotate": "serve", "combine": "spot", "extract": "video", "live": "serve", "reproduce": "train"}
"""Commands whose part has another name."""


def installing(module: str, command: str = "") -> str | None:
    """The line that installs what a command lacks; None: a library that no part brings.

    Args:
        module: that was not found, "kfp.dsl".
        command: where it was wanted; its own part is taken, so that nothing else is missing after it.
    """
    extras = PARTS.get(module.partition(".")[0])
    if extras is None:
        return None
    part = _PART_OF.get(command, command)
    return f"pip install 'rmsnet[{part if part in extras else extras[0]}]'"
