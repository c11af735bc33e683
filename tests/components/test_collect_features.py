"""The component that joins the shards."""

from pathlib import Path

import numpy as np
from kfp.dsl import Dataset

from components.artifacts import refer_to
from components.collect_features.component import collect_features
from components.extract_features.component import extract_features
from rmsnet.features.bank import read_bank
from rmsnet.features.stage import extract


def test_shards_joined_are_what_one_extraction_makes(artifacts, dataset: Path, tmp_path: Path) -> None:
    data = artifacts(Dataset, "data")
    refer_to(dataset, Path(data.path))
    parts = [artifacts(Dataset, f"part {number}") for number in (1, 2)]
    for number, part in enumerate(parts, start=1):
        extract_features.python_func(data, f"{number}/2", {}, part)
    whole = artifacts(Dataset, "features")
    collect_features.python_func(parts, whole)
    extract(dataset, tmp_path / "features")
    for split in ("train", "valid", "test"):
        one, joined = read_bank(tmp_path / "features", split), read_bank(Path(whole.path), split)
        assert np.array_equal(one.features, joined.features)
        assert whole.metadata[f"{split} data_hash"] == one.info["data_hash"]


def test_through_the_local_runner(ran, dataset: Path) -> None:
    (metadata,) = ran.metadata("collect-features", "features")
    assert metadata["train frames"] == len(read_bank(ran.output("collect-features", "features"), "train").features)
