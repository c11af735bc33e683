"""The process that serves a model: sockets, bounds, and an end in time."""

import gc
import logging
import os
from contextlib import nullcontext
from pathlib import Path

import uvicorn

from rmsnet.errors import UserError
from rmsnet.locks import writing
from rmsnet.serving.access import Keys, is_loopback
from rmsnet.serving.app import make_app
from rmsnet.serving.following import ModelInService, open_service
from rmsnet.serving.jobs import JobLimits, Jobs
from rmsnet.serving.limits import Limits
from rmsnet.serving.listening import address_of, listen, patient_protocol
from rmsnet.serving.logs import say, write_json_lines
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.shadow import Shadow
from rmsnet.serving.traces import Traces, no_traces, traces_of_environment


def serve(
    uri: str,
    host: str,
    port: int,
    limits: Limits,
    *,
    threads: int | None = None,
    api_key_file: Path | None = None,
    shadow: str | None = None,
    challenger_share: float = 0.0,
    jobs_folder: Path | None = None,
    job_limits: JobLimits | None = None,
    key: Path | None = None,
) -> None:
    """Serve a model until interrupted.

    Args:
        uri: see `load_served`.
        host: name or address to listen on.
        port: 0: a free one.
        limits: what clients may cost.
        threads: of the processor, for each half that is computed; None: all.
        api_key_file: keys of those who may ask; None: everybody may.
        shadow: URI of a challenger that answers along.
        challenger_share: of the requests that it answers itself.
        jobs_folder: queue of videos; None: none are taken.
        job_limits: what they may cost.
        key: public key of whom must have signed what is served; None: nobody.

    Raises:
        UserError: no such model, one that was damaged, no key, an address that cannot be had, a queue that another
            server has.
    """
    if threads is not None and threads < 1:
        raise UserError(f"--threads {threads}: at least one")
    if threads is not None:
        # Read when the library that computes is loaded, here and in the process of a job.
        os.environ["OMP_NUM_THREADS"] = str(threads)
    if challenger_share and not shadow:
        raise UserError("--challenger-share: name the challenger with --shadow")
    keys, traces = Keys(api_key_file) if api_key_file else None, traces_of_environment()
    metrics = Metrics()
    challenger = Shadow(shadow, metrics, challenger_share, key) if shadow else None
    queue_lock = nullcontext() if jobs_folder is None else writing(jobs_folder)
    with queue_lock:
        service = open_service(uri, metrics, key)
        jobs = None
        if jobs_folder is not None:
            jobs = Jobs(jobs_folder, job_limits or JobLimits(), lambda: str(service.current.description["uri"]))
        _run(service, metrics, limits, keys, challenger, jobs, traces, host, port)


def _run(
    service: ModelInService,
    metrics: Metrics,
    limits: Limits,
    keys: Keys | None,
    challenger: Shadow | None,
    jobs: Jobs | None,
    traces: Traces,
    host: str,
    port: int,
) -> None:
    listeners = listen(host, port)
    write_json_lines()
    say("serving", **service.state(), addresses=[address_of(listener) for listener in listeners])
    if keys is None and not all(is_loopback(listener.getsockname()[0]) for listener in listeners):
        say("everybody who reaches this machine may ask; set --api-key-file", logging.WARNING)
    # What is loaded stays: to look through it for garbage would take time of requests, and seconds at the end.
    gc.collect()
    gc.freeze()
    server = make_server(service, metrics, limits, keys, challenger, jobs, traces)
    if jobs is not None:
        jobs.start()
    try:
        server.run(listeners)
    except KeyboardInterrupt:  # the signal that ended it, which uvicorn raises again
        say("ended")


def make_server(
    service: ModelInService,
    metrics: Metrics,
    limits: Limits,
    keys: Keys | None = None,
    shadow: Shadow | None = None,
    jobs: Jobs | None = None,
    traces: Traces = no_traces,
) -> uvicorn.Server:
    """A server that is not listening yet."""
    server: uvicorn.Server
    app = make_app(service, metrics, limits, lambda: server.should_exit, keys, shadow, jobs, traces)
    config = uvicorn.Config(
        app,
        http=patient_protocol(limits),
        ws="none",
        limit_concurrency=limits.connections,
        timeout_graceful_shutdown=limits.stop_seconds,
        log_config=None,
        log_level="warning",
        access_log=False,
    )
    server = uvicorn.Server(config)
    return server
