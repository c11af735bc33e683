"""Great Expectations over the tables: what was expected, and which rows broke it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.expectations.expectation import Expectation

Status = Literal["passed", "failed", "broken"]
Severity = Literal["critical", "warning"]


@dataclass(frozen=True)
class Check:
    """An expectation and what came of it.

    Attributes:
        table: which table it is about.
        expectation: what is expected, in words.
        severity: "critical" stops the pipeline, "warning" does not.
        status: "broken" is no judgement on the data: the check itself could not be run.
        rows_checked: rows of the table that have a value to be checked.
        rows_failed: how many of them broke it.
        rows: those, by the columns that name them and the value that broke it; at most MOST_ROWS.
        error: why the check is broken, "" when it is not.
    """

    table: str
    expectation: str
    severity: Severity
    status: Status
    rows_checked: int
    rows_failed: int
    rows: tuple[Mapping[str, Any], ...]
    error: str = ""


MOST_ROWS = 1000


def run_checks(
    tables: "Mapping[str, pd.DataFrame]",
    suites: "Mapping[str, Sequence[Expectation]]",
    rows_named_by: Mapping[str, Sequence[str]],
) -> list[Check]:
    """Hold each table against its suite, in the order of the suites.

    Args:
        tables: by name.
        suites: expectations of each table.
        rows_named_by: columns that name a row of each table.
    """
    import great_expectations as gx

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False}
    source = context.data_sources.add_pandas("dataset")
    checks = []
    for table, expectations in suites.items():
        batch = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("all")
        suite = gx.ExpectationSuite(
            name=table, expectations=[_numbered(item, number) for number, item in enumerate(expectations)]
        )
        definition = gx.ValidationDefinition(name=table, data=batch, suite=context.suites.add(suite))
        answer = definition.run(
            batch_parameters={"dataframe": tables[table]},
            result_format={
                "result_format": "COMPLETE",
                "unexpected_index_column_names": list(rows_named_by[table]),
            },
        )
        found = [
            _check(table, result.to_json_dict(), len(tables[table]), rows_named_by[table]) for result in answer.results
        ]
        checks += [check for _, check in sorted(found, key=lambda item: item[0])]
    return checks


def _numbered(expectation: "Expectation", number: int) -> "Expectation":
    """The results come back in an order of their own; the number restores that of the suite."""
    expectation.meta = {"number": number}
    return expectation


def _check(table: str, result: Mapping[str, Any], rows: int, named_by: Sequence[str]) -> tuple[int, Check]:
    config, details = result["expectation_config"], result["result"]
    error = _error(result["exception_info"])
    status: Status = "broken" if error else "passed" if result["success"] else "failed"
    failed = [_plain(row, named_by) for row in details.get("unexpected_index_list") or ()]
    if status == "failed" and not failed:
        failed = [{"rows": details.get("observed_value")}]
    check = Check(
        table,
        config["notes"],
        config["severity"],
        status,
        0 if error else rows - int(details.get("missing_count") or 0),
        0 if error else int(details.get("unexpected_count") or len(failed)),
        tuple(failed[:MOST_ROWS]),
        error,
    )
    return config["meta"]["number"], check


def _error(info: Mapping[str, Any]) -> str:
    """The message of an exception inside an expectation: the information is flat or by metric, as it happens."""
    for item in [info, *(value for value in info.values() if isinstance(value, dict))]:
        if item.get("raised_exception"):
            return " ".join(str(item.get("exception_message")).split())
    return ""


def _plain(row: Mapping[str, Any], named_by: Sequence[str]) -> dict[str, Any]:
    """A row as JSON can hold it: the columns that name it, then the value that broke the expectation."""
    order = [*named_by, *(key for key in row if key not in named_by)]
    return {key: _plain_value(row[key]) for key in order}


def _plain_value(value: Any) -> Any:
    if value is None or value != value:
        return None
    if hasattr(value, "item"):
        value = value.item()
    return round(value, 6) if isinstance(value, float) else value
