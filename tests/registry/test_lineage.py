import json
import shutil

import pytest

from rmsnet import cli
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.files import write_json, write_text
from rmsnet.registry.lineage import lineage
from tests.registry.conftest import Workshop


def chain(links):
    return {(link.step, link.what.split(",")[0]): (link.hash, link.here) for link in links}


def test_a_model_leads_back_to_every_hash_it_was_made_of(shop: Workshop):
    found = lineage(str(shop.model("good")), shop.features)
    assert [link.step for link in found] == [
        "dataset",
        "features",
        "frame bank",
        "frame bank",
        "run",
        "run",
        "model",
        "evaluation",
        "evaluation",
    ]
    hashes = {split: read_json(shop.features / f"{split}.json")["data_hash"] for split in ("train", "valid", "test")}
    links = chain(found)
    assert links["frame bank", "train"] == (hashes["train"], True)
    assert links["frame bank", "valid"] == (hashes["valid"], True)
    assert links["model", "good"] == (read_json(shop.model("good") / "config.json")["weights_hash"], True)
    evaluations = {link.what.split()[0]: link for link in found if link.step == "evaluation"}
    for split in ("valid", "test"):
        assert evaluations[split].hash == hashes[split]
        score = read_json(shop.evaluation / "good" / split / "metrics.json")["average_map"]
        assert f"Average-mAP {100 * score:.2f}" in evaluations[split].what
        origin = read_json(shop.evaluation / "good" / split / "predictions" / "origin.json")
        assert (origin["weights_hash"], origin["data_hash"]) == (links["model", "good"][0], hashes["train"])
        assert "dvc_md5" in origin
    run = next(link for link in found if link.step == "run")
    assert read_json(shop.model("good") / "run.json")["run_id"] in run.what


def test_what_has_changed_since_is_said(shop: Workshop, tmp_path):
    features = tmp_path / "features"
    shutil.copytree(shop.features, features)
    index = read_json(features / "train.json")
    write_json(features / "train.json", {**index, "data_hash": "another"})
    (features / "valid.json").unlink()
    model = tmp_path / "model"
    shutil.copytree(shop.model("good"), model)
    config = read_json(model / "config.json")
    write_json(model / "config.json", {**config, "dvc_md5": "abc.dir"})
    write_text(tmp_path / "data.dvc", "outs:\n- md5: def.dir\n  path: data\n")
    links = chain(lineage(str(model), features, tmp_path / "data"))
    assert links["frame bank", "train"][1] is False
    assert links["frame bank", "valid"][1] is None
    assert links["dataset", "test (simulated)"] == ("abc.dir", False)


def test_the_command_prints_the_chain_or_json(shop: Workshop, capsys):
    command = ["data", "lineage", str(shop.model("good")), "--features", str(shop.features)]
    assert cli.main(command) == 0
    text = capsys.readouterr().out
    assert text.splitlines()[0].startswith("dataset ")
    assert "the same here" in text
    assert cli.main([*command, "--json"]) == 0
    assert {link["step"] for link in json.loads(capsys.readouterr().out)} >= {"dataset", "run", "model", "evaluation"}


def test_what_is_no_model_is_refused(shop: Workshop, tmp_path):
    with pytest.raises(UserError, match="no model there"):
        lineage(str(tmp_path / "nowhere"))
    with pytest.raises(UserError, match="say which version"):
        lineage("models:/rmsnet")
    with pytest.raises(UserError, match="no such registered model"):
        lineage("models:/rmsnet@champion")
