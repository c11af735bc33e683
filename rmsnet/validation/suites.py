"""What is expected of each table: the suites of Great Expectations.

A *critical* expectation that is not met stops the pipeline; a *warning* is reported. Every expectation says in `notes`
what it means in words. An empty table and a column of nothing but nulls meet any `…ToBeBetween`, so that tables that
must have rows, and columns that must have values, are expected to.
"""

from typing import TYPE_CHECKING

from rmsnet.dataset.labels import HALVES, LABELS
from rmsnet.validation.annotations import GOOD

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


def suites(classes: str, drift_limit: float | None, from_videos: bool = False) -> "dict[str, list[Expectation]]":
    """The expectations of each table.

    Args:
        classes: "v1" or "v2".
        drift_limit: of the training profile; None where there is no profile.
        from_videos: the features are still to be made from the videos, so that every half must have one.
    """
    import great_expectations.expectations as gxe

    critical, warning = {"severity": "critical"}, {"severity": "warning"}
    return {
        "games": [
            gxe.ExpectTableRowCountToBeBetween(min_value=1, **critical, notes="the split lists name games"),
            gxe.ExpectColumnValuesToBeUnique(column="game", **critical, notes="a game is in one split, and once"),
            gxe.ExpectColumnValuesToBeInSet(
                column="folder", value_set=[GOOD], **critical, notes="every listed game has its folder in the dataset"
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="labels", value_set=[GOOD], **critical, notes="every game has one readable label file"
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="late_share",
                max_value=LATE_SHARE,
                **critical,
                notes=f"at most {LATE_SHARE:.0%} of a game's events are after the end of its halves",
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="name", value_set=[GOOD], **warning, notes="games are named as SoccerNet names them"
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="extra_time", value_set=[GOOD], **warning, notes="no events of extra time"
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="unexpected_files", value_set=[GOOD], **warning, notes="a game's folder holds known files only"
            ),
        ],
        "halves": [
            gxe.ExpectTableRowCountToBeBetween(min_value=1, **critical, notes="there are halves"),
            gxe.ExpectColumnValuesToBeBetween(
                column="rate_against_video",
                min_value=1 - FRAME_RATE_DEVIATION,
                max_value=1 + FRAME_RATE_DEVIATION,
                **critical,
                notes="features have the frame rate that their name promises, by the length of the video",
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="video_gap_seconds",
                max_value=LENGTH_GAP_SECONDS,
                **warning,
                notes=f"features and video are equally long, to {LENGTH_GAP_SECONDS:g} s",
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="other_gap_seconds",
                max_value=LENGTH_GAP_SECONDS,
                **warning,
                notes=f"all feature files of a half are equally long, to {LENGTH_GAP_SECONDS:g} s",
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="minutes_against_median",
                min_value=MINUTES_AGAINST_MEDIAN[0],
                max_value=MINUTES_AGAINST_MEDIAN[1],
                **warning,
                notes="halves are about as long as the other halves (0.8 to 1.4 of their median)",
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="video", value_set=[GOOD], **critical, notes="both halves have a readable video"
            )
            if from_videos
            else gxe.ExpectColumnValuesToBeInSet(
                column="video", value_set=[GOOD, "absent"], **warning, notes="videos that are there can be read"
            ),
        ],
        "features": [
            *(
                []
                if from_videos
                else [gxe.ExpectTableRowCountToBeBetween(min_value=1, **critical, notes="there are feature files")]
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="problem", value_set=[GOOD], **critical, notes="both halves have a readable feature file"
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="wrong_width", min_value=0, max_value=0, **critical, notes="features have the width they should"
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="not_finite", value_set=[GOOD], **critical, notes="no NaN, no infinity"
            ),
            gxe.ExpectColumnValuesToBeUnique(column="content", **critical, notes="no two files with the same content"),
            gxe.ExpectColumnValuesToBeBetween(
                column="repeated_share",
                max_value=REPEATED_SHARE,
                **critical,
                notes=f"at most {REPEATED_SHARE:.0%} of the frames equal the frame before them",
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="longest_still_seconds",
                max_value=STILL_SECONDS,
                **warning,
                notes=f"no picture stands still for more than {STILL_SECONDS:g} s",
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="constant_rows", max_value=0, **warning, notes="no frame whose features are all the same number"
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="dtype", value_set=["float32"], **warning, notes="features are float32"
            ),
            *(
                []
                if drift_limit is None
                else [
                    gxe.ExpectColumnValuesToBeBetween(
                        column="drift",
                        max_value=drift_limit,
                        **warning,
                        notes=f"features look like those of the training halves: distance at most {drift_limit:.3f}",
                    )
                ]
            ),
        ],
        "events": [
            gxe.ExpectTableRowCountToBeBetween(min_value=1, **critical, notes="there are events"),
            gxe.ExpectColumnValuesToBeInSet(
                column="problem", value_set=[GOOD], **critical, notes="every annotation has a label and a time"
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="label",
                value_set=sorted(LABELS[classes]),
                **critical,
                notes=f"labels are those of SoccerNet {classes}",
            ),
            gxe.ExpectColumnValuesToNotBeNull(
                column="seconds", **critical, notes="times can be read: 'half - minutes:seconds'"
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="half", value_set=list(HALVES), **critical, notes="events are in half 1 or 2"
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="seconds_past_end", max_value=0, **warning, notes="events are before the end of their half"
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="repeats", max_value=0, **warning, notes="no event is annotated twice: same second, same label"
            ),
            gxe.ExpectColumnValuesToBeBetween(
                column="half_time",
                max_value=0,
                **warning,
                notes="no substitution at second 0 of the second half: nothing shows it, training drops it",
            ),
            gxe.ExpectColumnValuesToBeInSet(
                column="time_form", value_set=[GOOD], **warning, notes="minutes and seconds have two digits"
            ),
            *(
                []
                if classes == "v1"
                else [
                    gxe.ExpectColumnValuesToBeInSet(
                        column="position", value_set=[GOOD], **critical, notes="positions are milliseconds in the half"
                    ),
                    gxe.ExpectColumnValuesToBeBetween(
                        column="position_gap_seconds", max_value=0, **warning, notes="position and gameTime agree"
                    ),
                    gxe.ExpectColumnValuesToBeInSet(
                        column="visibility",
                        value_set=["visible", "not shown"],
                        **warning,
                        notes="events are visible or not shown",
                    ),
                ]
            ),
        ],
        "classes": [
            gxe.ExpectColumnValuesToBeBetween(
                column="labelled_events", min_value=1, **warning, notes="every class has events in every split"
            ),
        ],
    }
