"""The process behind the page: sockets on the loopback, an address with a token, an end that leaves all saved."""

import socket
import sys
import webbrowser
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import uvicorn

from rmsnet.annotating.access import Guarded, new_token
from rmsnet.annotating.app import make_app
from rmsnet.annotating.desk import Desks
from rmsnet.annotating.games import Asked, find_games, said_of_labels
from rmsnet.annotating.next_games import next_games
from rmsnet.annotating.suggesting import open_suggester
from rmsnet.errors import UserError
from rmsnet.files import content_hash
from rmsnet.logs import log
from rmsnet.serving.listening import address_of, listen

LOOPBACK = "127.0.0.1"

PORTS = range(20_000, 30_000)
"""Below those that systems give to connections."""

STOP_SECONDS = 2
"""A video that is being sent does not keep the server from ending."""


def annotate(
    sources: Sequence[Path],
    asked: Asked,
    *,
    models: Sequence[str] = (),
    moments: int = 0,
    annotator: str,
    port: int | None = None,
    device: str = "auto",
    browse: bool = False,
    tell: Callable[[str], object] = print,
) -> None:
    """Serve the page until interrupted.

    Args:
        sources: see `games.find_games`.
        asked: what is said of labels.
        models: folders or URIs; the first suggests, all are asked what is worth a look.
        moments: choose so many that are worth a look, of games that have no labels; 0: none are chosen.
        annotator: whose edits these are.
        port: 0: a free one; None: the same for the same source, so that what the browser keeps for it is found again.
        device: where the model computes.
        browse: open the page in the browser.
        tell: is told the address.

    Raises:
        UserError: nothing to annotate, labels that cannot be kept, no model or one of other classes.
    """
    suggesters = [open_suggester(model, device) for model in models]
    suggester = suggesters[0] if suggesters else None
    known = asked if suggester is None else replace(asked, model_classes=suggester.spotter.classes)
    games = find_games(sources, "" if suggester is None else suggester.features)
    if moments:
        games = next_games(games, sources[0], suggesters, known, moments, tell)
    desks = Desks(games, known, suggester)
    try:
        desks.desk(1)  # what cannot be annotated is said before anybody opens a page
        if said := said_of_labels(games[0], known):
            log.info(said)
        (listener,) = _listen(sources[0], port)
        token = new_token()
        address = f"{address_of(listener)}/{token}/"
        server = make_server(desks, token, annotator)
        tell(address)
        sys.stdout.flush()
        if browse:
            webbrowser.open(address)
        server.run([listener])
    finally:
        desks.close()


def _listen(source: Path, port: int | None) -> list[socket.socket]:
    if port is not None:
        return listen(LOOPBACK, port)
    usual = PORTS.start + int(content_hash(str(source.resolve()))[:8], 16) % len(PORTS)
    try:
        return listen(LOOPBACK, usual)
    except UserError:  # taken
        return listen(LOOPBACK, 0)


def make_server(desks: Desks, token: str, annotator: str) -> uvicorn.Server:
    """A server that is not listening yet."""
    config = uvicorn.Config(
        Guarded(make_app(desks, annotator), token),
        ws="none",
        lifespan="off",
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    return uvicorn.Server(config)
