"""The labels of one match on disk: every act goes into the journal first, then into the label file.

What somebody else writes into the label file meanwhile becomes an act like any other: it is shown, and can be undone.
"""

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import msgspec

from rmsnet.annotating.edits import Change, Conflict, Edit, State
from rmsnet.annotating.journal import Act, Begin, Journal, Kind, advanced, effect, replayed
from rmsnet.annotating.labels import REFUSED, Found, Labels
from rmsnet.dataset.formats.document import Annotations, Mark
from rmsnet.dataset.suggested import ORIGIN
from rmsnet.errors import UserError, one_line

ELSEWHERE = "label file"
"""Who has done what was found in the label file."""


@dataclass(frozen=True)
class Step:
    """What an act has changed.

    Attributes:
        version: after it.
        act: see `journal.Act`.
        edit: the change itself; of an undo, that of taking back.
        by: who did it.
        at: when.
        key: of the act.
    """

    version: int
    act: Kind
    edit: Edit
    by: str
    at: str
    key: str


class Store:
    """The labels of a match, safe to use from several threads.

    Args:
        labels: where they are kept.
        kick_offs: second in the video of each half at which it begins, as it is on disk.
        write_kick_offs: puts them there.

    Raises:
        UserError: label file or journal cannot be read, or are of another match.
    """

    def __init__(
        self,
        labels: Labels,
        kick_offs: tuple[float, ...] = (),
        write_kick_offs: Callable[[tuple[float, ...]], None] = lambda _: None,
    ) -> None:
        self.labels = labels
        self._write_kick_offs = write_kick_offs
        self._lock = threading.RLock()
        self._journal = Journal(labels.journal)
        self.problem = ""
        self.lost: tuple[str, ...] = ()
        found = labels.read()
        self._document = found.document
        labels.write({}, found.document)  # a format that cannot hold the match is refused now
        kept = self._journal.read()
        if kept is None:
            begin = Begin(labels.match, dict(labels.placed(found.by_id, kick_offs)), kick_offs, found.hash)
            self._journal.begin(begin)
            kept = begin, []
        begin, acts = kept
        if begin.match != labels.match:
            raise UserError(
                f"{labels.journal}: is the journal of {begin.match!r}, not of {labels.match!r}; move it away"
            )
        last = acts[-1] if acts else None
        self._file, self._wrote = (begin.file, 0) if last is None else (last.file, last.wrote)
        self.steps: list[Step] = []
        self.history = begin.history
        states = {0: self.state}
        for act, change, history in replayed(begin, acts, str(labels.journal)):
            self.history = history
            self.steps.append(Step(history.version, act.act, change, act.by, act.at, act.key))
            if history.version >= self._wrote:  # the others are not needed any more, and are many
                states[history.version] = history.state
        self._keys = {step.key: step.version for step in self.steps}
        if kick_offs != self.state.kick_offs and kick_offs:
            self._take_over(kick_offs)
            states[self.history.version] = self.state
        # A process that was killed may have written the file and nothing behind it into the journal.
        for version in sorted(states, reverse=True):
            if version >= self._wrote and self._same(states[version], found):
                self._file, self._wrote = found.hash, version
                break
        wrote = states.get(self._wrote, State())
        self._base = dict(self._at(self.state.kick_offs, wrote))
        self._back = dict(self._as_read(wrote))
        if found.hash == self._file:
            self._adopt(found)
        self._saved_kick_offs = kick_offs
        self._look(found)
        self.save()

    @property
    def state(self) -> State:
        return self.history.state

    @property
    def is_saved(self) -> bool:
        """Whether the label file holds all that was done."""
        return self._wrote == self.history.version and not self.problem

    def act(self, act: Kind, by: str, key: str, edit: Edit | None = None, version: int | None = None) -> int:
        """Do something, keep it, and save.

        Args:
            act: "edit", "undo" or "redo".
            by: who asks.
            key: the same act, asked for twice, is done once.
            edit: of an "edit".
            version: of an "undo" or "redo": what the asker has seen.

        Returns:
            The version after it.

        Raises:
            Conflict: it starts from something else than what is there.
            OSError: the journal cannot be written; nothing was done.
        """
        with self._lock:
            if key in self._keys:
                return self._keys[key]
            self.look()
            if version is not None and version != self.history.version:
                raise Conflict(f"more was done meanwhile (version {self.history.version})")
            self._record(act, edit, by, key)
            done = self.history.version
            self.save()
            return done

    def look(self) -> None:
        """See whether somebody else has written the label file; take over what is new in it."""
        with self._lock:
            try:
                self._meet()
            except (UserError, OSError) as error:
                self.problem = one_line(error)

    def save(self) -> None:
        """Write the label file, where it does not hold all yet; a failure is a `problem`, and tried again later."""
        with self._lock:
            if self._wrote == self.history.version and not self.problem:
                return
            try:
                self._meet()
                written = self.labels.write(self._filed(self.state), self._document)
                if written.hash != self._file:
                    self.labels.save(written)
                if self.state.kick_offs != self._saved_kick_offs:
                    self._write_kick_offs(self.state.kick_offs)
                    self._saved_kick_offs = self.state.kick_offs
            except (UserError, OSError) as error:
                self.problem = one_line(error)
                return
            self._file, self._wrote = written.hash, self.history.version
            self._base, self._back = dict(self.state.marks), dict(written.back)
            self.lost, self.problem = written.lost, ""

    def since(self, version: int) -> list[Step]:
        """What was done after a version."""
        return self.steps[version:]

    def labelled(self) -> Annotations:
        """The labels as a document, for other formats; its times count as those of the label file."""
        with self._lock:
            return self.labels.document(self._filed(self.state), self._document)

    def new_id(self) -> str:
        return uuid.uuid4().hex[:12]

    def _record(self, act: Kind, edit: Edit | None, by: str, key: str = "") -> None:
        line = Act(act, key or uuid.uuid4().hex, by, _now(), edit, self._file, self._wrote)
        after = advanced(self.history, line)
        change = effect(self.history, line)
        self._journal.append(line)
        self.history = after
        self.steps.append(Step(after.version, act, change, by, line.at, line.key))
        self._keys[line.key] = after.version

    def _meet(self) -> None:
        """Take over what the label file says, if it is not the one we wrote.

        Raises:
            UserError: it cannot be read.
        """
        if self.labels.hash() == self._file:
            return
        try:
            self._look(self.labels.read())
        except UserError as error:
            raise UserError(f"the label file was changed elsewhere and is not overwritten: {error}") from None

    def _look(self, found: Found) -> None:
        """Take over what a label file says that is not the one we wrote."""
        if found.hash == self._file:
            return
        if not found.hash:  # it was taken away: it is written again
            self._file, self._wrote = "", -1
            return
        kick_offs = self.state.kick_offs
        read = self.labels.placed(self._back, kick_offs)
        theirs = tuple(self.labels.placed(found.by_id, kick_offs).values())
        edit = difference(self.state.marks, self._base, read, theirs, self.new_id)
        if edit.changes:
            self._record("elsewhere", edit, ELSEWHERE)
        self._document = found.document
        self._adopt(found)
        self._wrote = self.history.version if self._same(self.state, found) else -1

    def _adopt(self, found: Found) -> None:
        """Remember which of our events the file holds."""
        self._file = found.hash
        left = Counter(map(_whole, found.marks))
        self._base, self._back = {}, {}
        for id, mark in self._as_read(self.state).items():
            if left[_whole(mark)]:
                left[_whole(mark)] -= 1
                self._base[id], self._back[id] = self.state.marks[id], mark

    def _same(self, state: State, found: Found) -> bool:
        """Whether a file holds a state, as far as its format can."""
        return Counter(map(_whole, self._as_read(state).values())) == Counter(map(_whole, found.marks))

    def _as_read(self, state: State) -> Mapping[str, Mark]:
        """The events as they come back from the label file."""
        return self.labels.write(self._filed(state), self._document).back

    def _filed(self, state: State) -> Mapping[str, Mark]:
        return self.labels.filed(state.marks, state.kick_offs)

    def _at(self, kick_offs: tuple[float, ...], state: State) -> Mapping[str, Mark]:
        """The events of a state by other kick-offs; on a "file" clock they stay at their pictures."""
        return self.labels.placed(self._filed(state), kick_offs)

    def _take_over(self, kick_offs: tuple[float, ...]) -> None:
        """Take over kick-offs that were written elsewhere."""
        before = self.state
        after = self._at(kick_offs, before)
        changes = tuple(Change(id, mark, after[id]) for id, mark in before.marks.items() if after[id] != mark)
        self._record("elsewhere", Edit("kick-off", changes, (before.kick_offs, kick_offs)), ELSEWHERE)


def difference(
    ours: Mapping[str, Mark],
    base: Mapping[str, Mark],
    read: Mapping[str, Mark],
    theirs: tuple[Mark, ...],
    new_id: Callable[[], str],
) -> Edit:
    """What somebody has changed in the label file, as an edit of our events. What both have changed is kept twice.

    Args:
        ours: the events now, by id.
        base: what was last written.
        read: the same as it is read from the file, which may hold less.
        theirs: the events that the file holds now.
        new_id: names what they have added.
    """
    left = Counter(map(_whole, theirs))
    changes = []
    for id, mark in read.items():
        if left[_whole(mark)]:
            left[_whole(mark)] -= 1
        elif id in ours and ours[id] == base[id]:
            changes.append(Change(id, ours[id], None))
    mine = Counter(_moment(mark) for id, mark in ours.items() if id not in read)
    for mark in theirs:
        if not left[_whole(mark)]:
            continue
        left[_whole(mark)] -= 1
        if mine[_moment(mark)]:
            mine[_moment(mark)] -= 1
        else:
            changes.append(Change(new_id(), None, mark))
    return Edit("edited elsewhere", tuple(changes))


def _whole(mark: Mark) -> bytes:
    """All of an event, comparable and hashable."""
    return msgspec.json.encode(mark, order="deterministic")


def _moment(mark: Mark) -> tuple[Any, ...]:
    """What makes two events the same for people."""
    return mark.half, mark.position_ms, mark.label, mark.team, mark.end_ms


def is_label(mark: Mark) -> bool:
    """Whether it stands in the label file: a refused suggestion does not."""
    return mark.extra.get(ORIGIN) != REFUSED


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
