"""The components of the extract stage."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from kfp.dsl import Dataset

from components.banks import banks_of
from components.collect_features.body import body as collect
from components.data import identified
from components.door import PASSED
from components.extract_features.body import body
from rmsnet.errors import UserError
from rmsnet.features.bank import read_bank
from rmsnet.features.stage import extract


def call(artifacts, dataset: Path, shard: str, verdict: str = PASSED) -> Dataset:
    features = artifacts(Dataset, f"features {shard.replace('/', ' of ')}")
    body(str(dataset), "", identified(str(dataset), ""), verdict, shard, {}, "", features)
    return features


def test_a_shard_holds_its_part_of_the_games(artifacts, dataset: Path) -> None:
    features = call(artifacts, dataset, "1/2")
    bank = read_bank(Path(features.path), "train")
    assert len({half.game for half in bank.halves}) == 2
    assert features.metadata["train frames"] == len(bank.features)


def test_shards_joined_are_what_one_extraction_makes(artifacts, dataset: Path, tmp_path: Path) -> None:
    parts, whole = [call(artifacts, dataset, shard) for shard in ("1/2", "2/2")], artifacts(Dataset, "features")
    collect(parts, "", whole)
    extract(dataset, tmp_path / "features")
    for split in ("train", "valid", "test"):
        one, joined = read_bank(tmp_path / "features", split), read_bank(Path(whole.path), split)
        assert np.array_equal(one.features, joined.features)
        assert one.info["data_hash"] == joined.info["data_hash"]


def test_data_that_did_not_pass_are_not_extracted(artifacts, dataset: Path, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        call(artifacts, dataset, "1/1", "games: 2 critical checks failed")
    assert refusal.value.code == 1
    assert capsys.readouterr().err == (
        "extract_features: check failed: the data did not pass their validation: games: 2 critical checks failed; "
        "see the page of validate data\n"
    )


def test_through_the_local_runner(ran, dataset: Path) -> None:
    assert len(ran.outputs("extract-features", "features")) == 2
    (metadata,) = ran.metadata("collect-features", "features")
    assert metadata["train frames"] == len(read_bank(ran.output("collect-features", "features"), "train").features)


def test_with_a_workspace_the_banks_stay_there_and_their_place_goes_on(
    artifacts, dataset: Path, tmp_path: Path, capsys
) -> None:
    parts = [artifacts(Dataset, f"part {number}") for number in (1, 2)]
    for number, part in enumerate(parts, 1):
        body(str(dataset), "", identified(str(dataset), ""), PASSED, f"{number}/2", {}, str(tmp_path / "shared"), part)
    whole = artifacts(Dataset, "features")
    collect(parts, str(tmp_path / "shared"), whole)
    assert [path.name for path in Path(whole.path).iterdir()] == ["location.json"]
    assert banks_of(whole).is_relative_to(tmp_path / "shared")
    assert whole.metadata["train frames"] == len(read_bank(banks_of(whole), "train").features)
    shutil.rmtree(tmp_path / "shared")
    with pytest.raises(UserError, match="every task of the run must mount its workspace"):
        banks_of(whole)
