"""What the gate's games have borne, how strict the next question is, and what it can still see."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from rmsnet.features.games import all_keys, game_keys
from rmsnet.params import RegisterParams
from rmsnet.registry.history import Change, all_histories
from rmsnet.registry.judging import gate_bank
from rmsnet.registry.levels import Level, Outlook, next_level, outlook
from rmsnet.registry.questions import past_decisions, question_of
from rmsnet.registry.shadowed import shadow_rows
from rmsnet.style.tables import Row, as_text
from rmsnet.style.words import chance, counted


@dataclass(frozen=True)
class Standing:
    """Where a line stands with the games of a gate.

    Attributes:
        line: registered model.
        split: whose games are told of.
        games: of it.
        level: of the next question.
        outlook: what that can see.
        control: what the budget bounds: "fdr" or "strict".
        error_rate: the budget.
        asked: a row for each question that counts.
        shadow: a row for each version that has answered along with another.
    """

    line: str
    split: str
    games: int
    level: Level
    outlook: Outlook
    control: str
    error_rate: float
    asked: tuple[Row, ...]
    shadow: tuple[Row, ...]


def standing(features: Path, params: RegisterParams) -> Standing:
    """Where the line of `params.model_name` stands with the gate's games of these frame banks; nothing is asked.

    Raises:
        UserError: no frame banks there.
    """
    split, bank = gate_bank(features)
    games, name, lines = all_keys(bank), params.model_name, all_histories(params.model_name)
    past = past_decisions(lines)
    count = len(game_keys(bank))
    seen = outlook(past, name, games, params, count)
    return Standing(
        name,
        split,
        count,
        next_level(past, name, games, params),
        seen,
        params.control,
        params.error_rate,
        tuple(_rows(lines, name, games)),
        tuple(shadow_rows(name)),
    )


def _rows(lines: Mapping[str, Sequence[Change]], name: str, games: frozenset[str]) -> list[Row]:
    rows, asked = [], set()
    for line, changes in lines.items():
        for change in changes:
            question = question_of(change)
            if question is None or (line, question.identity) in asked:
                continue
            if line != name and games.isdisjoint(question.games):
                continue
            asked.add((line, question.identity))
            row = {
                "when": change.when,
                "line": line,
                "question": question.number,
                "version": question.version,
                "against": question.champion,
                "difference": f"{100 * question.difference:+.2f}",
                "p": chance(question.p_value),
                "level": chance(question.level),
                "answer": "passed" if question.passed else "refused",
            }
            rows.append(row)
    return sorted(rows, key=lambda row: str(row["when"]))


def as_lines(found: Standing, explain: bool) -> str:
    """For a terminal.

    Args:
        found: by `standing`.
        explain: show every question too, and what challengers found that answered along.
    """
    level, seen = found.level, found.outlook
    elsewhere = f", {level.elsewhere} of them asked by other lines" if level.elsewhere else ""
    means = {"strict": "the chance of a single wrong promotion", "fdr": "the share of wrong promotions"}[found.control]
    lines = [
        f"{found.line}: {counted(level.questions, 'question')} so far{elsewhere}, "
        f"{counted(level.promotions, 'promotion')}; {counted(found.games, f'{found.split} game')}",
        f"the next one passes with p of at most {chance(level.value)} ({means} stays below "
        f"{100 * found.error_rate:g} % for the life of the line)",
    ]
    if seen.visible is None or seen.visible_at_first is None or seen.fresh_games is None:
        lines.append("what it can see is known when a first question has told how much the games differ")
    else:
        lines.append(
            f"it sees a difference of {100 * seen.visible:.1f} points in four of five cases; the first one saw "
            f"{100 * seen.visible_at_first:.1f}, and so does this one with "
            f"{counted(seen.fresh_games, 'fresh game')} more"
        )
    if explain and found.asked:
        lines += ["", as_text(list(found.asked))]
    if explain and found.shadow:
        lines += [
            "",
            "events where challengers answered along; nothing is decided by them",
            as_text(list(found.shadow)),
        ]
    return "\n".join(lines)


def as_json(found: Standing) -> dict[str, object]:
    return asdict(found)
