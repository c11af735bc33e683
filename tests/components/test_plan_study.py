"""The component that says which trainings a table needs."""

import pytest

from components.plan_study.component import plan_study
from rmsnet.params import params_from
from rmsnet.study.grids import STUDIES
from tests.components.conftest import PARAMS


@pytest.mark.parametrize("name", STUDIES)
def test_each_row_and_seed_is_a_variant_of_its_own_parameters(name: str) -> None:
    """Ensembles are left out: no training needs another."""
    rows = [row for row in STUDIES[name].rows if row.members == 1]
    planned = plan_study.python_func(name, 2, PARAMS)
    assert [item["variant"] for item in planned] == [row.name for row in rows for _ in range(2)]
    for number, item in enumerate(planned):
        row, params = rows[number // 2], params_from(item["params"], "params")
        train = params.variant(item["variant"])
        assert (train.seed, train.epochs) == (number % 2, PARAMS["train"]["epochs"])
        assert {key: getattr(train, key) for key in row.changes} == row.changes
        assert {key: getattr(params.spot, key) for key in row.spot} == row.spot


def test_without_a_study_the_rows_are_the_parameters_variants() -> None:
    assert [item["variant"] for item in plan_study.python_func("", 1, PARAMS)] == list(PARAMS["variants"])


@pytest.mark.parametrize(
    ("study", "seeds", "params", "complaint"),
    [
        ("table9", 1, {}, "plan_study: study table9: there is none; known: table2"),
        ("", 1, {}, "variants: the parameters have none"),
        ("table3", 0, {}, "seeds 0: at least one"),
        ("", 1, {"variants": {"x": {"epoch": 1}}}, "variants.x: epoch: unknown key"),
    ],
)
def test_what_cannot_be_planned_is_one_line_and_exit_status_2(study, seeds, params, complaint, capsys) -> None:
    with pytest.raises(SystemExit) as refusal:
        plan_study.python_func(study, seeds, params)
    assert refusal.value.code == 2
    assert complaint in capsys.readouterr().err


def test_through_the_local_runner(ablated) -> None:
    assert ablated.log["plan-study"] == ["full, seed 0", "no-regression, seed 0"]
