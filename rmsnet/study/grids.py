"""Which rows the paper's tables and figures have, and what each changes in the train section."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from rmsnet.evaluation.paper import TABLE_II, TABLE_III, TABLE_IV, TABLE_V, TABLE_VI
from rmsnet.params import STRONG

Pair = tuple[float | None, float | None]


@dataclass(frozen=True)
class Row:
    """One setting.

    Attributes:
        name: of the row.
        changes: of the train section.
        paper: the paper's validation and test Average-mAP in [0, 1], None where it gives no number.
        place: where on the horizontal axis, in a figure.
        spot: changes of the spot section.
        members: trainings that answer together.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    paper: Pair = (None, None)
    place: float | None = None
    spot: Mapping[str, Any] = field(default_factory=dict)
    members: int = 1


@dataclass(frozen=True)
class Study:
    """A table or figure of the paper, or one beyond it.

    Attributes:
        name: as the command names it.
        title: what it shows, and where the paper shows it.
        rows: the settings.
        figure: how it is drawn: Average-mAP of each row as a "bar" or over `Row.place` as a "line", the classes' AP
            or the rows' mAP over the tolerances, or the votes for single events.
        axis: what `Row.place` is.
        quoted: others' numbers: name, validation, test.
        remark: what the paper says in words or in a plot without numbers.
        compared: with which row each is compared seed by seed: the "next" one, or the "first".
    """

    name: str
    title: str
    rows: tuple[Row, ...]
    figure: Literal["bar", "line", "classes", "tolerances", "votes"] = "bar"
    axis: str = ""
    quoted: tuple[tuple[str, float | None, float | None], ...] = ()
    remark: str = ""
    compared: Literal["", "next", "first"] = ""


BOARD = "board"
"""The study whose rows stand beside what others have published (`board.py`)."""

FULL = Row("full", paper=TABLE_III["full"])
NO_MASKING = Row("no-masking", {"masking_probability": 0.0}, TABLE_III["no-masking"])
NO_REGRESSION = Row("no-regression", {"regression": False}, TABLE_III["no-regression"])
NO_UNIFORM_OFFSETS = Row(
    "no-uniform-offsets", {"uniform_offsets": False, "regression": False}, TABLE_III["no-uniform-offsets"]
)


def _masking_rows(table: Mapping[tuple[float, float], tuple[float, float]], side: str) -> tuple[Row, ...]:
    return tuple(
        Row(
            f"p = {_fraction(p)}, q = {q:g}",
            {"masking_probability": p, "masking_max_offset": q, "masking_side": side},
            paper,
        )
        for (p, q), paper in table.items()
    )


def _fraction(p: float) -> str:
    return "1" if p == 1 else f"1/{round(1 / p)}"


def _weight_row(weight: float) -> Row:
    return Row(
        f"λ = {weight:g}", {"regression_weight": weight}, TABLE_III["full"] if weight == 10 else (None, None), weight
    )


def _backbone_row(backbone: str, name: str) -> Row:
    """Paper, IV-E: 24 clips in a batch, a rate of 0.025, everything else as with features."""
    changes = {"backbone": backbone, "batch_size": 24, "learning_rate": 0.025}
    return Row(name, changes, TABLE_VI[backbone])


def _length_row(seconds: int) -> Row:
    """A clip of so many seconds at 2 frames a second: an odd number of frames, 41 for 20 s as in the paper."""
    return Row(
        f"{seconds} s", {"clip_frames": 2 * seconds + 1}, TABLE_III["full"] if seconds == 20 else (None, None), seconds
    )


HARD, SOFT = {"suppression": "hard"}, {"suppression": "soft"}
VOTES = {"stride": 1, "votes": True}
MEMBERS = 3

STRONG_ROW = Row("preset strong", STRONG["train"], spot=STRONG["spot"])

OPTIONS = (
    Row("paper"),
    Row("all classes of a clip", spot={"all_classes": True}),
    Row("spread confidences", spot={"spread": True}),
    Row("hard suppression", spot=HARD),
    Row("soft suppression", spot=SOFT),
    Row("stride 1, hard suppression", spot={"stride": 1, **HARD}),
    Row("stride 1, hard suppression in 20 s", spot={"stride": 1, **HARD, "suppression_seconds": 20.0}),
    Row("stride 1, soft suppression", spot={"stride": 1, **SOFT}),
    Row("stride 1, votes", spot=VOTES),
    Row("stride 1, votes, spread confidences", spot={**VOTES, "spread": True}),
    Row("stride 1, votes, hard suppression", spot={**VOTES, **HARD}),
    Row("averaged weights, 0.99", {"average_decay": 0.99}),
    Row("averaged weights, 0.999", {"average_decay": 0.999}),
    Row(f"{MEMBERS} models", members=MEMBERS),
    STRONG_ROW,
    Row(f"{MEMBERS} models, strong decoding", spot=STRONG["spot"], members=MEMBERS),
)


STUDIES: Mapping[str, Study] = {
    study.name: study
    for study in (
        Study("table2", "Comparison with other approaches (paper, Table II)", (FULL,), quoted=TABLE_II),
        Study(
            "table3",
            "Removing key components (paper, Table III)",
            (FULL, NO_MASKING, NO_REGRESSION, NO_UNIFORM_OFFSETS),
            compared="next",
        ),
        Study("table4", "Masking frames before the event (paper, Table IV)", _masking_rows(TABLE_IV, "before")),
        Study("table5", "Masking frames after the event (paper, Table V)", _masking_rows(TABLE_V, "after")),
        Study(
            "table6",
            "Backbones fine-tuned with the network (paper, Table VI); needs a bank of frames",
            tuple(
                _backbone_row(backbone, name)
                for backbone, name in (
                    ("resnet18", "ResNet-18"),
                    ("resnet50", "ResNet-50"),
                    ("resnet152", "ResNet-152"),
                )
            ),
        ),
        Study(
            "figure4",
            "Average precision of each class by tolerance (paper, Fig. 4)",
            (FULL,),
            figure="classes",
            remark="Goals are best and are placed best, substitutions about 5 points below at large tolerances, "
            "cards are hardest.",
        ),
        Study(
            "figure5",
            "mAP by tolerance with and without the regression branch (paper, Fig. 5)",
            (FULL, NO_REGRESSION),
            figure="tolerances",
            remark="Similar at large tolerances; below the clip's length the model without regression drops abruptly.",
        ),
        Study(
            "figure6",
            "Weight of the regression loss (paper, Fig. 6)",
            tuple(_weight_row(weight) for weight in (0.0, 1.0, 5.0, 10.0, 20.0, 50.0, 100.0)),
            figure="line",
            axis="λ",
            remark="λ = 0 takes the offset of the untrained branch; λ = 1 is more than 10 points better, λ = 10 "
            "is best, above it the score falls.",
        ),
        Study(
            "figure7",
            "Votes of dense clips for a goal, a substitution and a card (paper, Fig. 7)",
            (FULL,),
            figure="votes",
            remark="The frame with the most votes is close to the annotated one, usually within 10 frames.",
        ),
        Study(
            "clip-length",
            "Length of a clip (paper, IV-C)",
            tuple(_length_row(seconds) for seconds in (5, 10, 15, 20, 30, 40, 60)),
            figure="line",
            axis="clip length (s)",
            remark="20 s is best.",
        ),
        Study("options", "What the paper leaves out, each against the paper's way", OPTIONS, compared="first"),
        Study(BOARD, "Published results beside ours", (Row("the paper's way"), STRONG_ROW)),
    )
}
