"""The component that decides what a run spots, and with which version of a model."""

from kfp import dsl
from kfp.dsl import Dataset, Model, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def fetch_matches(
    source: str,
    revision: str,
    split: str,
    model: str,
    shards: int,
    matches: Output[Dataset],
    spotter: Output[Model],
) -> list:
    """Bring the matches and one version of the model here, so that every shard has the same of both.

    Args:
        source: a folder on a mounted volume; s3://bucket/prefix; or, with a revision, a git repository whose DVC
            tracks the matches (URL#path, path "data" by default).
        revision: commit, tag or branch of that repository: the same commit is the same bytes; "" for the others.
        split: of a dataset: train, valid or test; "" for all its matches.
        model: models:/NAME@ALIAS or models:/NAME/VERSION in MLflow's registry, or a model folder on a mounted volume.
        shards: at most so many.
        matches: the matches, or where they lie on their volume.
        spotter: the model folder.

    Returns:
        The shards, "1/4" … "4/4"; no more than there are matches.
    """
    import shutil
    from pathlib import Path

    from components.artifacts import describe, known, mlflow_link, refer_to
    from components.door import door

    with door("fetch_matches"):
        from rmsnet.dataset.sources import fetch
        from rmsnet.matches.sources import find_matches
        from rmsnet.network.model_files import load_model, origin
        from rmsnet.provenance import dvc_md5
        from rmsnet.registry.versions import registered
        from rmsnet.tracking import find_model

        facts = {"uri": model}
        if model.startswith("models:/"):
            # Here and once: while shards run, @champion may move to another version.
            name, version = registered(model)
            facts = {
                "uri": f"models:/{name}/{version.version}",
                "mlflow_version": mlflow_link(f"models/{name}/versions/{version.version}"),
                "mlflow_run": mlflow_link(f"runs/{version.run_id}"),
            }
        folder = find_model(facts["uri"])
        loaded = load_model(folder)
        root = fetch(source, revision, Path(matches.path))
        found = find_matches([root], loaded.config["features"]["name"], loaded.classes, split or None)
        if root != Path(matches.path):
            refer_to(root, Path(matches.path))
        shutil.copytree(folder, spotter.path)
        spotter.framework = "PyTorch"
        describe(spotter, {**facts, **known(made := origin(loaded), *made)})
        taken = {"source": source, "revision": revision, "split": split, "matches": len(found)}
        describe(matches, {**taken, **known({"dvc_md5": dvc_md5(root)}, "dvc_md5")})
        print(f"{len(found)} matches, {facts['uri']} ({loaded.config['name']})")
        count = min(shards, len(found))
        return [f"{number}/{count}" for number in range(1, count + 1)]
