"""What is expected of each table: the suites of Great Expectations.

A *critical* expectation that is not met stops the pipeline; a *warning* is reported. Every expectation says in `notes`
what it means in words. An empty table and a column of nothing but nulls meet any `…ToBeBetween`, so that tables that
must have rows, and columns that must have values, are expected to.
"""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from rmsnet.dataset.class_lists import ClassList
from rmsnet.validation.annotations import GOOD
from rmsnet.validation.checks import Severity

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

ROWS_NAMED_BY = {
    "games": ("split", "game"),
    "halves": ("game", "half"),
    "features": ("game", "half"),
    "events": ("game", "number", "game_time", "label"),
    "classes": ("split", "class"),
}
"""The columns that name a row of each table in the report."""

# Half as long or twice as long as the others is another sport; a fifth is a download that stopped or extra time.
MINUTES_AGAINST_MEDIAN = (0.8, 1.4)

# A stretch of equal features is a still picture. A replay logo stays for a second or two.
STILL_SECONDS = 10.0
REPEATED_SHARE = 0.1

# Features and video of a half come from the same file: their lengths agree but for the last frame or two.
LENGTH_GAP_SECONDS = 2.0
FRAME_RATE_DEVIATION = 0.02

# SoccerNet has events behind the end of a half's features here and there; with this many, labels and features are not
# of the same game.
LATE_SHARE = 0.1


def suites(
    classes: ClassList, halves: Sequence[int], drift_limit: float | None, from_videos: bool = False
) -> "dict[str, list[Expectation]]":
    """The expectations of each table.

    Args:
        classes: what is spotted.
        halves: the periods of a match by number.
        drift_limit: of the training profile; None where there is no profile.
        from_videos: the features are still to be made from the videos, so that every half must have one.
    """
    late = f"at most {LATE_SHARE:.0%} of a game's events are after the end of its halves"
    rate = "features have the frame rate that their name promises, by the length of the video"
    rates = (1 - FRAME_RATE_DEVIATION, 1 + FRAME_RATE_DEVIATION)
    gap = f"equally long, to {LENGTH_GAP_SECONDS:g} s"
    median = "halves are about as long as the other halves (0.8 to 1.4 of their median)"
    longest = (
        "no half is longer than its recording can be (75 minutes for one of 45): the rate of its features is right"
    )
    still = f"no picture stands still for more than {STILL_SECONDS:g} s"
    repeated = f"at most {REPEATED_SHARE:.0%} of the frames equal the frame before them"
    half_time = "no substitution at second 0 of the second half: nothing shows it, training drops it"
    suites = {
        "games": [
            _rows("the split lists name games"),
            _unique("game", "critical", "a game is in one split, and once"),
            _in("folder", "critical", "every listed game has its folder in the dataset"),
            _in("labels", "critical", "every game has one readable label file"),
            _between("late_share", "critical", late, high=LATE_SHARE),
            _in("name", "warning", "games are named as SoccerNet names them"),
            _in("extra_time", "warning", "no events of extra time"),
            _in("unexpected_files", "warning", "a game's folder holds known files only"),
        ],
        "halves": [
            _rows("there are halves"),
            _between("rate_against_video", "critical", rate, *rates),
            _between("video_gap_seconds", "warning", f"features and video are {gap}", high=LENGTH_GAP_SECONDS),
            _between("other_gap_seconds", "warning", f"all feature files of a half are {gap}", high=LENGTH_GAP_SECONDS),
            _between("minutes_against_longest", "critical", longest, high=1),
            _between("minutes_against_median", "warning", median, *MINUTES_AGAINST_MEDIAN),
            _in("video", "critical", "both halves have a readable video")
            if from_videos
            else _in("video", "warning", "videos that are there can be read", [GOOD, "absent"]),
            _in("video_remarks", "warning", "nothing is odd about the videos: one clock, no damage"),
        ],
        "features": [
            *([] if from_videos else [_rows("there are feature files")]),
            _in("problem", "critical", "both halves have a readable feature file"),
            _between("wrong_width", "critical", "features have the width they should", 0, 0),
            _in("not_finite", "critical", "no NaN, no infinity"),
            _unique("content", "critical", "no two files with the same content"),
            _between("repeated_share", "critical", repeated, high=REPEATED_SHARE),
            _between("longest_still_seconds", "warning", still, high=STILL_SECONDS),
            _between("constant_rows", "warning", "no frame whose features are all the same number", high=0),
            _in("dtype", "warning", "features are float32", ["float32"]),
        ],
        "events": [
            _rows("there are events"),
            _in("problem", "critical", "every annotation has a label and a time"),
            _in(
                "label",
                "critical",
                f"labels are those of {'' if classes.entry else 'SoccerNet '}{classes.name}",
                sorted(classes.of_label),
            ),
            _expect(
                "ColumnValuesToNotBeNull", "critical", "times can be read: 'half - minutes:seconds'", column="seconds"
            ),
            _in("half", "critical", f"events are in half {' or '.join(map(str, halves))}", halves),
            _between("seconds_past_end", "warning", "events are before the end of their half", high=0),
            _between("repeats", "warning", "no event is annotated twice: same second, same label", high=0),
            _between("half_time", "warning", half_time, high=0),
            _in("time_form", "warning", "minutes and seconds have two digits"),
        ],
        "classes": [_between("labelled_events", "warning", "every class has events in every split", low=1)],
    }
    if drift_limit is not None:
        drift = f"features look like those of the training halves: distance at most {drift_limit:.3f}"
        suites["features"].append(_between("drift", "warning", drift, high=drift_limit))
    if classes.knows_visibility:
        suites["events"] += [
            _in("position", "critical", "positions are milliseconds in the half"),
            _between("position_gap_seconds", "warning", "position and gameTime agree", high=0),
            _in("visibility", "warning", "events are visible or not shown", ["visible", "not shown"]),
        ]
    return suites


def _expect(kind: str, severity: Severity, notes: str, **arguments: Any) -> "Expectation":
    """The expectation of Great Expectations of this kind, which says in `notes` what it means in words."""
    import great_expectations.expectations as gxe

    made: Expectation = getattr(gxe, f"Expect{kind}")(severity=severity, notes=notes, **arguments)
    return made


def _rows(notes: str) -> "Expectation":
    return _expect("TableRowCountToBeBetween", "critical", notes, min_value=1)


def _unique(column: str, severity: Severity, notes: str) -> "Expectation":
    return _expect("ColumnValuesToBeUnique", severity, notes, column=column)


def _in(column: str, severity: Severity, notes: str, values: Iterable[Any] = (GOOD,)) -> "Expectation":
    return _expect("ColumnValuesToBeInSet", severity, notes, column=column, value_set=list(values))


def _between(
    column: str, severity: Severity, notes: str, low: float | None = None, high: float | None = None
) -> "Expectation":
    return _expect("ColumnValuesToBeBetween", severity, notes, column=column, min_value=low, max_value=high)
