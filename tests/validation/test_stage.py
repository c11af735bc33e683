import errno
import os
import re

import numpy as np
import pytest

from rmsnet import cli
from rmsnet.documents import read_json
from rmsnet.errors import CheckFailed, UserError
from rmsnet.features.profile import feature_profile
from rmsnet.files import write_json
from rmsnet.validation import validate
from rmsnet.validation.checks import Check
from rmsnet.validation.verdict import sentence_of, verdict_of
from tests.validation.datasets import FEATURES, GAMES, PARAMS, feature_file

GAME = GAMES["train"][0]


def failures(checks) -> dict[str, str]:
    return {check.expectation: check.severity for check in checks if check.status != "passed"}


def test_good_data_pass_without_a_warning_and_leave_a_report(good, tmp_path):
    found = validate(good, tmp_path / "report", PARAMS)
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
    progress, error = capsys.readouterr().err.splitlines()
    assert progress.startswith("validate: 10 of 10 files")
    assert error.startswith(f"rmsnet: {dataset}: failed: 1 critical of ")
    assert error.endswith("report.html")
    report = read_json(out / "validation.json")
    assert report["verdict"] == "failed"
    (failed,) = [check for check in report["checks"] if check["status"] == "failed"]
    assert failed["expectation"] == "no NaN, no infinity"
    says = "1 row with NaN, infinity or a number beyond float32, the first: 7"
    assert failed["rows"] == [{"game": GAME, "half": 1, "not_finite": says}]
    for name in ("report.md", "report.html"):
        assert GAME in (out / name).read_text()


def test_without_a_dataset_nothing_is_judged_and_nothing_written(tmp_path):
    with pytest.raises(UserError, match="no such dataset"):
        validate(tmp_path / "nowhere", tmp_path / "report")
    assert not list(tmp_path.iterdir())


def test_the_same_data_give_the_same_bytes(good, tmp_path):
    for name in ("one", "two"):
        validate(good, tmp_path / name, PARAMS)
    for name in ("validation.json", "report.md", "report.html"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_the_page_loads_nothing_from_anywhere(good, tmp_path):
    validate(good, tmp_path / "report", PARAMS)
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
    assert verdict_of([check(*item) for item in checks]) == verdict
    assert sentence_of(verdict, [check(*item) for item in checks]).startswith(verdict)


def test_a_broken_check_is_told_apart_from_bad_data(good, tmp_path, monkeypatch):
    import great_expectations.expectations as gxe

    from rmsnet.validation import suites

    def with_a_mistake(*arguments, **named):
        made = real(*arguments, **named)
        made["events"].append(
            gxe.ExpectColumnValuesToBeBetween(column="no such column", max_value=0, severity="warning", notes="typo")
        )
        return made

    real = suites.suites
    monkeypatch.setattr(suites, "suites", with_a_mistake)
    with pytest.raises(CheckFailed, match=r"undecided: .* 1 could not be run, which says nothing about the data"):
        validate(good, tmp_path / "report", PARAMS)
    report = read_json(tmp_path / "report" / "validation.json")
    (broken,) = [item for item in report["checks"] if item["status"] != "passed"]
    assert broken["status"] == "broken"
    assert "no such column" in broken["error"]
    assert "check broken" in (tmp_path / "report" / "report.html").read_text()


def test_names_that_are_code_or_no_text_do_no_harm(dataset, tmp_path):
    """A game's name may hold HTML, Markdown or controls, a file's bytes that are not UTF-8; the report shows them."""
    names = ["<script>alert(1)</script>", "| a | `b` *c*", "two\nlines"]
    write_json(dataset / "SoccerNetGamesTest.json", [*GAMES["test"], *names])
    (dataset / GAME / "not utf-8: \udcff").touch()
    with pytest.raises(CheckFailed):
        validate(dataset, tmp_path / "report", PARAMS)
    page = (tmp_path / "report" / "report.html").read_text()
    assert "<script>" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "not utf-8: \\udcff" in page
    assert "two\\nlines" in page
    assert "    split test, game | a | `b` *c*" in (tmp_path / "report" / "report.md").read_text()


def test_a_full_disk_leaves_the_last_report_and_nothing_else(good, tmp_path, monkeypatch, capsys):
    out = tmp_path / "report"
    command = ["validate", str(good), "--out", str(out), "--set", f"extract.features={FEATURES}"]
    assert cli.main(command) == 0
    before = {path.name: path.read_bytes() for path in out.iterdir()}

    def full(path, text):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr("rmsnet.validation.report.write_text", full)
    assert cli.main(command) == 2
    assert "No space left on device" in capsys.readouterr().err.splitlines()[-1]
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    assert list(tmp_path.iterdir()) == [out]


def test_new_matches_are_held_against_the_profile_of_a_model(good, tmp_path, capsys):
    training = [np.load(feature_file(good, game, half)) for game in GAMES["train"] for half in (1, 2)]
    write_json(tmp_path / "profile.json", feature_profile(training))
    write_json(tmp_path / "other.json", feature_profile([5 + item for item in training]))
    command = ["validate", str(good), "--out", str(tmp_path / "report"), "--set", f"extract.features={FEATURES}"]
    assert cli.main([*command, "--profile", str(tmp_path / "profile.json")]) == 0
    assert "warning" not in capsys.readouterr().out.replace("no warnings", "")
    assert cli.main([*command, "--profile", str(tmp_path / "other.json")]) == 0
    assert "warning: 10 features break this: features look like" in capsys.readouterr().out
    (tmp_path / "profile.json").write_text("{}")
    assert cli.main([*command, "--profile", str(tmp_path / "profile.json")]) == 2
    assert "not a feature profile" in capsys.readouterr().err
