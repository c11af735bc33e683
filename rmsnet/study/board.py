"""The board: what others have published, each list beside what was measured here in the same way."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rmsnet.dataset.labels import CLASSES
from rmsnet.errors import UserError
from rmsnet.evaluation.assessment import NAMED_TOLERANCES
from rmsnet.features.bank import FrameBank
from rmsnet.files import write_json, write_text
from rmsnet.params import SpotParams
from rmsnet.study.published import Board
from rmsnet.study.report import markdown, ours
from rmsnet.study.scores import Bench, RowScores
from rmsnet.study.summary import Estimate, estimate
from rmsnet.style.page import page, section, table, tag
from rmsnet.style.tables import Row, as_csv
from rmsnet.style.words import marked, percent, with_ends

Measured = Mapping[str, Estimate]
"""By the name of a row of ours."""


def require_classes(bank: FrameBank) -> None:
    """Refuse classes of which nothing is published.

    Raises:
        UserError: they are neither SoccerNet's 3 nor its 17.
    """
    if bank.classes not in CLASSES.values():
        raise UserError(
            f"board: these frame banks have the classes {', '.join(bank.classes)}; published results are of "
            "SoccerNet's 3 or 17 (data.classes: v1 or v2)"
        )


def write_board(
    folder: Path, results: Sequence[RowScores], spot: Mapping[str, SpotParams], bench: Bench, boards: Sequence[Board]
) -> None:
    """Write table.md, table.csv, report.html and result.json.

    Args:
        folder: gets them.
        results: what was trained here.
        spot: the spot section of each, by its row's name.
        bench: where it was judged.
        boards: what is published.
    """
    bank = bench.banks["test"]
    measured = [_measured(board, results, spot, bench) for board in boards]
    parts = [
        (board.title, _rows(board, found, bank.simulated), _about(board, bank, len(results[0].seeds)), bool(found))
        for board, found in zip(boards, measured, strict=True)
    ]
    texts = [markdown(title, rows, notes, bank.simulated and here) for title, rows, notes, here in parts]
    write_text(folder / "table.md", "\n".join(texts))
    listed = [{"measured as": title, **row} for title, rows, _, _ in parts for row in rows]
    write_text(folder / "table.csv", as_csv(listed, list(dict.fromkeys(name for row in listed for name in row))))
    body = [
        section(title, table(rows), tag("ul", *(tag("li", note) for note in notes))) for title, rows, notes, _ in parts
    ]
    write_text(folder / "report.html", page("Published results beside ours", body, simulated=bank.simulated))
    write_json(folder / "result.json", _result(boards, measured, bank))


def _measured(
    board: Board, results: Sequence[RowScores], spot: Mapping[str, SpotParams], bench: Bench
) -> dict[str, Estimate]:
    """Ours, counted as the board's results were; nothing where the classes are others."""
    if bench.banks["test"].classes != CLASSES[board.classes]:
        return {}
    if board.protocol == "devkit":  # the bench's own
        score = {"loose": "average_map", "tight": "tight"}[board.tolerances]
        return {result.row.name: result.estimate("test", score) for result in results}
    tolerances = NAMED_TOLERANCES[board.tolerances]
    return {
        result.row.name: estimate(
            [bench.test_score(seed.folder, spot[result.row.name], tolerances, board.protocol) for seed in result.seeds]
        )
        for result in results
    }


def _rows(board: Board, measured: Measured, simulated: bool) -> list[Row]:
    here = {f"rmsnet, {name}, {ours(simulated)}": with_ends(found.mean, found.ends) for name, found in measured.items()}
    return [
        {
            "result": result.name,
            "reads": result.reads,
            "published": percent(result.average_map) or "-",
            **here,
            "source": result.source,
        }
        for result in board.results
    ]


def _about(board: Board, bank: FrameBank, seeds: int) -> list[str]:
    notes = [board.remark] if board.remark else []
    if bank.classes != CLASSES[board.classes]:
        return [*notes, f"Ours is missing: these frame banks have other classes (data.classes: {board.classes})."]
    games = len({half.game for half in bank.halves})
    dataset = marked(str(bank.info["dataset"]), bank.simulated)
    reads = bank.info["features"]
    named = reads.get("name", "features from video") if isinstance(reads, Mapping) else reads
    return [*notes, f"Ours: {dataset}, {named}, {games} test games, {seeds} seed{'' if seeds == 1 else 's'}."]


def _result(boards: Sequence[Board], measured: Sequence[Measured], bank: FrameBank) -> dict[str, Any]:
    return {
        "study": "board",
        "dataset": str(bank.info["dataset"]),
        "simulated": bank.simulated,
        "boards": [
            {**asdict(board), "title": board.title, "measured": {name: asdict(one) for name, one in found.items()}}
            for board, found in zip(boards, measured, strict=True)
        ],
    }
