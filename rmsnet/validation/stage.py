"""The validate stage: a dataset becomes a verdict and a report."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.dataset.class_lists import classes_of
from rmsnet.dataset.soccernet import Dataset, list_dataset
from rmsnet.errors import CheckFailed
from rmsnet.features.profile import read_profile
from rmsnet.files import atomic_folder, require_replaceable
from rmsnet.locks import alone
from rmsnet.params import ExtractParams
from rmsnet.validation.verdict import Validation, sentence_of, verdict_of

if TYPE_CHECKING:
    from rmsnet.validation.checks import Check
    from rmsnet.validation.tables import Tables


@alone
def validate(
    root: Path,
    out: Path,
    params: ExtractParams | None = None,
    classes: str = "v1",
    *,
    profile: Path | None = None,
) -> Validation:
    """Check a dataset and write the report: validation.json, report.md, report.html.

    Args:
        root: dataset in SoccerNet's layout.
        out: folder of the report; it appears, or is replaced, when the report is whole.
        params: the extract section, which says what to check: the feature files, or the videos that they are to be
            made from; None: its defaults.
        classes: which labels to check: "v1" or "v2".
        profile: profile.json of a model, to hold the features against; by default the dataset's own training split.

    Raises:
        UserError: there is no dataset to be judged (see `list_dataset`), or no such profile, or `out` holds something
            else; nothing is written.
        CheckFailed: the data are bad, or a check could not be run; the report says which and is written.
    """
    params = ExtractParams() if params is None else params
    require_replaceable(out, "validation.json")
    dataset = list_dataset(root)
    reference = None if profile is None else read_profile(profile)

    from rmsnet.validation.report import write_report

    tables, limit, checks = examine(dataset, params, classes, reference)
    verdict = verdict_of(checks)
    validation = Validation(verdict, sentence_of(verdict, checks), checks)
    with atomic_folder(out) as folder:
        write_report(folder, dataset, validation, tables, params, classes, limit)
    if verdict in ("failed", "undecided"):
        raise CheckFailed(f"{root}: {validation.summary}; which rows: {out / 'report.html'}")
    return validation


def examine(
    dataset: Dataset, params: ExtractParams, classes: str, profile: Mapping[str, Any] | None = None
) -> "tuple[Tables, float | None, tuple[Check, ...]]":
    """The tables of a dataset, the largest distance that is not called drift, and what came of every check.

    Args:
        dataset: of `rmsnet.dataset.soccernet.list_dataset`.
        params: the extract section: which feature files, or which videos.
        classes: "v1" or "v2".
        profile: to hold the features against; None: that of the dataset's own training halves, if it has some.

    Raises:
        UserError: the profile is none, or one of other features.
    """
    from rmsnet.validation.checks import run_checks
    from rmsnet.validation.drift import training_profile, with_drift
    from rmsnet.validation.suites import ROWS_NAMED_BY, suites
    from rmsnet.validation.tables import read_tables

    listed = classes_of(dataset.description, classes)
    tables = read_tables(dataset, params, listed)
    reference = training_profile(tables) if profile is None else profile
    tables = with_drift(tables, reference)
    limit = None if reference is None else float(reference["drift"]["limit"])
    expected = suites(listed, dataset.halves, limit, from_videos=params.source != "features")
    if tables.classes.labelled_events.isna().all():  # nothing is labelled, nor has to be
        del expected["events"], expected["classes"]
    return tables, limit, tuple(run_checks(tables.by_name(), expected, ROWS_NAMED_BY))
