"""Where kubectl, and every client of Kubernetes, is set to."""

from pathlib import Path

import pytest
import yaml


def point_kubectl_at(address: str, folder: Path, monkeypatch: pytest.MonkeyPatch, namespace: str = "team") -> None:
    """Make a kubeconfig in a folder, the only one that is found from here on; "": there is none."""
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "here", "cluster": {"server": address}}],
        "users": [{"name": "me", "user": {}}],
        "contexts": [{"name": "here", "context": {"cluster": "here", "user": "me", "namespace": namespace}}],
        "current-context": "here",
    }
    path = folder / "kubeconfig"
    if address:
        path.write_text(yaml.safe_dump(config))
    monkeypatch.setenv("KUBECONFIG", str(path))
    monkeypatch.setattr("kubernetes.config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
    monkeypatch.setattr("kubernetes.config.kube_config.KUBE_CONFIG_DEFAULT_LOCATION", str(path))
