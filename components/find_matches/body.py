"""Which matches, and which version of a model."""

import shutil
from typing import TYPE_CHECKING, Any

from components.artifacts import describe, known, mlflow_link
from components.data import dataset, identified
from components.door import door
from components.patience import patiently

if TYPE_CHECKING:
    from kfp.dsl import Model


def body(source: str, revision: str, split: str, model: str, pods: int, spotter: "Model") -> list[dict[str, Any]]:
    """Find the matches and one version of the model, so that every pod has the same of both; never cached.

    Args:
        source: a folder on a mounted volume; s3://bucket/prefix; or, with a revision, a git repository whose DVC
            tracks the matches (URL#path, path "data" by default).
        revision: commit, tag or branch of that repository: the same commit is the same bytes; "" for the others.
        split: of a dataset: train, valid or test; "" for all its matches.
        model: models:/NAME@ALIAS or models:/NAME/VERSION in MLflow's registry, or a model folder on a mounted volume.
        pods: at most so many.
        spotter: gets the model folder.

    Returns:
        For each pod its "part" of the matches, "1/4" … "4/4"; the "fingerprint" of the source; the "model", an alias
        as the version that it means now, with the "weights" hash: what spotting depends on, and nothing else.
    """
    with door("find_matches"):
        from rmsnet.matches.game_folder import known_to_model
        from rmsnet.matches.sources import find_matches
        from rmsnet.network.model_files import load_model, origin
        from rmsnet.registry.versions import registered
        from rmsnet.tracking import find_model

        facts = {"uri": model}
        if model.startswith("models:/"):
            # Here and once: while pods run, @champion may move to another version.
            name, version = patiently("MLflow", lambda: registered(model))
            facts = {
                "uri": f"models:/{name}/{version.version}",
                "mlflow_version": mlflow_link(f"models/{name}/versions/{version.version}"),
                "mlflow_run": mlflow_link(f"runs/{version.run_id}"),
            }
        folder = patiently("MLflow", lambda: find_model(facts["uri"]))
        loaded = load_model(folder)
        fingerprint = identified(source, revision)
        with dataset(source, revision, fingerprint) as root:
            features, kind = loaded.config["features"]["name"], known_to_model(loaded.config)
            found = find_matches([root], features, loaded.classes, split or None, kind)
        shutil.copytree(folder, spotter.path)
        spotter.framework = "PyTorch"
        made = origin(loaded)
        describe(spotter, {**facts, **known(made, "name", "weights_hash", "dataset", "simulated", "dvc_md5")})
        print(f"{len(found)} matches, {facts['uri']} ({loaded.config['name']}), {fingerprint}")
        count = min(pods, len(found))
        same = {"fingerprint": fingerprint, "model": facts["uri"], "weights": str(made["weights_hash"])}
        return [{"part": f"{number}/{count}", **same} for number in range(1, count + 1)]
    raise AssertionError("the door ends the process")
