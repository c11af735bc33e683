"""Features that are not two rows a second: every event at its own time (F01)."""

import json
from pathlib import Path

import numpy as np
import pytest

from rmsnet import cli
from rmsnet.documents import read_json
from rmsnet.features.bank import read_bank
from tests.field.league import GAMES, LABELS, write_game, write_league

SECONDS = 60


def league(root: Path, features: str, rate: float, width: int, seconds: int = SECONDS) -> Path:
    """Games whose halves have so many rows a second."""
    write_league(root)
    for names in GAMES.values():
        for number, name in enumerate(names):
            write_game(root / name, name, seed=number)
            for half in (1, 2):
                rows = np.random.default_rng([half, *name.encode()]).normal(size=(int(rate * seconds), width))
                np.save(root / name / f"{half}_{features}.npy", rows.astype(np.float32))
    return root


@pytest.mark.parametrize(
    ("features", "rate", "first", "width"),
    [
        ("baidu_soccer_embeddings", 1.0, 0.5, 8576),
        ("ResNET_5fps_TF2", 5.0, 0.2, 8),
        ("clip_12.5fps", 12.5, 0.08, 8),
        ("mine", 2.0, 0.5, 8),
    ],
)
def test_a_bank_has_the_rate_that_its_features_have(tmp_path, capsys, features, rate, first, width):
    data = league(tmp_path / "data", features, rate, width)
    command = ["extract", str(data), "--out", str(tmp_path / "banks"), "--set", f"extract.features={features}"]
    assert cli.main(command) == 0
    assert "past the end" not in capsys.readouterr().err
    bank = read_bank(tmp_path / "banks", "train")
    assert (bank.frame_rate, bank.first_frame_seconds) == (rate, first)
    (minute, second) = map(int, LABELS[1][0].split(" - ")[1].split(":"))
    frame = bank.frame_of(np.array([1000 * (60 * minute + second)]))[0]
    assert frame / rate + first == pytest.approx(60 * minute + second, abs=1 / rate)


def test_a_parameter_gives_features_of_no_known_rate_one(tmp_path, capsys):
    data = league(tmp_path / "data", "mine", 4.0, 8)
    command = ["extract", str(data), "--out", str(tmp_path / "banks"), "--set", "extract.features=mine"]
    assert cli.main([*command, "--set", "extract.frame_rate=4"]) == 0
    bank = read_bank(tmp_path / "banks", "train")
    assert (bank.frame_rate, bank.first_frame_seconds) == (4.0, 0.25)


def test_two_rates_that_disagree_are_refused(tmp_path, capsys):
    data = league(tmp_path / "data", "ResNET_5fps_TF2", 5.0, 8)
    command = ["extract", str(data), "--out", str(tmp_path / "banks"), "--set", "extract.features=ResNET_5fps_TF2"]
    assert cli.main([*command, "--set", "extract.frame_rate=2"]) == 2
    assert "ResNET_5fps_TF2 has 5 rows a second" in capsys.readouterr().err
    assert not (tmp_path / "banks").exists()


def test_halves_of_more_minutes_than_a_half_can_have_are_a_finding_alike_or_not(tmp_path, capsys):
    data = league(tmp_path / "data", "mine", 5.0, 8, seconds=45 * 60)
    command = ["validate", str(data), "--out", str(tmp_path / "report"), "--set", "extract.features=mine"]
    assert cli.main(command) == 1
    found = read_json(tmp_path / "report" / "validation.json")
    failed = [check for check in found["checks"] if check["status"] == "failed"]
    assert any("the rate of its features is right" in json.dumps(check) for check in failed)
