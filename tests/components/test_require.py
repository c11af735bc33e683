"""The component that ends a run."""

import pytest

from components.door import PASSED
from components.require.body import body


def test_what_passed_goes_on(capsys) -> None:
    body(PASSED)
    assert capsys.readouterr().err == ""


def test_an_objection_ends_with_status_1_and_stands_in_the_log(capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        body("version 2 does not replace @champion: above the floor")
    assert refusal.value.code == 1
    assert capsys.readouterr().err == (
        "require: check failed: version 2 does not replace @champion: above the floor; "
        "see the page of the task before this one\n"
    )


def test_through_the_local_runner(ran) -> None:
    assert "require" in ran.log
