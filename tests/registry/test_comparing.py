"""`rmsnet compare A B`: evaluations and versions on the same games."""

import csv
import json

import pytest

from rmsnet import cli
from rmsnet.documents import read_json
from rmsnet.evaluation.comparison import COMPARISON_FILES
from rmsnet.files import write_json


def compare(shop, *arguments: str) -> int:
    places = ["--features", str(shop.features), "--bootstrap", "20", "--out", "compared"]
    return cli.main(["compare", *arguments, *places])


def test_two_evaluations_become_a_page_with_their_differences(shop, tmp_path, capsys):
    good, poor = (str(shop.evaluation / name) for name in ("good", "poor"))
    assert compare(shop, poor, good, "--json") == 0
    said = json.loads(capsys.readouterr().out)
    scores = [read_json(shop.evaluation / name / "valid" / "metrics.json")["average_map"] for name in ("poor", "good")]
    assert [said["results"][name]["average_map"] for name in ("poor", "good")] == scores
    assert said["differences"]["good"]["average_map"]["value"] == scores[1] - scores[0]
    folder = tmp_path / "compared"
    assert sorted(path.name for path in folder.iterdir()) == sorted(COMPARISON_FILES)
    page = (folder / "report.html").read_text()
    assert "Simulated games" in page
    assert 'href="' not in page.replace('href="data:,"', "")
    with (folder / "games.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    away = [abs(float(row["difference"])) for row in rows]
    assert len(rows) == 6
    assert away == sorted(away, reverse=True)


def test_a_version_is_judged_like_the_folder_it_came_from(shop, tmp_path, capsys):
    gate = ["--features", str(shop.features), "--validation", str(shop.validation), "--out", "out"]
    assert cli.main(["registry", "register", str(shop.model("good")), "--evaluation", str(shop.evaluation), *gate]) == 0
    assert compare(shop, str(shop.evaluation / "good"), "@champion") == 0
    (difference,) = read_json(tmp_path / "compared" / "comparison.json")["differences"].values()
    assert difference["average_map"]["value"] == 0
    assert "minus good" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("second", "says"),
    [("GOOD", "there is a good already"), ("nowhere/there", "no such folder"), ("STRANGE", "judged on another")],
)
def test_what_cannot_be_compared_is_refused_in_a_line(shop, tmp_path, capsys, second, says):
    good = str(shop.evaluation / "good")
    (tmp_path / "strange" / "valid" / "predictions").mkdir(parents=True)
    write_json(tmp_path / "strange" / "valid" / "metrics.json", {"average_map": 0.5, "dataset": "another"})
    assert compare(shop, good, {"GOOD": good, "STRANGE": "strange"}.get(second, second)) == 2
    said = capsys.readouterr().err
    assert says in said
    assert said.count("\n") == 1
    assert not (tmp_path / "compared").exists()
