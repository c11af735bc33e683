"""Videos to spot: a queue on disk, one after the other, each in a process of its own; a restart loses none.

DIR/<id>/job.json      what is known of it
DIR/<id>/1.<suffix>    the video
DIR/<id>/match/        what rmsnet spot leaves: page, events, clips
"""

import re
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from rmsnet.documents import read_document
from rmsnet.errors import UserError, one_line
from rmsnet.files import write_json
from rmsnet.serving.limits import MIB
from rmsnet.serving.logs import say
from rmsnet.serving.refusals import Refused, busy

DOWNLOAD_SECONDS = 30.0
"""Without a byte; then the address has failed."""

REFUSED = 2
"""Status of a command that says in one line what is wrong with what it was given."""

WAITING, RUNNING, DONE, FAILED = "waiting", "running", "done", "failed"

_IDENTITY = re.compile(r"[0-9a-f]{32}")
_SUFFIX = re.compile(r"\.[a-z0-9]{2,5}")


@dataclass(frozen=True)
class Job:
    """A video that somebody wants spotted.

    Attributes:
        id: hexadecimal.
        state: waiting, running, done or failed.
        suffix: of the video's file.
        url: where it is to be fetched from; "": it was sent.
        created: seconds since 1970.
        model: URI of the model that spots it, once that has begun.
        told: how far it is, or why it failed.
        finished: seconds since 1970; 0: it has not.
    """

    id: str
    state: str
    suffix: str
    url: str = ""
    created: float = 0.0
    model: str = ""
    told: str = ""
    finished: float = 0.0


@dataclass(frozen=True, kw_only=True)
class JobLimits:
    """What jobs may cost.

    Attributes:
        most: jobs that wait, run or lie finished; the oldest finished ones make room.
        video_bytes: of one video.
        urls: beginnings of the addresses from which videos are fetched.
        memory_bytes: of the process that spots one; 0: as much as there is.
    """

    most: int = 20
    video_bytes: int = 4096 * MIB
    urls: tuple[str, ...] = ()
    memory_bytes: int = 0

    def __post_init__(self) -> None:
        if self.most < 1 or self.video_bytes < MIB or self.memory_bytes < 0:
            raise UserError("--jobs-most and --job-mib must be at least 1, --job-memory-mib at least 0")
        for url in self.urls:
            if not re.fullmatch(r"https?://[^/@?#]+/\S*", url):
                raise UserError(f"--job-url {url}: say https://HOST/ or https://HOST/FOLDER/")

    def allow(self, url: str) -> bool:
        """Whether a video may be fetched from there; ".." and users in an address lead elsewhere."""
        plain = not re.search(r"[\s\\@]|/\.\.?(?:/|$)|%2e", url, re.IGNORECASE)
        return plain and any(url.startswith(allowed) for allowed in self.urls)


class Jobs:
    """The queue; whoever makes it holds the folder's lock, see `rmsnet.locks.writing`."""

    def __init__(self, folder: Path, limits: JobLimits, model: Callable[[], str]) -> None:
        """Read what is there; what ran when the server ended waits again.

        Args:
            folder: of the queue.
            limits: what jobs may cost.
            model: URI of the model that is served now.
        """
        self.folder, self.limits = folder, limits
        self._model = model
        self._changed = threading.Condition()
        self._jobs: dict[str, Job] = {}
        self._running: subprocess.Popen[str] | None = None
        self._ended = False
        folder.mkdir(parents=True, exist_ok=True)
        for path in sorted(folder.glob("*/job.json")):
            job = read_document(path, Job, advice=f"delete {path.parent}")
            self._jobs[job.id] = replace(job, state=WAITING) if job.state == RUNNING else job
        self._thread = threading.Thread(target=self._work, name="jobs", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End what runs; it begins again with the next server."""
        with self._changed:
            self._ended = True
            if self._running is not None:
                self._running.terminate()
            self._changed.notify_all()

    @property
    def waiting(self) -> int:
        return sum(job.state in (WAITING, RUNNING) for job in list(self._jobs.values()))

    def get(self, identity: str) -> Job:
        """A job.

        Raises:
            Refused: 404, there is none.
        """
        job = self._jobs.get(identity)
        if job is None:
            raise Refused(404, f"there is no job {identity[:40]}; it may have made room for others")
        return job

    def described(self, job: Job) -> dict[str, Any]:
        """As clients see it."""
        order = sorted((one for one in self._jobs.values() if one.state == WAITING), key=lambda one: one.created)
        before = [one.id for one in order].index(job.id) if job in order else 0
        links = {"progress": f"/jobs/{job.id}/progress"}
        if job.state == DONE:
            links |= {"page": f"/jobs/{job.id}/files/report.html", "events": f"/jobs/{job.id}/files/events.csv"}
        return {
            "id": job.id,
            "state": job.state,
            "before": before,
            "told": job.told,
            "model": job.model,
            "links": links,
        }

    def accept(self, name: str, url: str = "") -> tuple[Job, Path]:
        """A place for a video.

        Args:
            name: of its file, whose suffix says what it is.
            url: where it is to be fetched; "": it is written to the path by the caller, who then calls `enqueue`.

        Raises:
            Refused: 503, the queue is full; 400, an address that is not allowed.
        """
        if url and not self.limits.allow(url):
            raise Refused(400, f"url: videos are fetched from {', '.join(self.limits.urls) or 'nowhere'} alone")
        suffix = Path(name.partition("?")[0]).suffix.lower()
        job = Job(uuid.uuid4().hex, WAITING, suffix if _SUFFIX.fullmatch(suffix) else ".mkv", url, time.time())
        with self._changed:
            self._make_room()
            folder = self.folder / job.id
            folder.mkdir()
        return job, folder / f"1{job.suffix}"

    def enqueue(self, job: Job) -> None:
        """The job is whole: it waits for its turn."""
        self._keep(job)

    def forget(self, job: Job) -> None:
        """The video did not arrive."""
        import shutil

        with self._changed:
            self._jobs.pop(job.id, None)
            shutil.rmtree(self.folder / job.id, ignore_errors=True)

    def file(self, identity: str, path: str) -> Path:
        """A file that a job has left.

        Raises:
            Refused: 404, there is none.
        """
        root = (self.folder / self.get(identity).id / "match").resolve()
        found = (root / path).resolve()
        if not (found.is_relative_to(root) and found.is_file()):
            raise Refused(404, f"the job has left no {path[:80]}")
        return found

    def follow(self, identity: str, seen: Job | None) -> Job:
        """The job as soon as it is another than was seen, or after 10 s."""
        with self._changed:
            self._changed.wait_for(lambda: self._jobs.get(identity) != seen or self._ended, 10)
        return self.get(identity)

    def _make_room(self) -> None:
        held = [path.name for path in self.folder.iterdir() if _IDENTITY.fullmatch(path.name)]
        over = sorted((job for job in self._jobs.values() if job.state in (DONE, FAILED)), key=lambda job: job.finished)
        while len(held) >= self.limits.most and over:
            oldest = over.pop(0)
            held.remove(oldest.id)
            self.forget(oldest)
        if len(held) >= self.limits.most:
            raise busy(f"{len(held)} jobs are waiting; send it again later")

    def _keep(self, job: Job) -> None:
        with self._changed:
            self._jobs[job.id] = job
            write_json(self.folder / job.id / "job.json", asdict(job))
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._ended or any(job.state == WAITING for job in self._jobs.values()))
                if self._ended:
                    return
                waiting = [job for job in self._jobs.values() if job.state == WAITING]
            job = replace(min(waiting, key=lambda one: one.created), state=RUNNING, model=self._model())
            self._keep(job)
            try:
                self._fetch(job)
                job = self._spot(job)
            except (OSError, UserError, ValueError) as error:
                job = replace(job, state=FAILED, told=one_line(error), finished=time.time())
            if self._ending() and job.state != DONE:
                return  # it waits for the next server
            say("job", job=job.id, state=job.state, told=job.told, model=job.model)
            self._keep(job)

    def _ending(self) -> bool:
        return self._ended

    def _fetch(self, job: Job) -> None:
        video = self.folder / job.id / f"1{job.suffix}"
        if not job.url or video.exists():
            return
        partial = video.with_suffix(".partial")
        opener = urllib.request.build_opener(_AllowedRedirects(self.limits))
        with opener.open(job.url, timeout=DOWNLOAD_SECONDS) as answer, partial.open("wb") as file:
            copy_within(answer, file, self.limits.video_bytes)
        partial.replace(video)

    def _spot(self, job: Job) -> Job:
        folder = self.folder / job.id
        command: Sequence[str] = (
            *(sys.executable, "-m", "rmsnet.cli", "spot", str(folder / f"1{job.suffix}")),
            *("--model", job.model, "--out", str(folder / "match"), "--highlights"),
        )
        with self._changed:
            if self._ending():
                return job
            self._running = subprocess.Popen(
                command,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
            )
            if self.limits.memory_bytes:
                bound_memory(self._running.pid, self.limits.memory_bytes)
        last = ""
        assert self._running.stderr is not None
        for line in self._running.stderr:
            last = line.strip()[:500] or last
            job = replace(job, told=last)
            self._keep(job)
        status = self._running.wait()
        self._running = None
        if status != 0:
            if self.limits.memory_bytes and status != REFUSED:  # there are many ways to have no memory
                last = f"it failed within --job-memory-mib {self.limits.memory_bytes // MIB}: {last or status}"
            return replace(job, state=FAILED, told=last.replace(str(folder), "job"), finished=time.time())
        return replace(job, state=DONE, told="", finished=time.time())


class _AllowedRedirects(urllib.request.HTTPRedirectHandler):
    """An allowed address leads to allowed ones alone."""

    def __init__(self, limits: JobLimits) -> None:
        self._limits = limits

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        if not self._limits.allow(newurl):
            raise UserError(f"{req.full_url}: leads to an address that is not allowed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def bound_memory(pid: int, most: int) -> None:
    """Refuse a process more data, stacks and private mappings than so many bytes, where the system can (Linux)."""
    import resource

    if hasattr(resource, "prlimit"):
        resource.prlimit(pid, resource.RLIMIT_DATA, (most, most))


def copy_within(source: Any, file: BinaryIO, most: int) -> None:
    """Copy not more than so many bytes.

    Raises:
        UserError: there are more.
    """
    copied = 0
    while part := source.read(MIB):
        copied += len(part)
        if copied > most:
            raise UserError(f"the video is larger than {most} bytes")
        file.write(part)
