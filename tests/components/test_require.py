"""The component that ends a run."""

from pathlib import Path

import pytest
from kfp.dsl import Markdown

from components.require.component import require


@pytest.fixture
def verdict(artifacts) -> Markdown:
    made = artifacts(Markdown, "verdict")
    Path(made.path).write_text("# Not good\n")
    return made


def test_a_check_that_passed_goes_on(verdict, capsys) -> None:
    require.python_func(True, verdict)
    assert "# Not good" in capsys.readouterr().out


def test_a_check_that_did_not_pass_ends_with_status_1_and_its_reasons(verdict, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        require.python_func(False, verdict)
    assert refusal.value.code == 1
    printed = capsys.readouterr()
    assert "# Not good" in printed.out
    assert "require: the check did not pass" in printed.err


def test_through_the_local_runner(ran) -> None:
    assert ran.log["require"][0].startswith("# Validation of")
    assert any("@champion" in line for line in ran.log["require-2"])
