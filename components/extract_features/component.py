"""The component of the extract stage: the frame banks of one shard of the games."""

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def extract_features(data: Input[Dataset], shard: str, params: dict, features: Output[Dataset]):
    """Stack the features of a shard's games into one frame bank per split.

    Args:
        data: the validated dataset.
        shard: which part of the games, "1/4" … "4/4"; "1/1" is all of them.
        params: sections as in params.yaml.
        features: the frame banks.
    """
    from pathlib import Path

    from components.artifacts import dataset_root, describe
    from components.door import door

    with door("extract_features"):
        from rmsnet.features.shards import Shard
        from rmsnet.features.stage import extract
        from rmsnet.params import params_from

        chosen = params_from(params, "params")
        root, out = dataset_root(Path(data.path)), Path(features.path)
        done = extract(root, out, chosen.extract, chosen.data.classes, shard=Shard.parse(shard))
        for warning in done.warnings:
            print(f"warning: {warning}")
        describe(features, {"shard": shard, **{f"{split} frames": count for split, count in done.frames.items()}})
