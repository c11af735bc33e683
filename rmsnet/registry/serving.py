"""A model as a web service: MLflow's scoring server, input limits, and features as .npy instead of as text.

POST /invocations   MLflow's protocol: {"inputs": [[…], …]}, answered by {"predictions": [event, …]}
POST /spot          the bytes of a .npy file; {"events": […], "drift": {…}}
GET  /model         what is served
GET  /health        200 when the model is loaded (also /ping, /version)
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from rmsnet.errors import UserError
from rmsnet.reading.arrays import array_of, require_finite

if TYPE_CHECKING:
    from fastapi import FastAPI

MAX_BODY_BYTES = 64 * 2**20
"""A half of an hour and a half as .npy is 22 MB; one of 45 minutes as JSON about 55 MB."""

MAX_SECONDS = 3 * 3600
"""Of one half."""


def serve(uri: str, host: str, port: int) -> None:
    """Serve a model until interrupted.

    Raises:
        UserError: no such model, one that was damaged, or an address that cannot be had.
    """
    import socket

    import uvicorn

    app = make_app(uri)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise UserError(f"--host {host} --port {port}: cannot be listened to ({error.strerror})") from None
    uvicorn.run(app, host=host, port=port, log_level="warning")


def make_app(uri: str) -> "FastAPI":
    """The web application of a model.

    Args:
        uri: an MLflow URI such as models:/rmsnet@champion, or a folder with an MLflow model.

    Raises:
        UserError: no such model, or its files are not those that were registered.
    """
    import mlflow
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse
    from mlflow.pyfunc import scoring_server

    from rmsnet import tracking

    folder = tracking.fetch_model(uri)
    with tracking.asking(f"{uri} cannot be loaded"):
        loaded = tracking.load_with_our_code(folder)
    spotter = loaded.unwrap_python_model()
    app: FastAPI = scoring_server.init(loaded)
    description = describe(uri, folder, spotter.model.config)
    max_frames = int(MAX_SECONDS * spotter.model.config["frame_rate"])
    app.add_middleware(_BodyLimit, max_bytes=MAX_BODY_BYTES)

    async def model() -> JSONResponse:
        return JSONResponse(description)

    async def spot(request: Request) -> JSONResponse:
        try:
            features = features_of(await request.body(), max_frames)
            thresholded = request.query_params.get("thresholded", "false").lower() == "true"
            answer = await asyncio.to_thread(_answer, spotter, features, thresholded)
        except (UserError, mlflow.MlflowException) as error:
            return JSONResponse({"error": getattr(error, "message", str(error))}, status_code=400)
        return JSONResponse(answer)

    app.add_api_route("/model", model, methods=["GET"])
    app.add_api_route("/spot", spot, methods=["POST"])
    return app


def describe(uri: str, folder: Path, config: Mapping[str, Any]) -> dict[str, Any]:
    """What is served, as JSON."""
    keys = ("name", "classes", "width", "frame_rate", "first_frame_seconds", "features", "dataset", "simulated")
    return {"uri": uri, **{key: config[key] for key in (*keys, "weights_hash")}}


def features_of(body: bytes, max_frames: int) -> np.ndarray:
    """(T, D) float32 features from the bytes of a .npy file.

    Raises:
        UserError: no .npy file, not a matrix of numbers, or too many frames.
    """
    try:
        features = array_of(body)
    except ValueError as error:
        raise UserError(f"the body is no .npy file: {error}") from None
    if features.ndim != 2 or features.dtype.kind != "f":
        raise UserError("the body is no matrix of floating-point features, frames by width")
    if len(features) > max_frames:
        raise UserError(f"{len(features)} frames: at most {max_frames} are taken at once; send one half")
    require_finite(features, "the body", "send the features as they were extracted")
    return np.array(features, np.float32)


def _answer(spotter: Any, features: np.ndarray, thresholded: bool) -> dict[str, Any]:
    events = spotter.events(features, thresholded)
    found = spotter.drift(features)
    drift = None
    if found is not None:
        drift = {"distance": found.distance, "limit": found.limit, "drifted": found.drifted}
    return {"events": events.to_dict(orient="records"), "drift": drift}


class _BodyLimit:
    """Answers 413 to a body that is too large, whether or not its length was announced."""

    def __init__(self, app: Any, max_bytes: int) -> None:
        self.app = app
        self.max_bytes = max_bytes

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        announced = dict(scope["headers"]).get(b"content-length", b"0")
        if announced.isdigit() and int(announced) > self.max_bytes:
            await self._refuse(send)
            return
        body, more = bytearray(), True
        while more:
            message = await receive()
            if message["type"] != "http.request":
                return
            body += message.get("body", b"")
            more = message.get("more_body", False)
            if len(body) > self.max_bytes:
                await self._refuse(send)
                return
        taken = False

        async def replay() -> Any:
            nonlocal taken
            if taken:
                return await receive()
            taken = True
            return {"type": "http.request", "body": bytes(body), "more_body": False}

        await self.app(scope, replay, send)

    async def _refuse(self, send: Any) -> None:
        text = f'{{"error": "the body is larger than {self.max_bytes} bytes; send one half"}}'.encode()
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": 413, "headers": headers})
        await send({"type": "http.response.body", "body": text})
