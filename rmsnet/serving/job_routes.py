"""What may be asked of the queue of videos.

POST /jobs                    a video as it is (?name=match.mkv), or {"url": "https://…"} as JSON; 202 and where to look
GET  /jobs/ID                 how far it is
GET  /jobs/ID/progress        the same as server-sent events, until it is done
GET  /jobs/ID/files/PATH      page, events, clips
"""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, JSONResponse, StreamingResponse

from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.serving.jobs import DONE, FAILED, Jobs
from rmsnet.serving.limits import MIB, Limits
from rmsnet.serving.refusals import Refused

URL_BYTES = 4096


def add_job_routes(app: FastAPI, jobs: Jobs, limits: Limits) -> None:
    """Let the application take videos."""

    @app.post("/jobs", status_code=202)
    async def create(request: Request, name: str = "1.mkv") -> JSONResponse:
        """Take a video, or the address of one; the answer says where to look."""
        if request.headers.get("content-type", "").startswith("application/json"):
            url = await _url_of(request, limits)
            job, _ = jobs.accept(url, url)
        else:
            job, path = jobs.accept(name)
            try:
                await _receive(request, path, jobs.limits.video_bytes, limits.stall_seconds)
            except BaseException:
                await asyncio.to_thread(jobs.forget, job)
                raise
        await asyncio.to_thread(jobs.enqueue, job)
        return JSONResponse(jobs.described(job), 202, {"Location": f"/jobs/{job.id}"})

    @app.get("/jobs/{identity}")
    async def state(identity: str) -> JSONResponse:
        """How far it is."""
        return JSONResponse(jobs.described(jobs.get(identity)))

    @app.get("/jobs/{identity}/progress")
    async def progress(identity: str) -> StreamingResponse:
        """How far it is, as server-sent events, until it is done."""
        jobs.get(identity)

        async def events() -> AsyncIterator[str]:
            seen = None
            while True:
                job = await asyncio.to_thread(jobs.follow, identity, seen)
                same, seen = job == seen, job
                yield ": no news\n\n" if same else f"data: {json.dumps(jobs.described(job))}\n\n"
                if job.state in (DONE, FAILED):
                    return

        return StreamingResponse(events(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    @app.get("/jobs/{identity}/files/{path:path}")
    async def file(identity: str, path: str) -> FileResponse:
        """What it has left: report.html, events.csv, highlights/…"""
        return FileResponse(jobs.file(identity, path), headers={"X-Content-Type-Options": "nosniff"})


async def _url_of(request: Request, limits: Limits) -> str:
    try:
        async with asyncio.timeout(limits.stall_seconds):
            body = bytearray()
            async for part in request.stream():
                body += part
                if len(body) > URL_BYTES:
                    raise Refused(413, "an address has no more than 4096 bytes; send videos as they are, not as JSON")
        return read_document(bytes(body), dict[str, str], "the body")["url"]
    except TimeoutError:
        raise Refused(408, "the body did not come") from None
    except (UserError, KeyError) as error:
        if isinstance(error, Refused):
            raise
        raise Refused(400, 'send {"url": "https://…"} or the bytes of a video') from None


async def _receive(request: Request, path: Path, most: int, stall_seconds: float) -> None:
    """Write a video to disk as it comes: it is never in memory."""
    received = 0
    parts = request.stream().__aiter__()
    with path.open("wb") as file:
        while True:
            try:
                async with asyncio.timeout(stall_seconds):
                    part = await anext(parts)
            except StopAsyncIteration:
                break
            except TimeoutError:
                raise Refused(408, f"nothing came for {stall_seconds:g} s") from None
            received += len(part)
            if received > most:
                raise Refused(413, f"the video is larger than {most // MIB} MiB")
            await asyncio.to_thread(file.write, part)
    if received == 0:
        raise Refused(400, 'send {"url": "https://…"} or the bytes of a video')
