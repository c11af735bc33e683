"""What may be asked of the service.

POST /spot          the bytes of a .npy file; {"events": […], "drift": {…}}
POST /invocations   MLflow's protocol: {"inputs": [[…], …]}, answered by {"predictions": [event, …]}
GET  /model         what is served
GET  /health        200 as long as the server answers (also /ping), and whether the model is the one that is meant
GET  /ready         200 when requests are welcome, 503 when not
GET  /metrics       for Prometheus
GET  /version       MLflow's

Videos: see `job_routes.py`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, PlainTextResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect

from rmsnet.serving.access import Guarded, Keys
from rmsnet.serving.bodies import BodyMemory, announced_bytes, receive_body
from rmsnet.serving.following import ModelInService
from rmsnet.serving.job_routes import add_job_routes
from rmsnet.serving.jobs import Jobs
from rmsnet.serving.limits import Limits
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.model import ServedModel
from rmsnet.serving.refusals import Refused
from rmsnet.serving.requests import Body, Features, features_of, invocation_of, require_plain, switches
from rmsnet.serving.shadow import Asked, Shadow
from rmsnet.serving.traces import Traces, no_traces
from rmsnet.serving.turns import Turns
from rmsnet.serving.watching import Watched

Answer = dict[str, Any]
Computed = tuple[Answer, BackgroundTask | None]


BUSY_SECONDS = 5.0
"""A server in which a request has waited for memory for so long is not ready for more."""


def make_app(
    service: ModelInService,
    metrics: Metrics,
    limits: Limits,
    stopping: Callable[[], bool],
    keys: Keys | None = None,
    shadow: Shadow | None = None,
    jobs: Jobs | None = None,
    traces: Traces = no_traces,
) -> Watched:
    """The web application.

    Args:
        service: the model.
        metrics: told of every request and half.
        limits: what clients may cost.
        stopping: whether the server was told to end.
        keys: of those who may ask; None: everybody may.
        shadow: a challenger that answers along.
        jobs: takes videos; None: they are not taken.
        traces: of requests.
    """
    memory = BodyMemory(limits.memory_bytes)
    turns = Turns(limits.at_once)
    metrics.watch("rmsnet_body_bytes", "Memory set aside for bodies.", lambda: memory.size - memory.free)
    metrics.watch("rmsnet_waiting_for_memory", "Requests that wait for memory.", lambda: memory.waiting)
    metrics.watch("rmsnet_waiting_for_turn", "Bodies that wait to be computed.", lambda: turns.waiting)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        followers = [asyncio.create_task(one.follow()) for one in (service, shadow) if one is not None]
        yield
        for follower in followers:
            follower.cancel()
        turns.close()
        if jobs is not None:
            jobs.close()

    app = FastAPI(title="rmsnet", version=version("rmsnet"), lifespan=lifespan)

    async def computed(request: Request, read: Callable[[ServedModel, Body], tuple[Features, bool]]) -> Computed:
        """What the model says of the features that `read` finds in the request's body, when its turn has come.

        And what is to be done after the answer is out.
        """

        def compute() -> tuple[Answer, Asked]:
            champion = service.current
            model = champion if shadow is None else shadow.answering(champion)
            features, thresholded = read(model, body)
            answer = model.answer(features, thresholded)
            return answer, Asked(request.state.request_id, features, thresholded, champion, answer["events"], model)

        require_plain(request.headers)
        async with memory.held(announced_bytes(request.headers, limits), limits.wait_seconds):
            body = await receive_body(request.receive, memory, limits, stopping)
            answer, asked = await turns.take(compute, limits.wait_seconds)
        frames = len(asked.features)
        metrics.count_half(str(answer["model"]["version"]), frames, answer["events"], answer["drift"])
        request.state.told |= {"bytes": len(body), "frames": frames, "events": len(answer["events"])}
        request.state.told |= {"drift": answer["drift"], "version": answer["model"]["version"]}
        return answer, None if shadow is None else BackgroundTask(shadow.ask, asked, turns)

    @app.post("/spot")
    async def spot(request: Request) -> JSONResponse:
        """The events of a half: the body is a .npy file of its features."""
        thresholded = switches(request.query_params.multi_items(), ["thresholded"]).get("thresholded", False)

        def read(model: ServedModel, body: Body) -> tuple[Features, bool]:
            return features_of(body, model.width, model.max_frames), thresholded

        answer, afterwards = await computed(request, read)
        return JSONResponse(answer, headers=model_headers(answer), background=afterwards)

    @app.post("/invocations")
    async def invocations(request: Request) -> JSONResponse:
        """MLflow's protocol."""

        def read(model: ServedModel, body: Body) -> tuple[Features, bool]:
            return invocation_of(body, model.width, model.max_frames)

        answer, afterwards = await computed(request, read)
        return JSONResponse({"predictions": answer["events"]}, headers=model_headers(answer), background=afterwards)

    @app.get("/model")
    async def model() -> JSONResponse:
        """What is served."""
        return JSONResponse(service.current.description)

    @app.get("/health")
    @app.get("/ping")
    async def health() -> JSONResponse:
        """Whether the server answers; and whether what it serves is what was meant, which no restart mends."""
        return JSONResponse({"status": "ok", **service.state()})

    @app.get("/ready")
    async def ready() -> JSONResponse:
        """Whether requests are welcome."""
        if stopping():
            return JSONResponse({"ready": False, "why": "the server ends"}, 503)
        if memory.waited_seconds > BUSY_SECONDS:
            return JSONResponse({"ready": False, "why": f"{memory.waiting} requests wait for memory"}, 503)
        return JSONResponse({"ready": True})

    @app.get("/metrics")
    async def metrics_text() -> Response:
        """For Prometheus."""
        return Response(metrics.text(), media_type=CONTENT_TYPE_LATEST)

    @app.get("/version")
    async def mlflow_version() -> PlainTextResponse:
        """MLflow's, as its own server says it."""
        try:
            return PlainTextResponse(version("mlflow"))
        except PackageNotFoundError:
            raise Refused(404, "there is no MLflow here") from None

    @app.exception_handler(Refused)
    async def refuse(request: Request, error: Refused) -> JSONResponse:
        request.state.told["refused"] = str(error)
        content = {"error": str(error)}
        if request.url.path == "/invocations":  # MLflow's clients read these
            content |= {"error_code": "BAD_REQUEST" if error.status < 500 else "TEMPORARILY_UNAVAILABLE"}
            content |= {"message": str(error)}
        return JSONResponse(content, error.status, error.headers)

    @app.exception_handler(Exception)
    async def apologize(request: Request, error: Exception) -> JSONResponse:
        identity = request.state.request_id
        return JSONResponse({"error": f"an error of the server; its log has it beside request {identity}"}, 500)

    @app.exception_handler(ClientDisconnect)
    async def forget(request: Request, error: ClientDisconnect) -> Response:
        return Response(status_code=499)  # nobody is there to read it

    if jobs is not None:
        metrics.watch("rmsnet_jobs_waiting", "Videos that wait or are spotted.", lambda: jobs.waiting)
        add_job_routes(app, jobs, limits)
    return Watched(app if keys is None else Guarded(app, keys), metrics, traces)


def model_headers(answer: Answer) -> dict[str, str]:
    """Which model has answered, for those whose protocol has no place for it."""
    return {"X-Model-Version": str(answer["model"]["version"] or answer["model"]["name"])}
