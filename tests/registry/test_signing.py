"""Versions signed with a key of one's own, and everything that is no signature of it."""

import shutil
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from rmsnet import cli, tracking
from rmsnet.errors import CheckFailed, UserError
from rmsnet.registry.signing import SIGNATURE_TAG, require_signed, sign
from rmsnet.serving.following import open_service
from rmsnet.serving.metrics import Metrics
from tests.builders import EXAMPLE, write_model
from tests.registry.conftest import write_keys

CHAMPION = "models:/rmsnet@champion"


@pytest.fixture(scope="module")
def finished_store(tmp_path_factory) -> Path:
    """Two versions, of which the first is signed and the champion; two pairs of keys."""
    folder = tmp_path_factory.mktemp("signed")
    ours = write_keys(folder, "ours")
    write_keys(folder, "others")
    write_keys(folder, "rsa", rsa.generate_private_key(65537, 2048))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{folder}/mlflow.db")
        for number in (1, 2):
            with tracking.tracked_run(f"seed {number}", (), {}) as run:
                model_id = run.log_model(write_model(folder / f"model-{number}", seed=number), EXAMPLE, {})
            tracking.create_version("rmsnet", model_id, run.run_id, {})
        tracking.set_alias("rmsnet", "champion", 1)
        sign("rmsnet", "1", ours)
    return folder


@pytest.fixture
def store(finished_store, tmp_path, monkeypatch) -> Path:
    """It, where a test may do with it what it likes."""
    shutil.copytree(finished_store, tmp_path / "store")
    monkeypatch.chdir(tmp_path / "store")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path / "store"


def check(key: Path, model: str = CHAMPION) -> None:
    require_signed(model, tracking.fetch_model(model), key)


def test_what_the_holder_of_the_key_has_signed_is_served_and_holds_after_it_was_used(store):
    tracking.predict_with_logged_model(tracking.versions("rmsnet")[1].model_id, EXAMPLE)  # leaves compiled code
    check(store / "ours.pub")
    assert open_service(CHAMPION, Metrics(), store / "ours.pub").current.version == 1


def test_a_version_that_nobody_has_signed_is_not_served_and_leaves_the_champion(store):
    service = open_service(CHAMPION, Metrics(), store / "ours.pub")
    tracking.set_alias("rmsnet", "champion", 2)
    service.look()
    assert service.current.version == 1
    assert "version 2: nobody has signed it" in str(service.trouble)


def test_a_signature_of_another_key_is_none_of_ours(store):
    with pytest.raises(
        CheckFailed, match=r"version 1: its signature does not hold by .*it was signed with another key$"
    ):
        check(store / "others.pub")


def test_a_file_that_was_changed_with_its_hash_breaks_the_signature_alone(store):
    """Whoever may write to the store writes files and tags alike."""
    from rmsnet.tracking.models import FILES_HASH_TAG, files_hash

    folder = tracking.fetch_model(CHAMPION)
    (folder / "requirements.txt").write_text("torch==0.0.1\n")
    tracking.tag_version("rmsnet", 1, {FILES_HASH_TAG: files_hash(folder)})
    with pytest.raises(CheckFailed, match=r"does not hold by .*requirements\.txt"):
        check(store / "ours.pub")


def test_a_file_more_breaks_it_too(store):
    folder = tracking.fetch_model(CHAMPION)
    (folder / "code" / "sitecustomize.py").write_text("")
    with pytest.raises(CheckFailed, match=r"sitecustomize\.py"):
        require_signed(CHAMPION, folder, store / "ours.pub")


def test_the_signature_of_another_version_is_no_signature(store):
    tracking.tag_version("rmsnet", 2, {SIGNATURE_TAG: tracking.versions("rmsnet")[1].tags[SIGNATURE_TAG]})
    with pytest.raises(CheckFailed, match="version 2: its signature does not hold"):
        check(store / "ours.pub", "models:/rmsnet/2")


def test_a_signature_that_is_lost_or_no_signature_says_so(store):
    (place,) = (store / "mlruns").rglob("model.sig")
    place.write_text("{}")
    with pytest.raises(CheckFailed, match="does not hold"):
        check(store / "ours.pub")
    place.unlink()
    with pytest.raises(UserError, match=r"its signature runs:/.* is gone; sign it again"):
        check(store / "ours.pub")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("missing.key", "missing.key: cannot be read (No such file or directory); name the PEM file of the key"),
        ("ours.pub", "ours.pub: is no key that signs models"),
        ("rsa.key", "rsa.key: is no key that signs models"),
    ],
)
def test_a_file_that_is_no_key_signs_nothing(store, capsys, key, said):
    assert cli.main(["registry", "sign", "2", "--key", key]) == 2
    told = capsys.readouterr().err
    assert said in told
    assert told.count("\n") == 1
    assert SIGNATURE_TAG not in tracking.versions("rmsnet")[0].tags


def test_the_command_signs_a_version_and_says_where(store, capsys):
    assert cli.main(["registry", "sign", "2", "--key", "others.key"]) == 0
    assert "rmsnet version 2: signed with others.key; runs:/" in capsys.readouterr().out
    check(store / "others.pub", "models:/rmsnet/2")


def test_a_served_folder_is_no_version_that_could_be_signed(store):
    from rmsnet.serving.model import load_served

    with pytest.raises(UserError, match="say which version"):
        load_served(str(tracking.fetch_model(CHAMPION)), store / "ours.pub")
