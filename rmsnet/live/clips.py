"""A clip of every event, seconds after it was told: cut from what is recorded, while the recording goes on."""

import re
import threading
from collections.abc import Callable
from pathlib import Path

import av

from rmsnet.errors import UserError
from rmsnet.live.journal import Journal, Line
from rmsnet.matches.highlights.clips import cut_clip
from rmsnet.matches.highlights.reel import Segment
from rmsnet.matches.stretches import Stretches
from rmsnet.style.palette import name_of
from rmsnet.video.opening import reason

CLIPS = "clips"

BEHIND_SECONDS = 3.0
"""What belongs to the end of a clip lies in the recording before what is shown so much later."""

LOOK_SECONDS = 0.5

MOVED_MS = 1000
"""An event that has moved further since its clip was cut gets another."""


class Clips:
    """Cuts what the journal tells."""

    def __init__(
        self,
        out: Path,
        journal: Journal,
        stretches: Stretches,
        recorded: Callable[[int], tuple[float, bool]],
        tell: Callable[[str], None],
    ) -> None:
        """Nothing is cut yet.

        Args:
            out: folder of the match.
            journal: what is told, and where clips are told of.
            stretches: what is shown around an event.
            recorded: how many seconds of a period may be read, and whether it is over.
            tell: told of clips that cannot be cut.
        """
        self._out, self._journal, self._stretches = out, journal, stretches
        self._recorded, self._tell = recorded, tell
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._work, name="clips", daemon=True)

    def start(self) -> None:
        (self._out / CLIPS).mkdir(exist_ok=True)
        self._thread.start()

    def finish(self) -> None:
        """Cut what is left to be cut; all periods are over."""
        self._ended.set()
        self._thread.join()

    def _work(self) -> None:
        made: dict[str, int] = {}
        wanted: dict[str, Line] = {}
        seen = 0
        while True:
            last = self._ended.is_set()
            for line in self._journal.lines[seen:]:
                seen += 1
                if line["state"] == "clip":
                    made[line["id"]] = line["position_ms"]
                elif line["state"] == "withdrawn":
                    wanted.pop(line["id"], None)
                    (self._out / CLIPS / _name(line)).unlink(missing_ok=True)
                elif line["state"] in ("provisional", "confirmed") and line["label"] in self._stretches.classes:
                    wanted[line["id"]] = line
            for identity, line in list(wanted.items()):
                seconds, over = self._recorded(line["half"])
                if (
                    not over
                    and line["position_ms"] / 1000 + self._stretches.after[line["label"]] + BEHIND_SECONDS > seconds
                ):
                    continue
                del wanted[identity]
                if abs(made.get(identity, -MOVED_MS - 1) - line["position_ms"]) > MOVED_MS:
                    self._cut(line)
            if last:
                return
            self._ended.wait(LOOK_SECONDS)

    def _cut(self, line: Line) -> None:
        at = line["position_ms"] / 1000
        seconds, _ = self._recorded(line["half"])
        start, end = at - self._stretches.before[line["label"]], at + self._stretches.after[line["label"]]
        video = self._out / f"{line['half']}_HQ.ts"
        try:
            # FFmpeg knows the format by the name's end.
            partial = self._out / CLIPS / f".{_name(line)}"
            cut_clip(Segment(video, max(0.0, start), min(end, seconds)), partial)
            partial.replace(self._out / CLIPS / _name(line))
        except (UserError, av.FFmpegError, OSError, ValueError) as error:
            self._tell(f"no clip of {name_of(line['label'])} {line['time']}: {reason(error)}")
            return
        self._journal.say(
            "clip", id=line["id"], half=line["half"], position_ms=line["position_ms"], clip=f"{CLIPS}/{_name(line)}"
        )


def _name(line: Line) -> str:
    word = re.sub(r"[^a-z0-9]+", "-", name_of(line["label"]).lower()).strip("-")
    return f"{line['id']}_{word}.mp4"
