"""The component that says how the trainings of a table are spread."""

import pytest

from components.plan_study.body import body
from rmsnet.params import params_from
from rmsnet.study.grids import STUDIES
from rmsnet.study.plan import plan
from tests.components.conftest import PARAMS


@pytest.mark.parametrize(
    ("pods", "parts"), [(1, ["1/1"]), (3, ["1/3", "2/3", "3/3"]), (9, ["1/4", "2/4", "3/4", "4/4"])]
)
def test_no_more_pods_than_trainings(pods: int, parts: list[str]) -> None:
    assert body("", 2, PARAMS, pods) == parts


@pytest.mark.parametrize("name", STUDIES)
def test_each_row_and_seed_is_a_variant_of_its_own_parameters(name: str) -> None:
    """Ensembles are left out: no training needs another."""
    rows = [row for row in STUDIES[name].rows if row.members == 1]
    planned = plan(name, params_from(PARAMS, "params"), 2)
    assert [item["variant"] for item in planned] == [row.name for row in rows for _ in range(2)]
    for number, item in enumerate(planned):
        row, params = rows[number // 2], params_from(item["params"], "params")
        train = params.variant(item["variant"])
        assert (train.seed, train.epochs) == (number % 2, PARAMS["train"]["epochs"])
        assert {key: getattr(train, key) for key in row.changes} == row.changes
        assert {key: getattr(params.spot, key) for key in row.spot} == row.spot


@pytest.mark.parametrize(
    ("study", "seeds", "params", "complaint"),
    [
        ("table9", 1, {}, "plan_study: bad input: study table9: there is none; known: table2"),
        ("", 1, {}, "variants: the parameters have none"),
        ("table3", 0, {}, "seeds 0: at least one"),
        ("", 1, {"variants": {"x": {"epoch": 1}}}, "variants.x: epoch: unknown key"),
    ],
)
def test_what_cannot_be_planned_is_one_line_and_exit_status_2(study, seeds, params, complaint, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        body(study, seeds, params, 1)
    assert refusal.value.code == 2
    assert complaint in capsys.readouterr().err


def test_through_the_local_runner(ablated) -> None:
    assert ablated.log["plan-study"] == ["full, seed 0", "no-regression, seed 0"]
