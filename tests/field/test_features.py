"""Features with a NaN in them, infinities, numbers that float32 does not hold (F09)."""

import numpy as np
import pytest

from rmsnet import cli
from rmsnet.documents import read_json
from rmsnet.errors import UserError
from rmsnet.features.bank import read_bank
from rmsnet.files import write_json
from rmsnet.serving.requests import features_of
from tests.builders import bank, write_bank
from tests.field.league import GAMES, SET_FEATURES, everything, spoil, write_league
from tests.matches.builders import FEATURES, WIDTH, write_features, write_model

BAD = [(np.nan, "f4"), (np.inf, "f4"), (-np.inf, "f2"), (1e300, "f8"), (3.5e38, ">f8")]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_model(tmp_path_factory.mktemp("model") / "tiny")


def refused(capsys, *arguments) -> str:
    assert cli.main([str(argument) for argument in arguments]) == 2
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("rmsnet: ")]
    return line


@pytest.mark.parametrize(("value", "kind"), BAD)
def test_a_half_with_a_bad_row_is_not_spotted_and_nothing_is_left(model, tmp_path, capsys, value, kind):
    file = write_features(tmp_path / "half.npy")
    spoil(file, 77, value, kind)
    before = everything(tmp_path)
    said = refused(capsys, "spot", file, "--model", model, "--out", tmp_path / "out")
    assert f"{file}: row 77 holds NaN, infinity or a number beyond float32" in said
    assert everything(tmp_path) == before


def test_numbers_of_other_sizes_and_byte_orders_are_spotted_as_what_they_are(model, tmp_path, capsys):
    file = write_features(tmp_path / "half.npy")
    assert cli.main(["spot", str(file), "--model", str(model), "--out", str(tmp_path / "f4")]) == 0
    rows = np.load(file)
    for kind in ("f8", ">f4", ">f8"):
        np.save(tmp_path / "half.npy", np.asfortranarray(rows.astype(kind)))
        assert cli.main(["spot", str(file), "--model", str(model), "--out", str(tmp_path / kind)]) == 0
        assert (tmp_path / kind / "events.csv").read_bytes() == (tmp_path / "f4" / "events.csv").read_bytes()


def test_features_that_the_network_cannot_compute_with_are_not_answered_with_nan(model, tmp_path, capsys):
    file = write_features(tmp_path / "half.npy")
    np.save(file, np.full_like(np.load(file), 3e38))
    said = refused(capsys, "spot", file, "--model", model, "--out", tmp_path / "out")
    assert "half 1: the network gives no numbers for it" in said
    assert not (tmp_path / "out").exists()


def test_one_bad_game_of_a_dataset_is_named_and_nothing_of_it_is_left(model, tmp_path, capsys):
    data = write_league(tmp_path / "data")
    bad = data / GAMES["test"][0] / f"2_{FEATURES}.npy"
    spoil(bad, 5, np.nan)
    command = ("spot", data, "--model", model, "--out", tmp_path / "out")
    assert cli.main([str(argument) for argument in command]) == 1
    assert f"{bad}: row 5 holds NaN" in capsys.readouterr().err
    assert not (tmp_path / "out" / GAMES["test"][0]).exists()


@pytest.mark.parametrize(("value", "kind"), BAD)
def test_no_bank_is_made_of_it(tmp_path, capsys, value, kind):
    data = write_league(tmp_path / "data")
    bad = data / GAMES["valid"][0] / f"1_{FEATURES}.npy"
    spoil(bad, 9, value, kind)
    before = everything(tmp_path)
    assert f"{bad}: row 9 holds NaN" in refused(capsys, "extract", data, "--out", tmp_path / "features", *SET_FEATURES)
    assert everything(tmp_path) == before


@pytest.mark.parametrize(("value", "kind"), BAD)
def test_validation_names_the_file_and_the_first_bad_row(tmp_path, capsys, value, kind):
    data = write_league(tmp_path / "data")
    for row in (9, 30):
        spoil(data / GAMES["valid"][0] / f"1_{FEATURES}.npy", row, value, kind)
    assert cli.main(["validate", str(data), "--out", str(tmp_path / "report"), *SET_FEATURES]) == 1
    report = (tmp_path / "report" / "report.md").read_text()
    assert f"{GAMES['valid'][0]}, half 1, not_finite 2 rows with NaN, infinity or a number beyond float32" in report
    assert "the first: 9" in report


@pytest.mark.parametrize("split", ["train", "valid"])
@pytest.mark.parametrize("command", [("train", "--out", "models/full"), ("reproduce", "table3")])
def test_a_bank_that_holds_it_is_not_trained_on(tmp_path, monkeypatch, capsys, split, command):
    monkeypatch.chdir(tmp_path)
    for name in ("train", "valid", "test"):
        made = bank([100, 120], [(0, 50, 0), (0, 60, 1), (1, 70, 2)])
        if name == split:
            made.features[made.halves[1].first_frame + 11, 2] = np.nan
        write_bank(tmp_path / "features", name, made)
    before = everything(tmp_path)
    settings = ("--set", "train.clip_frames=9")
    said = refused(capsys, *command, "--features", "features", *settings)
    assert f"features/{split}.npy: league/season/game 0, half 2: row 11 holds NaN or infinity" in said
    assert everything(tmp_path) == before


def test_a_bank_that_holds_it_is_not_evaluated(model, tmp_path, capsys):
    for name in ("valid", "test"):
        made = bank([100, 120], [(0, 50, 0)])
        made.features[7 if name == "test" else slice(0), 2] = np.inf
        write_bank(tmp_path / "features", name, made)
    arguments = ("--model", model, "--features", tmp_path / "features", "--out", tmp_path / "evaluation")
    said = refused(capsys, "evaluate", *arguments)
    assert f"{tmp_path / 'features' / 'test.npy'}: league/season/game 0, half 1: row 7 holds NaN or infinity" in said
    assert not (tmp_path / "evaluation").exists()


def test_the_server_names_the_row(tmp_path):
    file = write_features(tmp_path / "half.npy")
    spoil(file, 12, np.inf)
    with pytest.raises(UserError, match="the body: row 12 holds NaN, infinity"):
        features_of(file.read_bytes(), WIDTH, 10_000)


def test_the_index_of_a_bank_cannot_lead_out_of_its_folder(tmp_path):
    """A bank from elsewhere whose game is "../x" would have its predictions written outside of --out."""
    write_bank(tmp_path, "valid", bank([50, 60]))
    index = read_json(tmp_path / "valid.json")
    index["halves"][0][0] = "../x"
    write_json(tmp_path / "valid.json", index)
    with pytest.raises(UserError, match=r"valid\.json: halves: '\.\./x', half 1: leads out of the dataset; run rmsnet"):
        read_bank(tmp_path, "valid")
