"""The CSV that LongoMatch's open core (2018) exports; read only.

    CATEGORY: Goal
    Name;Time;Start;Stop;Team;Player;Header
    Goal 1;6:28,120;6:20,000;6:35,000;Home FC;Jane Doe | Ann Other;1

A block a category, columns by name, never quoted. "ALL" is both teams; a tag is 1 where the event has it. Its
Sportscode XML is read as such, its projects (.lgm) are not.
"""

from rmsnet.dataset.formats.clocks import ms_of_clock
from rmsnet.dataset.formats.document import Annotations, Mark, Timeline
from rmsnet.dataset.formats.sources import SourceFile
from rmsnet.dataset.formats.stated import Stated
from rmsnet.errors import UserError

CATEGORY = "CATEGORY: "
KNOWN = ("Time", "Start", "Stop", "Team")


def read_longomatch(file: SourceFile, stated: Stated) -> Annotations:
    """A file of categories with their events, in order of time."""
    marks: list[Mark] = []
    classes: list[str] = []
    columns: list[str] = []
    for number, line in enumerate(file.text().replace("\r\n", "\n").split("\n"), 1):
        where = f"{file.where}: line {number}"
        if line.startswith(CATEGORY):
            classes.append(line.removeprefix(CATEGORY).strip())
            columns = []
        elif line.strip():
            cells = line.split(";")
            if not classes:
                raise UserError(f"{where}: no LongoMatch CSV (it begins with '{CATEGORY}…')")
            if not columns:
                columns = cells
                if not {"Start", "Stop"} <= set(columns):
                    raise UserError(f"{where}: names no columns Start and Stop; export it with a newer LongoMatch")
            elif len(cells) != len(columns):
                raise UserError(f"{where}: {len(cells)} cells in {len(columns)} columns; take ';' out of its texts")
            else:
                marks.append(_mark(classes[-1], dict(zip(columns, cells, strict=True)), where))
    timeline = Timeline(file.name, 1, tuple(sorted(marks, key=lambda mark: mark.position_ms)))
    return Annotations((timeline,), tuple(dict.fromkeys(classes)))


def _mark(label: str, cells: dict[str, str], where: str) -> Mark:
    try:
        start, stop = ms_of_clock(cells["Start"]), ms_of_clock(cells["Stop"])
        moment = ms_of_clock(cells["Time"]) if cells.get("Time", "").strip() else None
    except ValueError as error:
        raise UserError(f"{where}: {error}") from None
    extra = {name: cell for name, cell in cells.items() if name not in KNOWN and cell.strip() not in ("", "0")}
    if moment is None:
        return Mark(1, start, label, cells.get("Team", ""), end_ms=stop, extra=extra)
    return Mark(1, moment, label, cells.get("Team", ""), extra=extra | {"Start": cells["Start"], "Stop": cells["Stop"]})
