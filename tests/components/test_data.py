"""The data of a source: with credentials of their own, and refused when they change under somebody's hands."""

import os
from pathlib import Path

import pytest

from components.data import BY, GIT_TOKEN, PREFIX, dataset, identified
from rmsnet.errors import CheckFailed, UserError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    root = tmp_path / "data"
    root.mkdir()
    (root / "file").write_text("one")
    return root


def test_data_that_change_while_a_component_works_on_them_are_refused(folder: Path) -> None:
    found = identified(str(folder), "")
    with pytest.raises(CheckFailed, match="changed while it was used"), dataset(str(folder), "", found):
        (folder / "file").write_text("two")


def test_data_that_have_changed_since_they_were_identified_are_refused(folder: Path) -> None:
    found = identified(str(folder), "")
    (folder / "file").write_text("two")
    with pytest.raises(CheckFailed, match="changed while it was used"), dataset(str(folder), "", found):
        pass


def test_what_other_code_has_made_of_the_same_data_is_not_taken(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image under the same name, with another content."""
    found = identified(str(folder), "")
    monkeypatch.setattr("rmsnet.provenance.code_commit", lambda: "another")
    other = identified(str(folder), "")
    assert other != found
    assert other.partition(BY)[0] == found.partition(BY)[0]
    with dataset(str(folder), "", found):  # the data are the same
        pass


def test_the_datas_keys_have_the_libraries_names_inside_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    monkeypatch.setenv(f"{PREFIX}AWS_ACCESS_KEY_ID", "the data's")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "the launcher's")
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setenv(f"{PREFIX}AWS_ENDPOINT_URL", "http://store")
    monkeypatch.setattr(
        "rmsnet.dataset.fingerprints.fingerprint",
        lambda *source: seen.append((os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_ENDPOINT_URL"])),
    )
    identified(str(folder), "")
    assert seen == [("the data's", "http://store")]
    assert os.environ["AWS_ACCESS_KEY_ID"] == "the launcher's"
    assert "AWS_ENDPOINT_URL" not in os.environ


def test_a_git_token_is_in_the_address_and_in_no_message(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, revision: str) -> str:
        assert source == "https://git:s%2Fecret@host/data.git#games"
        raise UserError(f"{source}: no access")

    monkeypatch.setenv(GIT_TOKEN, "s/ecret")
    monkeypatch.setattr("rmsnet.dataset.fingerprints.fingerprint", refuse)
    with pytest.raises(UserError) as refusal:
        identified("https://host/data.git#games", "v1")
    assert "ecret" not in str(refusal.value)
