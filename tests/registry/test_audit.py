"""A life with every kind of act, audited and verified; and hands in it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from rmsnet import cli, tracking
from rmsnet.errors import CheckFailed, UserError
from rmsnet.registry.asking import as_lines, standing
from rmsnet.registry.audit import differences
from rmsnet.registry.evidence import EVIDENCE_FILE, read_evidence
from rmsnet.registry.shadowed import record_shadow
from rmsnet.registry.signing import sign
from rmsnet.registry.stage import promote, register_stage, rollback
from rmsnet.registry.verifying import verify
from rmsnet.tracking.store import our_client
from tests.registry.conftest import PARAMS, write_keys

NAME = "rmsnet"
OUT = Path("registration")


@pytest.fixture(scope="module")
def finished_life(finished_workshop, tmp_path_factory):
    """A first champion, a better one that passes, one that is refused, force, and the way back; made once."""
    shop, root = finished_workshop, tmp_path_factory.mktemp("life")
    shutil.copy(shop.store, root / "mlflow.db")
    shutil.copytree(shop.root / "mlruns", root / "mlruns")

    def register(name: str):
        models = [shop.model(name)]
        return register_stage(models, shop.evaluation, shop.features, OUT, PARAMS, validation=shop.validation)

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.delenv("MLFLOW_TRACKING_URI", raising=False)
        register("poor")
        register("good")
        options = {"validation": shop.validation}
        with pytest.raises(CheckFailed):
            promote("1", shop.features, OUT, PARAMS, **options)
        promote("1", shop.features, OUT, PARAMS, **options, force="the cup final needs it")
        rollback(NAME, "it misses every second card")
    return root


@pytest.fixture
def life(finished_life, finished_workshop, tmp_path, monkeypatch):
    """It, in a store of one's own; the frame banks beside."""
    shutil.copytree(finished_life, tmp_path / "life")
    monkeypatch.chdir(tmp_path / "life")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return finished_workshop.features


def test_a_history_with_every_kind_of_act_is_as_the_store_says(life):
    changes, found = differences(NAME)
    assert [change.kind for change in changes] == ["promote", "promote", "refused", "forced", "rollback"]
    assert found == []
    assert cli.main(["registry", "audit"]) == 0


def by_hand_alias():
    our_client().set_registered_model_alias(NAME, "champion", "1")
    return "@champion is version 1, by the history 2"


def by_hand_tag():
    tracking.tag_version(NAME, 1, {"decision": "promoted"})
    return "version 1 is tagged 'promoted'"


def forgotten_force():
    our_client().delete_model_version_tag(NAME, "1", "forced")
    return "version 1: its tag 'forced' is gone"


def a_gap():
    our_client().delete_model_version(f"{NAME}-history", "3")
    return "record 3 is missing"


def a_cut_end():
    our_client().delete_model_version(f"{NAME}-history", "4")
    our_client().delete_model_version(f"{NAME}-history", "5")
    return "version 1 was decided by a record 4 that is not there"


def another_record():
    record = {**tracking.records(NAME)[2][1], "why": "nothing to see here"}
    our_client().set_model_version_tag(f"{NAME}-history", "3", "record", json.dumps(record))
    return "record 3 is not the one that record 4 followed"


def a_cheaper_level():
    record = tracking.records(NAME)[2][1]
    record["question"]["level"] = 0.05
    our_client().set_model_version_tag(f"{NAME}-history", "3", "record", json.dumps(record))
    return "record 3 was asked at 0.05, those before it had left 0.0"


@pytest.mark.parametrize(
    "hand", [by_hand_alias, by_hand_tag, forgotten_force, a_gap, a_cut_end, another_record, a_cheaper_level]
)
def test_whatever_a_hand_has_changed_is_a_difference(life, capsys, hand):
    said = hand()
    capsys.readouterr()
    assert cli.main(["registry", "audit"]) == 1
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1


def test_a_champion_that_was_set_by_hand_is_told_by_the_next_command_and_stays_a_difference(life, capsys):
    by_hand_alias()
    assert cli.main(["registry", "history"]) == 0
    assert "warning: rmsnet: aliases were moved by hand: @champion 2 → 1" in capsys.readouterr().err
    assert "the champion was set by hand (record 6" in differences(NAME)[1][0]


def test_files_that_are_not_those_that_were_registered_are_a_difference(life):
    weights = tracking.model_folder(f"models:/{NAME}/1") / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + b"x")
    try:
        assert "hash mismatch" in differences(NAME)[1][0]
    finally:
        weights.write_bytes(content)


def test_a_decision_is_computed_again_from_what_the_store_holds_alone(life):
    """The frame banks and model folders play no part."""
    promoted, refused = verify(NAME, "2"), verify(NAME, "1")
    assert (promoted.kind, promoted.champion) == ("promote", 1)
    assert (refused.kind, refused.champion) == ("forced", 2)
    for told, now in promoted.numbers.values():
        assert now == pytest.approx(told, rel=1e-12)


def test_a_fresh_process_in_a_clean_environment_arrives_at_the_same_decision(life, tmp_path, monkeypatch):
    """A copied store and nothing else: no project, no parameters, no variable of the shell, another folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "life").rename(tmp_path / "copy")
    (tmp_path / "empty").mkdir()
    environment = {
        "HOME": str(tmp_path / "empty"),
        "PATH": os.defpath,
        "PYTHONPATH": str(Path(cli.__file__).parents[1]),
        "MLFLOW_TRACKING_URI": f"sqlite:///{tmp_path}/copy/mlflow.db",
    }
    for version, kind in (("2", "promote"), ("1", "forced")):
        ran = subprocess.run(
            [sys.executable, "-m", "rmsnet.cli", "registry", "verify", version, "--json"],
            cwd=tmp_path / "empty",
            env=environment,
            capture_output=True,
            text=True,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        told = json.loads(ran.stdout)
        assert told["kind"] == kind
        for recorded, now in told["numbers"].values():
            assert now == pytest.approx(recorded, rel=1e-12)


def test_a_version_that_must_be_signed_is_verified_with_its_signature(life, tmp_path):
    key = write_keys(tmp_path, "ours")
    with pytest.raises(UserError, match="version 2: nobody has signed it"):
        verify(NAME, "2", key.with_suffix(".pub"))
    sign(NAME, "2", key)
    assert verify(NAME, "2", key.with_suffix(".pub")).kind == "promote"
    assert differences(NAME)[1] == []
    with pytest.raises(CheckFailed, match="signed with another key"):
        verify(NAME, "2", write_keys(tmp_path, "others").with_suffix(".pub"))


def evidence() -> Path:
    """Of the question about version 2."""
    return next(path for path in Path("mlruns").rglob(EVIDENCE_FILE) if "version-2" in str(path))


def test_evidence_that_was_changed_or_taken_away_is_one_line(life):
    evidence().write_bytes(evidence().read_bytes() + b" ")
    with pytest.raises(CheckFailed, match="is not the file that record 2 of the history was made with"):
        verify(NAME, "2")
    evidence().unlink()
    with pytest.raises(UserError, match=r"evidence\.npz is gone"):
        verify(NAME, "2")


def test_predictions_that_do_not_belong_to_the_labels_are_one_line(life, tmp_path):
    with np.load(evidence()) as kept:
        columns = {name: kept[name] for name in kept.files}
    columns["challenger.half"] = columns["challenger.half"] + 100
    np.savez(tmp_path / "other.npz", **columns)
    with pytest.raises(CheckFailed, match="challenger: an event of a half or class that is not there"):
        read_evidence(tmp_path / "other.npz")
    (tmp_path / "none.npz").write_bytes(b"nothing")
    with pytest.raises(CheckFailed, match="is no evidence of a decision"):
        read_evidence(tmp_path / "none.npz")


def test_a_first_champion_has_no_question_to_verify(shop):
    register_stage([shop.model("good")], shop.evaluation, shop.features, OUT, PARAMS, validation=shop.validation)
    with pytest.raises(UserError, match="no question was asked about it"):
        verify(NAME, "1")


def test_the_gate_explains_what_its_games_have_borne(life, capsys):
    found = standing(life, PARAMS.register)
    assert (found.games, found.level.questions, found.level.promotions) == (22, 2, 1)
    told = as_lines(found, explain=True)
    assert "rmsnet: 2 questions so far, 1 promotion; 22 gate games" in told
    assert "fresh games more" in told
    assert "refused" in told
    assert cli.main(["registry", "gate", "--features", str(life), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["asked"][0]["answer"] == "passed"


def test_it_shows_what_challengers_found_that_answered_along_and_asks_nothing_by_it(life):
    before = standing(life, PARAMS.register)
    assert "answered along" not in as_lines(before, explain=True)
    record_shadow(NAME, 2, f"{NAME}/1", {"halves": 40, "both": 61, "champion_alone": 5, "challenger_alone": 19})
    after = standing(life, PARAMS.register)
    told = as_lines(after, explain=True).splitlines()
    assert told[-3:] == [
        "events where challengers answered along; nothing is decided by them",
        "version  along with  halves  both  champion alone  challenger alone",
        "      2  rmsnet/1        40    61               5                19",
    ]
    assert replace(after, shadow=()) == before
    assert not differences(NAME)[1]


def test_before_the_first_question_nothing_is_known_of_what_can_be_seen(shop):
    found = standing(shop.features, PARAMS.register)
    assert found.level.value == pytest.approx(0.01, rel=0.02)
    assert "is known when a first question" in as_lines(found, explain=True)
