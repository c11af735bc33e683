"""Keys."""

import os

import pytest

from rmsnet import cli
from rmsnet.errors import UserError
from rmsnet.serving.access import Keys, is_loopback
from tests.serving.conftest import HALF, ask, ask_all, npy, running, server_of

KEY = "0123456789abcdef"
OTHER = "fedcba9876543210"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "keys"
    path.write_text(f"{KEY}\n")
    return path


def test_who_has_a_key_is_answered_and_probes_need_none(loaded_model, file):
    with running(server_of(loaded_model, keys=Keys(file))) as (url, _):
        assert ask(f"{url}/spot", npy(HALF), Authorization=f"Bearer {KEY}")[0] == 200
        for authorization in ("", f"Bearer {OTHER}", "Bearer ", f"Basic {KEY}", f"Bearer {KEY}x"):
            for path in ("/spot", "/invocations"):
                assert ask(f"{url}{path}", npy(HALF), Authorization=authorization)[0] == 401
        for path in ("/model", "/openapi.json", "/docs", "/nowhere"):
            status, _, headers = ask_all(f"{url}{path}")
            assert (status, headers["WWW-Authenticate"]) == (401, "Bearer")
        for path in ("/health", "/ping", "/ready", "/metrics"):
            assert ask_all(f"{url}{path}")[0] == 200


def test_keys_are_exchanged_without_a_restart(file):
    keys = Keys(file)
    for number, (text, known) in enumerate([(f"{KEY}\n{OTHER}\n", (1, 1)), (OTHER, (0, 1)), ("", (0, 1))]):
        file.write_text(text)
        os.utime(file, ns=(0, number))
        assert (keys.accept(f"Bearer {KEY}"), keys.accept(f"bearer {OTHER}")) == known
    file.unlink()
    assert keys.accept(f"Bearer {OTHER}")


@pytest.mark.parametrize("text", ["", "\n\n", "short", f"{KEY}\nshort\n", "ключ" * 10])
def test_a_file_without_a_good_key_is_refused(file, text):
    file.write_text(text)
    with pytest.raises(UserError, match=f"--api-key-file {file}: "):
        Keys(file)


def test_a_file_that_is_not_there_is_refused_in_one_line(tmp_path, capsys):
    assert cli.main(["serve", "nowhere", "--api-key-file", str(tmp_path / "none")]) == 2
    error = capsys.readouterr().err
    assert "cannot be read" in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("address", "local"), [("127.0.0.1", True), ("127.8.0.1", True), ("::1", True), ("0.0.0.0", False), ("::", False)]
)
def test_what_is_this_machine_alone(address, local):
    assert is_loopback(address) is local
