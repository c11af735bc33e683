"""The component of the extract stage."""

from pathlib import Path

import pytest
from kfp.dsl import Dataset

from components.artifacts import refer_to
from components.extract_features.component import extract_features
from rmsnet.features.bank import read_bank


def test_a_shard_holds_its_part_of_the_games(artifacts, dataset: Path) -> None:
    data, features = artifacts(Dataset, "data"), artifacts(Dataset, "features")
    refer_to(dataset, Path(data.path))
    extract_features.python_func(data, "1/2", {}, features)
    bank = read_bank(Path(features.path), "train")
    assert len({half.game for half in bank.halves}) == 2
    assert features.metadata["shard"] == "1/2"
    assert features.metadata["train frames"] == len(bank.features)


def test_data_on_a_volume_that_is_not_mounted(artifacts, tmp_path: Path, capsys) -> None:
    data = artifacts(Dataset, "data")
    refer_to(tmp_path / "volume", Path(data.path))
    with pytest.raises(SystemExit) as refusal:
        extract_features.python_func(data, "1/1", {}, artifacts(Dataset, "features"))
    assert refusal.value.code == 2
    assert "the data's volume must be mounted in every pod" in capsys.readouterr().err


def test_through_the_local_runner(ran) -> None:
    assert sorted(item["shard"] for item in ran.metadata("extract-features", "features")) == ["1/2", "2/2"]
