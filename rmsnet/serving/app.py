"""What may be asked of the service.

POST /spot          the bytes of a .npy file; {"events": […], "drift": {…}}
POST /invocations   MLflow's protocol: {"inputs": [[…], …]}, answered by {"predictions": [event, …]}
GET  /model         what is served
GET  /health        200 as long as the server answers (also /ping); /version is MLflow's
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from starlette.requests import ClientDisconnect

from rmsnet.serving.bodies import BodyMemory, announced_bytes, receive_body
from rmsnet.serving.limits import Limits
from rmsnet.serving.model import ServedModel
from rmsnet.serving.refusals import Refused
from rmsnet.serving.requests import Body, features_of, invocation_of, require_plain, switches
from rmsnet.serving.turns import Turns

Answer = dict[str, Any]


def make_app(current: Callable[[], ServedModel], limits: Limits, stopping: Callable[[], bool]) -> FastAPI:
    """The web application.

    Args:
        current: the model that answers the request that comes now.
        limits: what clients may cost.
        stopping: whether the server was told to end.
    """
    memory = BodyMemory(limits.memory_bytes)
    turns = Turns(limits.at_once)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        turns.close()

    app = FastAPI(title="rmsnet", version=version("rmsnet"), lifespan=lifespan)

    async def computed(request: Request, compute: Callable[[ServedModel, Body], Answer]) -> Answer:
        """What `compute` makes of the request's body, when its turn has come."""
        require_plain(request.headers)
        size = announced_bytes(request.headers, limits)
        async with memory.held(size, limits.wait_seconds):
            body = await receive_body(request.receive, memory, limits, stopping)
            return await turns.take(lambda: compute(current(), body), limits.wait_seconds)

    @app.post("/spot")
    async def spot(request: Request) -> JSONResponse:
        """The events of a half: the body is a .npy file of its features."""
        thresholded = switches(request.query_params.multi_items(), ["thresholded"]).get("thresholded", False)

        def compute(model: ServedModel, body: Body) -> Answer:
            return model.answer(features_of(body, model.width, model.max_frames), thresholded)

        return JSONResponse(await computed(request, compute))

    @app.post("/invocations")
    async def invocations(request: Request) -> JSONResponse:
        """MLflow's protocol."""

        def compute(model: ServedModel, body: Body) -> Answer:
            return model.answer(*invocation_of(body, model.width, model.max_frames))

        return JSONResponse({"predictions": (await computed(request, compute))["events"]})

    @app.get("/model")
    async def model() -> JSONResponse:
        """What is served."""
        return JSONResponse(current().description)

    @app.get("/health")
    @app.get("/ping")
    async def health() -> JSONResponse:
        """Whether the server answers."""
        return JSONResponse({"status": "ok"})

    @app.get("/version")
    async def mlflow_version() -> PlainTextResponse:
        """MLflow's, as its own server says it."""
        return PlainTextResponse(version("mlflow"))

    @app.exception_handler(Refused)
    async def refuse(request: Request, error: Refused) -> JSONResponse:
        content = {"error": str(error)}
        if request.url.path == "/invocations":  # MLflow's clients read these
            content |= {"error_code": "BAD_REQUEST" if error.status < 500 else "TEMPORARILY_UNAVAILABLE"}
            content |= {"message": str(error)}
        return JSONResponse(content, error.status, error.headers)

    @app.exception_handler(ClientDisconnect)
    async def forget(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=499)  # nobody is there to read it

    return app
