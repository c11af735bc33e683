"""The manifests of deploy/ against the Kubernetes client's typed models, offline."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client

FOLDERS = ("base", "runs")

OVERLAYS = ("standalone", "multi-user", "offline")

SERVING = ("serving/base", "serving/shadow", "serving/canary", "serving/exported")


def manifests(folder: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    names = yaml.safe_load((folder / "kustomization.yaml").read_text())["resources"]
    for name in names:
        for document in yaml.safe_load_all((folder / name).read_text()):
            yield f"{name}, {document['kind']} {document['metadata']['name']}", document


def every_manifest(repository: Path) -> list[tuple[str, dict[str, Any]]]:
    return [item for folder in FOLDERS for item in manifests(repository / "deploy" / folder)]


def typed(document: dict[str, Any]) -> Any:
    """The document as the client's model of its kind; a missing required field raises ValueError."""
    api = client.ApiClient()
    version = document["apiVersion"].rpartition("/")[2].capitalize()
    return api._ApiClient__deserialize(document, version + document["kind"])


def unknown_fields(document: dict[str, Any]) -> Iterator[str]:
    """Paths that the typed model does not know: they are gone after a round trip."""
    kept = client.ApiClient().sanitize_for_serialization(typed(document))

    def missing(given: Any, left: Any, path: str) -> Iterator[str]:
        if isinstance(given, dict):
            for key, value in given.items():
                if not isinstance(left, dict) or (key not in left and value not in ({}, [])):
                    yield f"{path}.{key}"
                elif key in left:
                    yield from missing(value, left[key], f"{path}.{key}")
        elif isinstance(given, list):
            for number, (one, other) in enumerate(zip(given, left, strict=True)):
                yield from missing(one, other, f"{path}[{number}]")
        elif given != left:
            yield path

    return missing(document, kept, "")


def pod_spec(document: dict[str, Any]) -> dict[str, Any] | None:
    spec = document.get("spec", {})
    spec = spec.get("jobTemplate", {}).get("spec", spec)
    return spec.get("template", {}).get("spec")


def test_every_field_of_every_manifest_is_one_that_kubernetes_knows(repository: Path) -> None:
    for name, document in every_manifest(repository):
        assert list(unknown_fields(document)) == [], name


def test_a_misspelt_field_is_noticed(repository: Path) -> None:
    document = dict(every_manifest(repository))["mlflow.yaml, Deployment mlflow"]
    document["spec"]["template"]["spec"]["containers"][0]["imagePullPolicyy"] = "Always"
    assert list(unknown_fields(document)) == [".spec.template.spec.containers[0].imagePullPolicyy"]


def test_a_missing_field_is_noticed(repository: Path) -> None:
    document = dict(every_manifest(repository))["mlflow.yaml, Deployment mlflow"]
    del document["spec"]["selector"]
    with pytest.raises(ValueError, match="selector"):
        typed(document)


def test_every_pod_is_locked_down_as_the_namespace_demands(repository: Path) -> None:
    for name, document in every_manifest(repository):
        pod = pod_spec(document)
        if pod is None:
            continue
        assert pod["securityContext"]["runAsNonRoot"], name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in [*pod["containers"], *pod.get("initContainers", [])]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert "memory" in container["resources"]["limits"], name


def test_services_select_pods_and_volumes_are_there(repository: Path) -> None:
    documents = every_manifest(repository)
    pods = [document["spec"]["template"] for _, document in documents if "template" in document.get("spec", {})]
    labels = [pod["metadata"]["labels"] for pod in pods]
    for name, document in documents:
        if document["kind"] == "Service":
            assert document["spec"]["selector"] in labels, name
        pod = pod_spec(document)
        if pod is not None:
            claims = document["spec"].get("volumeClaimTemplates", [])
            volumes = {item["name"] for item in pod["volumes"]} | {item["metadata"]["name"] for item in claims}
            mounts = {item["name"] for container in pod["containers"] for item in container["volumeMounts"]}
            assert mounts == volumes, name


def test_the_runner_may_do_only_what_the_launcher_needs(repository: Path) -> None:
    role = dict(every_manifest(repository))["service-account.yaml, Role rmsnet-runner"]
    assert all("*" not in rule["resources"] + rule["verbs"] + rule["apiGroups"] for rule in role["rules"])
    secrets = [rule for rule in role["rules"] if "secrets" in rule["resources"]]
    assert [(rule["resourceNames"], rule["verbs"]) for rule in secrets] == [(["mlpipeline-minio-artifact"], ["get"])]


def test_runs_of_every_kind_of_kubeflow_reach_the_storage_and_nobody_else_does(repository: Path) -> None:
    """The flows of a run across namespaces: to MLflow, which no policy closes, and to the storage of datasets."""
    namespaces = {
        "standalone": {"kubernetes.io/metadata.name": "kubeflow"},
        "multi-user": {"app.kubernetes.io/part-of": "kubeflow-profile"},
    }
    policies = {name: doc for name, doc in every_manifest(repository) if doc["kind"] == "NetworkPolicy"}
    assert [doc["spec"]["podSelector"]["matchLabels"]["app.kubernetes.io/name"] for doc in policies.values()] == [
        "postgres",
        "storage",
    ]
    for name, labels in namespaces.items():
        kustomization = yaml.safe_load((repository / "deploy" / "overlays" / name / "kustomization.yaml").read_text())
        (patch,) = kustomization["patches"]
        assert patch["target"] == {"kind": "NetworkPolicy", "name": "storage"}
        (operation,) = yaml.safe_load(patch["patch"])
        assert operation["value"] == {"namespaceSelector": {"matchLabels": labels}}


def test_without_internet_every_image_comes_from_one_registry(repository: Path) -> None:
    base = yaml.safe_load((repository / "deploy" / "base" / "kustomization.yaml").read_text())
    renamed = {image["name"]: image["newName"] for image in base["images"]}
    offline = yaml.safe_load((repository / "deploy" / "overlays" / "offline" / "kustomization.yaml").read_text())
    mirrored = {image["name"] for image in offline["images"]}
    for _, document in every_manifest(repository):
        pod = pod_spec(document)
        for container in [] if pod is None else [*pod["containers"], *pod.get("initContainers", [])]:
            name = container["image"].partition(":")[0]
            assert renamed.get(name, name) in mirrored


def test_no_overlay_lies_in_the_folder_that_it_builds_on(repository: Path) -> None:
    """Kustomize calls that a cycle and builds nothing."""
    for path in (repository / "deploy").rglob("kustomization.yaml"):
        for resource in yaml.safe_load(path.read_text())["resources"]:
            assert not path.parent.is_relative_to((path.parent / resource).resolve()), path


@pytest.mark.parametrize("folder", [*FOLDERS, *(f"overlays/{name}" for name in OVERLAYS), *SERVING])
def test_kustomize_builds_them(repository: Path, folder: str) -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    built = subprocess.run(
        ["kubectl", "kustomize", str(repository / "deploy" / folder)], capture_output=True, text=True, check=True
    )
    documents = list(yaml.safe_load_all(built.stdout))
    assert all(document["metadata"].get("namespace", "rmsnet") == "rmsnet" for document in documents)
    assert "image: rmsnet\n" not in built.stdout
