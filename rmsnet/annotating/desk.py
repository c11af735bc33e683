"""A match in hand: its store, its videos, what a model says of it, and what its page is told."""

import threading
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from fractions import Fraction
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from rmsnet.annotating.footage import Footage, footage_of, loudness, make_copy
from rmsnet.annotating.games import Asked, Game, labels_of, write_kick_offs
from rmsnet.annotating.jobs import Advance, Jobs
from rmsnet.annotating.labels import Labels
from rmsnet.annotating.next_games import read_looks
from rmsnet.annotating.store import Store, is_label
from rmsnet.annotating.suggesting import Suggester, labels_of_classes, suggest
from rmsnet.errors import UserError
from rmsnet.locks import writing
from rmsnet.matches.page.parts import code_of, period_name, title_of
from rmsnet.matches.stretches import choose_stretches
from rmsnet.style.palette import class_looks, name_of


class Desk:
    """A match that is being annotated.

    Args:
        game: the match.
        asked: what the command line says of its labels.
        jobs: does what takes long.
        suggester: the model; None: there is none.

    Raises:
        UserError: the labels cannot be read or kept, or somebody else annotates the same file.
    """

    def __init__(self, game: Game, asked: Asked, jobs: Jobs, suggester: Suggester | None = None) -> None:
        self.game = game
        self._jobs = jobs
        self._suggester = suggester
        self._prefix = f"{game.name}\n"
        self.footage: dict[int, Footage] = {half.number: footage_of(half) for half in game.halves}
        sources = [source for footage in self.footage.values() if (source := footage.source) is not None]
        self.labels: Labels = labels_of(game, asked, sources[0].rate if sources else None)
        self.stretches = choose_stretches(self.classes, asked.before, asked.after)
        if suggester is not None:
            labels_of_classes(suggester.spotter.classes, self.classes, str(self.labels.path))
        with ExitStack() as stack:
            self.labels.path.parent.mkdir(parents=True, exist_ok=True)
            self.labels.journal.parent.mkdir(parents=True, exist_ok=True)
            try:
                stack.enter_context(writing(self.labels.path))
            except UserError as error:
                advice = "annotate under a name of your own (--annotator)"
                raise UserError(str(error).replace("name another --out", advice)) from None
            self.store = Store(self.labels, game.kick_offs(), lambda found: write_kick_offs(game, found))
            self._open = stack.pop_all()
        self.suggestions: dict[str, Any] | None = None
        self.waves: dict[int, list[int]] = {}

    @property
    def classes(self) -> tuple[str, ...]:
        """What an event may be labelled."""
        return self.labels.stated.classes

    def close(self) -> None:
        """Give the label file free."""
        self._open.close()

    def start(self, number: int) -> float:
        """Second of the recording at which a half begins."""
        kick_offs = self.store.state.kick_offs
        return kick_offs[number - 1] if kick_offs else self.footage.get(number, Footage(number)).start

    def video(self, number: int) -> Path | None:
        """The file that the page plays of a half: a copy where there is one; None: none that it could play."""
        footage = self.footage[number]
        if footage.video is None:
            return None
        copy = footage.copy(self.game.kept)
        if copy.exists():
            return copy
        return footage.video if footage.plays else None

    def copy(self, number: int) -> None:
        """Begin to make a copy for browsers."""
        footage = self.footage[number]
        if footage.video is None:
            raise UserError(f"half {number} has no video that could be copied")
        out = footage.copy(self.game.kept)
        self._jobs.start(
            f"{self._prefix}copy {number}",
            f"a copy of {footage.video.name} that browsers play",
            lambda advance: make_copy(footage, out, advance),
        )

    def working(self) -> dict[str, Any]:
        """What is being made for the page."""
        return {key: asdict(job) for key, job in self._jobs.of(self._prefix).items()}

    def status(self) -> dict[str, Any]:
        """What goes with every answer."""
        store, done, undone = self.store, self.store.history.done, self.store.history.undone
        return {
            "version": store.history.version,
            "undo": done[-1].what if done else "",
            "redo": undone[-1].what if undone else "",
            "problem": store.problem,
            "saved": store.is_saved,
            "lost": list(store.lost),
            "jobs": self.working(),
        }

    def _begin(self) -> None:
        for number, footage in self.footage.items():
            if footage.video is not None and self.video(number) is None:
                self.copy(number)
        if self._suggester is not None:
            kick_offs = self.store.state.kick_offs
            key = f"suggestions {','.join(f'{seconds:g}' for seconds in kick_offs)}"
            self._jobs.start(f"{self._prefix}{key}", "suggestions of the model", lambda _: self._suggest(kick_offs))
            return
        for number, footage in self.footage.items():
            if footage.video is not None:
                self._jobs.start(
                    f"{self._prefix}wave {number}", f"loudness of {footage.video.name}", partial(self._listen, footage)
                )

    def _listen(self, footage: Footage, advance: Advance) -> None:
        self.waves[footage.number] = loudness(footage, advance)

    def _suggest(self, kick_offs: tuple[float, ...]) -> None:
        assert self._suggester is not None
        self.suggestions = suggest(self._suggester, self.game, self.classes, kick_offs)

    def data(self) -> dict[str, Any]:
        """What the page of the match is made of."""
        self._begin()
        title, subtitle = title_of(self.game.name)
        periods = self.game.description.periods
        said = self.game.description.told_on.get("looks", {})
        return {
            "title": title,
            "subtitle": subtitle,
            "file": self.labels.path.name,
            "form": self.labels.form,
            "looks": [vars(look) for look in read_looks(self.game).moments],
            "model": None if self._suggester is None else str(self._suggester.spotter.config["name"]),
            "frame_rate": 2.0,
            "first_frame_seconds": 0.0,
            "most_votes": 1,
            "classes": [
                {
                    "name": name_of(label, said),
                    "label": label,
                    "hidden": False,
                    "before": self.stretches.before[label],
                    "after": self.stretches.after[label],
                    **look.colour._asdict(),
                }
                for label, look in zip(self.classes, class_looks(self.classes, said), strict=True)
            ],
            "starts": [self.start(number) for number in self.game.description.numbers],
            "halves": [self._half(half.number, period_name(periods, half.number)) for half in self.game.halves],
        }

    def _half(self, number: int, name: str) -> dict[str, Any]:
        footage = self.footage[number]
        period = self.game.description.periods[number - 1]
        shown, start = self.video(number), self.start(number)
        end = footage.seconds
        if self.game.description.files == "match" and number < len(self.game.description.periods):
            end = min(end, self.start(number + 1)) if self.store.state.kick_offs else end
        length = end - start if footage.video is not None else 60 * period.minutes
        source = None if footage.source is None else replace(footage.source, kick_off=Fraction(start))
        return {
            "number": number,
            "name": name,
            "seconds": round(max(length, 1.0), 3),
            "period": asdict(period),
            "video": None if shown is None else f"video/{number}?{shown.name}",
            "video_name": footage.video.name if footage.video else None,
            "playable": shown is not None,
            "start": round(start, 6),
            "clock_start": footage.clock_start if shown == footage.video else 0.0,
            "video_start": round(start + (footage.clock_start if shown == footage.video else 0.0), 6),
            "video_remark": footage.remark,
            "code": None if source is None else code_of(source),
        }


class Desks:
    """The matches of a command by number; each is opened when it is first asked for."""

    def __init__(self, games: Sequence[Game], asked: Asked, suggester: Suggester | None = None) -> None:
        self.games = list(games)
        self._asked, self._suggester = asked, suggester
        self._lock = threading.Lock()
        self._open: dict[int, Desk] = {}

    @cached_property
    def jobs(self) -> Jobs:
        return Jobs()

    def desk(self, number: int) -> Desk:
        """A match, numbered from 1.

        Raises:
            UserError: there is none, or it cannot be annotated.
        """
        if not 1 <= number <= len(self.games):
            raise UserError(f"there is no match {number}; there are {len(self.games)}")
        with self._lock:
            if number not in self._open:
                self._open[number] = Desk(self.games[number - 1], self._asked, self.jobs, self._suggester)
            return self._open[number]

    def overview(self) -> list[Mapping[str, Any]]:
        """Each match with what is known of its labels without opening it."""
        rows: list[Mapping[str, Any]] = []
        for number, game in enumerate(self.games, start=1):
            desk = self._open.get(number)
            if desk is not None:
                events: int | None = sum(map(is_label, desk.store.state.marks.values()))
                note = desk.store.problem
            else:
                events, note = self._count(game)
            try:
                looks = len(read_looks(game).moments)
            except UserError as error:
                looks, note = 0, str(error)
            rows.append({"number": number, "name": game.name, "events": events, "looks": looks, "note": note})
        return rows

    def _count(self, game: Game) -> tuple[int | None, str]:
        try:
            labels = labels_of(game, self._asked, None)
            return (len(labels.read().marks) if labels.path.exists() else 0), ""
        except UserError as error:
            return None, str(error)

    def close(self) -> None:
        self.jobs.close()
        for desk in self._open.values():
            desk.close()
