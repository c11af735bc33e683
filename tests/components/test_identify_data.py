"""The component that says what a source holds now."""

from pathlib import Path

import pytest

from components.data import BY
from components.identify_data.body import body
from rmsnet.dataset.fingerprints import fingerprint
from tests.components.conftest import PARAMS


def test_the_fingerprint_and_what_the_others_depend_on(dataset: Path) -> None:
    found, minimum_games, extract, train = body(str(dataset), "", {**PARAMS, "data": {"classes": "v1"}})
    assert found.partition(BY)[0] == fingerprint(str(dataset))
    assert minimum_games == 20
    assert extract == {"data": {"classes": "v1"}}
    assert train == {key: PARAMS[key] for key in ("train", "variants", "evaluate")}


def test_another_gate_is_no_other_training(dataset: Path) -> None:
    one, other = (body(str(dataset), "", {**PARAMS, "register": {"floor": floor}}) for floor in (0.1, 0.2))
    assert one == other


@pytest.mark.parametrize(
    ("source", "params", "complaint"),
    [
        ("absent", {}, "identify_data: bad input: absent: no such folder; is the data's volume mounted?"),
        (".", {"train": {"epoch": 3}}, "identify_data: bad input: params: train.epoch: unknown key"),
    ],
)
def test_bad_input_is_one_line_and_exit_status_2(source: str, params: dict, complaint: str, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        body(source, "", params)
    assert refusal.value.code == 2
    assert capsys.readouterr().err.startswith(complaint)


def test_through_the_local_runner(ran, dataset: Path) -> None:
    assert fingerprint(str(dataset)) in ran.log["identify-data"][0]
