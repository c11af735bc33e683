"""What a decision looks like: summary.md (the variants), decision.md and decision.html (a version, the reasons)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rmsnet.evaluation.assessment import NAMED_TOLERANCES
from rmsnet.evaluation.paper import TABLE_III
from rmsnet.style.page import Html, page, picture, section, table, tag
from rmsnet.style.palette import QUIET, TRUTH, look
from rmsnet.style.plot import figure, name_axes, png
from rmsnet.style.tables import Row, as_markdown, facts, markdown_text
from rmsnet.style.words import SIMULATED, chance, marked, percent, with_ends

if TYPE_CHECKING:
    from rmsnet.registry.decision import Decision
    from rmsnet.registry.gate import Duel

CAPTION = "difference of the two models on resampled games"


def summary(scores: Mapping[str, Mapping[str, Mapping[str, Any]]], decision: "Decision") -> str:
    """The variants beside the paper's Table III, and the decision, as Markdown.

    Args:
        scores: variant -> "valid" and "test" -> the content of metrics.json.
        decision: which of them is registered.
    """
    rows = []
    for name, of_split in scores.items():
        valid, test = of_split["valid"], of_split["test"]
        paper = TABLE_III.get(name, (None, None))
        rows.append(
            {
                "variant": name,
                f"valid, {'simulated' if decision.simulated else 'measured'}": percent(valid["average_map"]),
                "test [95 %]": with_ends(test["average_map"], test.get("ci95")),
                "valid, paper, SoccerNet": percent(paper[0]) or "-",
                "test, paper, SoccerNet": percent(paper[1]) or "-",
            }
        )
    here = markdown_text(marked(decision.dataset, decision.simulated))
    judged = judged_by(next(iter(scores.values()))["test"])
    title = f"Average-mAP (%, {judged}): {here} beside the paper's Table III (loose, devkit protocol)"
    chosen = [f"{decision.variant} asks: {decision.chosen}.", ""] if decision.chosen else []
    lines = [title, "", as_markdown(rows), "", *map(markdown_text, chosen), f"{markdown_text(verdict(decision))}."]
    return "\n".join([*lines, *(["", SIMULATED] if decision.simulated else []), ""])


def judged_by(metrics: Mapping[str, Any]) -> str:
    """Protocol and tolerances of a metrics.json, e.g. "loose, devkit protocol"."""
    tolerances = tuple(metrics.get("tolerances", ()))
    named = next((name for name, seconds in NAMED_TOLERANCES.items() if seconds == tolerances), None)
    said = named or f"{', '.join(f'{seconds:g}' for seconds in tolerances)} s"
    return f"{said}, {metrics.get('protocol', 'unknown')} protocol"


def verdict(decision: "Decision") -> str:
    """The decision in a sentence, without its full stop."""
    what = "is now @champion" if decision.promoted else "does not replace @champion"
    if decision.forced:
        what = "is now @champion against the gate"
    if not decision.promoted and decision.champion_version is None:
        what = "does not become @champion"
    if decision.champion_version == decision.version:
        what = "stays @champion"
    return f"{decision.model_name} version {decision.version} ({decision.variant}) {what}: {decision.reason}"


def _facts(decision: "Decision") -> list[Row]:
    rows = [
        ("decided", decision.when),
        ("data", f"{marked(decision.dataset, decision.simulated)}, {decision.games} {decision.split} games"),
        ("data hash", decision.data_hash),
        ("protocol", decision.protocol),
        ("challenger", f"version {decision.version}: Average-mAP {percent(decision.challenger_average_map, 2)}"),
    ]
    if decision.chosen:
        rows.append(("chosen", decision.chosen))
    if decision.champion_average_map is not None:
        score = percent(decision.champion_average_map, 2)
        rows.append(("champion", f"version {decision.champion_version}: Average-mAP {score}"))
    if decision.difference is not None:
        value, low, high = (percent(number, 2, "+") for number in decision.difference)
        rows.append(("difference", f"{value}, one-sided bounds {low} and {high}"))
        if decision.p_value is not None and decision.level is not None:
            asked = f"{chance(decision.p_value)} of equal models show as much; {chance(decision.level)} may"
            rows.append((f"question {decision.question}", asked))
        point = "promote" if decision.point_comparison else "refuse"
        alone = f"would {point}; it errs half of the time between equals"
        rows.append(("a comparison of the two numbers alone", alone))
    return facts(rows)


def class_rows(
    differences: Mapping[str, tuple[float, float, float]], of: str = "class", called: str = "difference"
) -> list[Row]:
    """Differences with their bounds, by what they are of, in %."""
    names = (called, "low", "high")
    return [
        {of: name, **dict(zip(names, (percent(number, 2, "+") for number in numbers), strict=True))}
        for name, numbers in differences.items()
    ]


def decision_markdown(decision: "Decision") -> str:
    """The decision as Markdown."""
    checks = [
        {"condition": check.name, "met": "yes" if check.passed else "**no**", "found": check.detail}
        for check in decision.checks
    ]
    lines = [f"# {markdown_text(verdict(decision))}", "", as_markdown(_facts(decision)), "", as_markdown(checks)]
    if decision.per_class is not None:
        lines += ["", as_markdown(class_rows(decision.per_class)), "", f"![{CAPTION}](difference.png)"]
    return "\n".join([*lines, *(["", SIMULATED] if decision.simulated else []), ""])


def decision_page(decision: "Decision", difference: bytes | None) -> str:
    """The decision as one page.

    Args:
        decision: of the gate.
        difference: the picture of `plot_duel`, where there was a champion.
    """
    met = {True: tag("span", "yes", kind="good"), False: tag("span", "no", kind="bad")}
    checks = [{"condition": check.name, "met": met[check.passed], "found": check.detail} for check in decision.checks]
    body = [
        tag("p", f"{verdict(decision)}.", kind=f"verdict {'good' if decision.promoted else 'warning'}"),
        table(_facts(decision)),
        section("Conditions", table(checks)),
        Html() if difference is None else picture(CAPTION, difference),
        Html() if decision.per_class is None else section("Classes", table(class_rows(decision.per_class))),
    ]
    title = f"{decision.model_name} version {decision.version}: {'promoted' if decision.promoted else 'not promoted'}"
    return page(title, body, simulated=decision.simulated)


def plot_duel(made: "Duel", decision: "Decision") -> bytes:
    """The resampled differences and those of the classes, as PNG."""
    assert decision.per_class is not None
    note = f"{marked(decision.dataset, decision.simulated)}, {decision.games} {decision.split} games"
    drawn, (left, right) = figure(note, 1, 2, width=10, height=3.8)
    blue = look(0).colour.on_light
    left.hist(100 * made.differences, bins=40, color=QUIET.on_light, alpha=0.5)
    left.axvline(100 * made.low, color=TRUTH.on_light, linestyle="--", label="lower bound")
    left.axvline(100 * made.difference, color=blue, label="all games")
    left.set_yticks([])
    name_axes(left, "challenger − champion on resampled games", "Average-mAP (%)")
    values, low, high = zip(*([100 * number for number in row] for row in decision.per_class.values()), strict=True)
    places = range(len(values))
    right.hlines(places, low, high, color=blue, linewidth=2)
    right.plot(values, places, "o", color=blue)
    right.set_yticks(places, list(decision.per_class))
    right.invert_yaxis()
    name_axes(right, "by class", "mean average precision (%)")
    for axes in (left, right):
        axes.axvline(0, color=QUIET.on_light, linewidth=1)
    return png(drawn)
