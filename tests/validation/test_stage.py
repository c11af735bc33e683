import json
import re
import shutil

import numpy as np
import pytest

from rmsnet import cli
from rmsnet.errors import CheckFailed, UserError
from rmsnet.validation import validate
from rmsnet.validation.checks import Check
from rmsnet.validation.stage import judge, summarize
from tests.validation.datasets import FEATURES, GAMES, feature_file, make_dataset

GAME = GAMES["train"][0]


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    return make_dataset(tmp_path_factory.mktemp("good") / "data")


@pytest.fixture
def dataset(good, tmp_path):
    """A copy that a test may spoil."""
    shutil.copytree(good, tmp_path / "data")
    return tmp_path / "data"


def failures(checks) -> dict[str, str]:
    return {check.expectation: check.severity for check in checks if check.status != "passed"}


def test_good_data_pass_without_a_warning_and_leave_a_report(good, tmp_path):
    found = validate(good, tmp_path / "report", features=FEATURES)
    assert failures(found.checks) == {}
    assert found.verdict == "passed"
    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "report.html",
        "report.md",
        "validation.json",
    ]


def test_bad_data_end_with_status_1_and_the_report_names_the_rows(dataset, tmp_path, capsys):
    broken = np.load(feature_file(dataset, GAME))
    broken[7, 3] = np.nan
    np.save(feature_file(dataset, GAME), broken)
    out = tmp_path / "report"
    assert cli.main(["validate", str(dataset), "--out", str(out), "--set", f"extract.features={FEATURES}"]) == 1
    error = capsys.readouterr().err
    assert "1 critical" in error
    assert "report.html" in error
    assert error.count("\n") == 1
    report = json.loads((out / "validation.json").read_text())
    assert report["verdict"] == "failed"
    (failed,) = [check for check in report["checks"] if check["status"] == "failed"]
    assert failed["expectation"] == "no NaN, no infinity"
    assert failed["rows"] == [{"game": GAME, "half": 1, "not_finite_rows": 1}]
    for name in ("report.md", "report.html"):
        assert GAME in (out / name).read_text()


def test_without_a_dataset_nothing_is_judged_and_nothing_written(tmp_path):
    with pytest.raises(UserError, match="no such dataset"):
        validate(tmp_path / "nowhere", tmp_path / "report")
    assert not list(tmp_path.iterdir())


def test_the_same_data_give_the_same_bytes(good, tmp_path):
    for name in ("one", "two"):
        validate(good, tmp_path / name, features=FEATURES)
    for name in ("validation.json", "report.md", "report.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_page_loads_nothing_from_anywhere(good, tmp_path):
    validate(good, tmp_path / "report", features=FEATURES)
    text = (tmp_path / "report" / "report.html").read_text()
    assert not re.findall(r"""(?:src|href)=["'](?!data:)|https?://|@import|url\(""", text)


def check(severity, status):
    return Check("events", "x", severity, status, 1, 1, ())


@pytest.mark.parametrize(
    ("checks", "verdict"),
    [
        ([("critical", "passed"), ("warning", "passed")], "passed"),
        ([("critical", "passed"), ("warning", "failed")], "passed with warnings"),
        ([("critical", "failed"), ("critical", "broken")], "failed"),
        ([("warning", "broken"), ("warning", "failed")], "undecided"),
    ],
)
def test_the_verdict_of_checks(checks, verdict):
    assert judge([check(*item) for item in checks]) == verdict
    assert summarize(verdict, [check(*item) for item in checks]).startswith(verdict)


def test_a_broken_check_is_told_apart_from_bad_data(good, tmp_path, monkeypatch):
    import great_expectations.expectations as gxe

    from rmsnet.validation import suites

    def with_a_mistake(classes, drift_limit):
        made = real(classes, drift_limit)
        made["events"].append(
            gxe.ExpectColumnValuesToBeBetween(column="no such column", max_value=0, severity="warning", notes="typo")
        )
        return made

    real = suites.suites
    monkeypatch.setattr(suites, "suites", with_a_mistake)
    with pytest.raises(CheckFailed, match=r"undecided: .* 1 could not be run, which says nothing about the data"):
        validate(good, tmp_path / "report", features=FEATURES)
    report = json.loads((tmp_path / "report" / "validation.json").read_text())
    (broken,) = [item for item in report["checks"] if item["status"] != "passed"]
    assert broken["status"] == "broken"
    assert "no such column" in broken["error"]
    assert "check broken" in (tmp_path / "report" / "report.html").read_text()
