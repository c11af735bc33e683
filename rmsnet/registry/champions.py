"""The champions of a registered model over time, as a page: who reigned when, how good each was, how each came."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet import tracking
from rmsnet.errors import UserError
from rmsnet.files import write_bytes, write_text
from rmsnet.registry.history import CHAMPION, Change
from rmsnet.style.page import page, picture, table, tag
from rmsnet.style.palette import QUIET, apart
from rmsnet.style.plot import Drawing, drawing, figure, files_of, name_axes
from rmsnet.style.tables import as_csv
from rmsnet.style.words import marked, percent, with_ends

if TYPE_CHECKING:
    from rmsnet.tracking import Version

CAME = {"promote": "promoted", "forced": "forced", "rollback": "rolled back to", "outside": "moved by hand"}
"""How a champion came, by the kind of the change; "register" of old records did not move it."""

_MARKERS = {"promoted": "o", "forced": "X", "rolled back to": "v", "moved by hand": "s"}


@dataclass(frozen=True)
class Score:
    """Average-mAP of a version on the test split, as it was evaluated when it was trained.

    Attributes:
        value: in [0, 1].
        ends: its 95 % interval over games; None where none is known.
        data: hash of those games, "" where it is not known.
    """

    value: float
    ends: tuple[float, float] | None
    data: str


@dataclass(frozen=True)
class Reign:
    """The time from one change of the champion to the next.

    Attributes:
        version: that was champion.
        since: UTC.
        until: UTC; None: it still is.
        came: how, see `CAME`.
        why: the reason that was recorded.
    """

    version: int
    since: datetime
    until: datetime | None
    came: str
    why: str


def reigns(changes: Sequence[Change]) -> list[Reign]:
    """Of the changes that hold, oldest first; times without a champion are in none."""
    moves = [change for change in changes if change.holds and CHAMPION in change.moves]
    times = [datetime.fromisoformat(change.when) for change in moves]
    return [
        Reign(after, since, until, CAME.get(change.kind, change.kind), change.why)
        for change, (since, until) in zip(moves, zip_longest(times, times[1:]), strict=True)
        if (after := change.moves[CHAMPION][1]) is not None
    ]


def scores_of(versions: "Sequence[Version]") -> dict[int, Score]:
    """By version: what its training's run knows, else what its tags say; nothing where neither says it."""
    found = {}
    for version in versions:
        try:
            scores = tracking.run_record(version.run_id, version.model_id).scores
        except UserError:  # the run was deleted: the version has its tag
            scores = {}
        names = ("test_average_map", "test_average_map_low", "test_average_map_high")
        value, low, high = (scores.get(name, (None, ""))[0] for name in names)
        tagged = version.tags.get("test_average_map")
        if value is not None:
            ends = None if low is None or high is None else (low, high)
            found[version.version] = Score(value, ends, scores[names[0]][1])
        elif tagged is not None:
            found[version.version] = Score(float(tagged), None, "")
    return found


def write_champions(path: Path, name: str, changes: Sequence[Change]) -> None:
    """Write the page, and beside it the picture (png, svg) and its numbers (csv).

    Raises:
        UserError: the path is no .html, or there never was a champion.
    """
    if path.suffix != ".html":
        raise UserError(f"--page {path}: is no page; name a file that ends in .html")
    found = reigns(changes)
    if not found:
        raise UserError(f"{name}: never had a champion, there is nothing to show; see: rmsnet registry promote")
    numbers = {reign.version for reign in found}
    versions = {version.version: version for version in tracking.versions(name) if version.version in numbers}
    scores = scores_of(list(versions.values()))
    simulated = any(version.tags.get("simulated") == "true" for version in versions.values())
    datasets = dict.fromkeys(version.tags.get("dataset", "") for version in versions.values())
    note = f"{marked(', '.join(filter(None, datasets)), simulated)}, test"
    drawn = draw_champions(found, scores, f"Champions of {name}", note)
    explained = (
        "Average-mAP on the test split, as each version was evaluated when it was trained, with its 95 % interval over "
        "games. What the gate asked is a paired difference on its own games: see the decision of each version. Scores "
        "compare only where the data are the same."
    )
    body = [
        tag("p", explained, kind="quiet"),
        picture("score of each champion over time", drawn.svg),
        table([_shown(reign, scores.get(reign.version), versions.get(reign.version)) for reign in reversed(found)]),
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path.with_suffix(".csv"), as_csv(reign_rows(found, scores)))
    for file, content in files_of({path.stem: drawn}).items():
        write_bytes(path.with_name(file), content)
    write_text(path, page(f"Champions of {name}", body, simulated=simulated))


def reign_rows(found: Sequence[Reign], scores: Mapping[int, Score]) -> list[dict[str, Any]]:
    """A row per reign, scores in [0, 1]."""
    rows = []
    for reign in found:
        score = scores.get(reign.version)
        low, high = (None, None) if score is None or score.ends is None else score.ends
        row = {**asdict(reign), "since": reign.since.isoformat(), "until": reign.until and reign.until.isoformat()}
        known = {"value": None, "data": ""} if score is None else {"value": score.value, "data": score.data}
        rows.append({**row, "test_average_map": known["value"], "low": low, "high": high, "data": known["data"]})
    return rows


def _shown(reign: Reign, score: Score | None, version: "Version | None") -> dict[str, Any]:
    return {
        "version": str(reign.version),
        "variant": "deleted" if version is None else version.tags.get("variant", ""),
        "since": f"{reign.since:%Y-%m-%d %H:%M}",
        "until": "now" if reign.until is None else f"{reign.until:%Y-%m-%d %H:%M}",
        "came": reign.came,
        "test [95 %]": "–" if score is None else with_ends(score.value, score.ends),
        "data": "" if score is None else score.data[:8],
        "why": reign.why,
    }


def draw_champions(found: Sequence[Reign], scores: Mapping[int, Score], title: str, note: str) -> Drawing:
    """Each reign as a step at its score with its interval, and a marker that says how it began.

    A reign whose score is not known lies as low as the lowest that is. Lines differ where the data of the scores do.
    """
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    first, last = found[0].since, found[-1].since
    end = last + max((last - first) / 8, timedelta(minutes=1))
    data = list(dict.fromkeys(score.data for reign in found if (score := scores.get(reign.version))))
    floor = min((100 * score.value for score in scores.values()), default=0.0)
    made, (axes,) = figure(note)
    named = set[str]()

    def label(name: str) -> str:
        """For the legend, once."""
        new = name not in named
        named.add(name)
        return name if new else ""

    for reign in found:
        score = scores.get(reign.version)
        of, value = (apart(data.index(score.data)), 100 * score.value) if score else (apart(2), floor)
        colour = of.colour.on_light
        span: list[Any] = [reign.since, reign.until or end]
        line = label(f"on data {score.data[:8]}") if score and len(data) > 1 else ""
        shape: dict[str, Any] = {"color": colour, "linestyle": of.line, "label": line}
        axes.plot(span, [value, value], linewidth=2, **shape)
        if score is not None and score.ends is not None:
            low, high = (100 * bound for bound in score.ends)
            axes.fill_between(span, low, high, color=colour, alpha=0.15, linewidth=0)
        marker: dict[str, Any] = {"marker": _MARKERS.get(reign.came, "D"), "label": label(reign.came)}
        axes.plot(span[:1], [value], linestyle="", color=colour, markersize=7, **marker)
        axes.axvline(span[0], color=QUIET.on_light, linewidth=0.5)
        told = f"v{reign.version} {percent(score.value) if score else 'not known'}"
        axes.annotate(told, (span[0], value), xytext=(4, 6), textcoords="offset points", fontsize=8)
    locator = AutoDateLocator()  # type: ignore[no-untyped-call]  # of Matplotlib
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]
    axes.margins(y=0.15)
    name_axes(axes, title, "UTC", "test Average-mAP (%), 95 %")
    return drawing(made)
