"""The component that joins the shards of the extract stage."""

from typing import List  # noqa: UP035  # what Kubeflow understands in Input[…]

from kfp import dsl
from kfp.dsl import Dataset, Input, Output

from components.image import IMAGE


@dsl.component(base_image=IMAGE, install_kfp_package=False)
def collect_features(parts: Input[List[Dataset]], features: Output[Dataset]):  # noqa: UP006
    """Join the shards' frame banks into one per split.

    Args:
        parts: the shards.
        features: the frame banks.
    """
    from pathlib import Path

    from components.artifacts import describe, known
    from components.door import door

    with door("collect_features"):
        from rmsnet.features.bank import read_bank
        from rmsnet.features.shards import join

        out = Path(features.path)
        done = join([Path(part.path) for part in parts], out)
        infos = {split: read_bank(out, split).info for split in done.frames}
        facts = {f"{split} data_hash": info["data_hash"] for split, info in infos.items()}
        facts |= known(next(iter(infos.values())), "dvc_md5")
        for split, count in done.frames.items():
            facts |= {f"{split} frames": count, f"{split} events": done.events[split]}
        describe(features, facts)
