"""What the page asks of the server; all paths lie below /TOKEN.

GET  /                        the matches; of one match its page
GET  /match/N/                the page of match N
GET  /match/N/state           {"version", "marks": {id: mark}, "kick_offs": […], "undo", "redo", "problem", "saved", …}
GET  /match/N/since/V         {"steps": [{"version", "what", "changes", "kick_offs", "by", "at", "key"}], …as state}
POST /match/N/edit            {"key", "what", "changes": [{"id", "before", "after"}], "kick_offs": [before, after]}
POST /match/N/undo, /redo     {"key", "version"}
POST /match/N/copy/HALF       make a copy of a video for browsers
POST /match/N/import?name=F   the bytes of a file in any format; its events become one edit
GET  /match/N/export/FORMAT   the labels in a format; several files as a zip
GET  /match/N/video/HALF      with Range
GET  /match/N/suggestions     what the model says; 404 until it has said it
GET  /match/N/wave/HALF       how loud the sound is

A mark is {"half", "position_ms", "label", "team", "visible", "end_ms", "confidence", "head", "extra"}. An edit that
starts from something else than what is there is answered 409 with the version; one that finds no room on the disk 507.
Both have changed nothing. The same key again is answered as before.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from rmsnet.annotating.desk import Desk, Desks
from rmsnet.annotating.edits import Conflict
from rmsnet.annotating.exchange import exported, imported
from rmsnet.annotating.journal import Kind
from rmsnet.annotating.page.pages import match_page, overview_page
from rmsnet.annotating.requests import edit_of, turn_of
from rmsnet.annotating.store import Step
from rmsnet.errors import UserError, one_line
from rmsnet.files import FULL

LARGEST_BODY = 8 << 20
"""Of an edit; a label file that is read in has less."""

Answer = Callable[[Request], Awaitable[Response]]


def make_app(desks: Desks, annotator: str) -> Starlette:
    """The web application.

    Args:
        desks: the matches.
        annotator: whose edits these are.
    """

    def told(answer: Callable[[Request, Desk, bytes], Response]) -> Answer:
        """A view of a match, run beside the event loop, whose refusals are one line each."""

        async def view(request: Request) -> Response:
            body = await _body(request)
            if body is None:
                return _refusal(413, f"more than {LARGEST_BODY >> 20} MB")
            return await asyncio.to_thread(_answered, answer, request, desks, body)

        return view

    async def root(request: Request) -> Response:
        if len(desks.games) == 1:
            return RedirectResponse("match/1/")
        rows = await asyncio.to_thread(desks.overview)
        return HTMLResponse(overview_page(rows))

    def page(request: Request, desk: Desk, _: bytes) -> Response:
        return HTMLResponse(match_page(desk, annotator, several=len(desks.games) > 1))

    def state(_: Request, desk: Desk, __: bytes) -> Response:
        desk.store.look()
        desk.store.save()
        kept = desk.store.state
        marks = {id: asdict(mark) for id, mark in kept.marks.items()}
        return JSONResponse({"marks": marks, "kick_offs": kept.kick_offs, **desk.status()})

    def since(request: Request, desk: Desk, _: bytes) -> Response:
        desk.store.look()
        desk.store.save()
        steps = desk.store.since(int(request.path_params["version"]))
        return JSONResponse({"steps": list(map(_step, steps)), **desk.status()})

    def edit(_: Request, desk: Desk, body: bytes) -> Response:
        asked = edit_of(body, desk.classes, {half.number for half in desk.game.halves})
        return done(desk, desk.store.act("edit", annotator, asked.key, asked.edit))

    def undo(request: Request, desk: Desk, body: bytes) -> Response:
        asked = turn_of(body)
        kind: Kind = "undo" if request.url.path.endswith("undo") else "redo"
        return done(desk, desk.store.act(kind, annotator, asked.key, version=asked.version))

    def done(desk: Desk, version: int) -> Response:
        return JSONResponse({"done": version, **desk.status()})

    def copy(request: Request, desk: Desk, _: bytes) -> Response:
        desk.copy(_half(request, desk))
        return JSONResponse(desk.status(), 202)

    def video(request: Request, desk: Desk, _: bytes) -> Response:
        path = desk.video(_half(request, desk))
        if path is None:
            return _refusal(404, "the half has no video that browsers play, or not yet")
        return FileResponse(path, headers={"Cache-Control": "no-store"})

    def suggestions(_: Request, desk: Desk, __: bytes) -> Response:
        return _refusal(404, "not yet") if desk.suggestions is None else JSONResponse(desk.suggestions)

    def wave(request: Request, desk: Desk, _: bytes) -> Response:
        return JSONResponse(desk.waves.get(_half(request, desk), []))

    def take_in(request: Request, desk: Desk, body: bytes) -> Response:
        asked = imported(desk, body, request.query_params.get("name", ""))
        version = desk.store.act("edit", annotator, desk.store.new_id(), asked.edit) if asked.edit.changes else 0
        return JSONResponse({"done": version, "added": len(asked.edit.changes), "notes": asked.notes, **desk.status()})

    def export(request: Request, desk: Desk, _: bytes) -> Response:
        name, content = exported(desk, request.path_params["form"])
        headers = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
        return Response(content, media_type="application/octet-stream", headers=headers)

    match = "/match/{number:int}"
    app = Starlette(
        routes=[
            Route("/", root),
            Route(f"{match}/", told(page)),
            Route(f"{match}/state", told(state)),
            Route(match + "/since/{version:int}", told(since)),
            Route(f"{match}/edit", told(edit), methods=["POST"]),
            Route(f"{match}/undo", told(undo), methods=["POST"]),
            Route(f"{match}/redo", told(undo), methods=["POST"]),
            Route(match + "/copy/{half:int}", told(copy), methods=["POST"]),
            Route(match + "/video/{half:int}", told(video)),
            Route(f"{match}/suggestions", told(suggestions)),
            Route(match + "/wave/{half:int}", told(wave)),
            Route(f"{match}/import", told(take_in), methods=["POST"]),
            Route(match + "/export/{form}", told(export)),
        ]
    )
    app.router.redirect_slashes = False  # it would lead to an address without the token
    return app


def _answered(
    answer: Callable[[Request, Desk, bytes], Response], request: Request, desks: Desks, body: bytes
) -> Response:
    desk = None
    try:
        desk = desks.desk(request.path_params["number"])
        return answer(request, desk, body)
    except Conflict as error:
        assert desk is not None
        return _refusal(409, f"not done: {error}", version=desk.store.history.version)
    except UserError as error:
        return _refusal(400, one_line(error))
    except OSError as error:
        return _refusal(507 if error.errno in FULL else 500, one_line(error))


def _step(step: Step) -> dict[str, Any]:
    edit = asdict(step.edit)
    return {"version": step.version, "act": step.act, **edit, "by": step.by, "at": step.at, "key": step.key}


def _half(request: Request, desk: Desk) -> int:
    number = int(request.path_params["half"])
    if number not in desk.footage:
        raise UserError(f"there is no half {number}")
    return number


async def _body(request: Request) -> bytes | None:
    """What was sent; None: too much."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST_BODY:
            return None
        parts.append(part)
    return b"".join(parts)


def _refusal(status: int, message: str, **more: Any) -> Response:
    return JSONResponse({"error": message, **more}, status)
