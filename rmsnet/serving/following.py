"""The model in service, which follows its alias: a version that is promoted or rolled back to reaches users by itself.

The new version is loaded and tried beside the old one and takes its place between two requests. One that cannot take
it leaves the old one serving; /health, the log and the metrics say why until it is mended.
"""

import asyncio
import logging
import re
import time
from pathlib import Path
from typing import Any

from rmsnet import tracking
from rmsnet.errors import CheckFailed, UserError
from rmsnet.serving.logs import say
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.model import ServedModel, load_served

FOLLOW_SECONDS = 20.0
"""Between two looks at the alias."""

AGAIN_SECONDS = 300.0
"""A version that could not be loaded is tried again after that, then after twice as long, and so on."""

AGAIN_AT_MOST_SECONDS = 3600.0

_ALIAS = re.compile(r"models:/([^/@]+)@([^/@]+)")

_CONTRACT = ("classes", "width", "frame_rate", "first_frame_seconds", "features")
"""Of a config: what clients send and what they are answered in."""


class ModelInService:
    """What answers now, and what is known of the alias it follows.

    Attributes:
        uri: what the server was asked to serve.
        current: the model that answers the request that comes now.
        wanted: the version that the alias points at; None that names none any more, or of a folder.
        trouble: why the model that the alias means is not served; None: it is.
    """

    def __init__(self, uri: str, current: ServedModel, metrics: Metrics, key: Path | None = None) -> None:
        """Serve a model that is loaded; see `open_service`."""
        self.uri = uri
        self.current = current
        self.wanted = current.version
        self.trouble: str | None = None
        self._alias = _ALIAS.fullmatch(uri)
        self._metrics = metrics
        self._key = key
        self._failed: int | None = None
        self._again = self._pause = 0.0
        self._announce()

    def state(self) -> dict[str, Any]:
        """As /health says it."""
        return {
            "model": self.uri,
            "version": self.current.version,
            "wanted_version": self.wanted,
            "trouble": self.trouble,
        }

    @property
    def follows(self) -> bool:
        """Whether what is meant may change."""
        return self._alias is not None

    async def follow(self) -> None:
        """Look at the alias from time to time, for ever; returns at once where there is none."""
        while self.follows:
            await asyncio.sleep(FOLLOW_SECONDS)
            await asyncio.to_thread(self.look)

    def look(self) -> None:
        """Serve what the alias means now. Never raises: what is served goes on being served."""
        try:
            self._catch_up()
        except (UserError, CheckFailed) as error:
            self._complain(str(error))
        except Exception as error:  # a model that is broken in a way nobody has thought of
            self._complain(f"{self.uri}: {type(error).__name__}: {error}")
        self._metrics.wanted.set(self.wanted or 0)
        self._metrics.trouble.set(self.trouble is not None)

    def _catch_up(self) -> None:
        assert self._alias
        self.wanted = tracking.aliases(self._alias[1]).get(self._alias[2])
        if self.wanted is None:
            raise UserError(f"{self.uri}: the alias names no version any more; rmsnet registry history says since when")
        if self.wanted == self.current.version:
            self.trouble = self._failed = None
            return
        if self.wanted == self._failed and time.monotonic() < self._again:
            return
        try:
            found = load_served(f"models:/{self._alias[1]}/{self.wanted}", self._key)
            require_same_contract(self.current, found)
        except Exception:
            again = self.wanted == self._failed
            self._pause = min(2 * self._pause, AGAIN_AT_MOST_SECONDS) if again else AGAIN_SECONDS
            self._failed, self._again = self.wanted, time.monotonic() + self._pause
            self._metrics.reloads.labels("failed").inc()
            raise
        before, self.current = self.current.version, found
        self.trouble = self._failed = None
        self._metrics.reloads.labels("loaded").inc()
        self._announce()
        say("another version is served", model=self.uri, version=found.version, before=before)

    def _announce(self) -> None:
        description = self.current.description
        self._metrics.model.info({key: str(description[key]) for key in ("name", "version", "weights_hash")})
        self._metrics.version.set(self.current.version or 0)
        self._metrics.wanted.set(self.wanted or 0)

    def _complain(self, trouble: str) -> None:
        if trouble != self.trouble:  # once, not at every look
            say(
                "the alias cannot be followed",
                logging.ERROR,
                model=self.uri,
                trouble=trouble,
                served=self.current.version,
            )
        self.trouble = trouble


def open_service(uri: str, metrics: Metrics, key: Path | None = None) -> ModelInService:
    """Load the model that a URI means now.

    Args:
        uri: see `load_served`; models:/NAME@ALIAS is followed.
        metrics: told of what is served.
        key: public key of whom must have signed what is served; None: nobody.

    Raises:
        UserError, CheckFailed: see `load_served`.
    """
    alias = _ALIAS.fullmatch(uri)
    version = tracking.aliases(alias[1]).get(alias[2]) if alias else None
    found = load_served(uri if alias is None or version is None else f"models:/{alias[1]}/{version}", key)
    return ModelInService(uri, found, metrics, key)


def require_same_contract(old: ServedModel, new: ServedModel) -> None:
    """Refuse to replace a model by one that its clients could not use unawares.

    Raises:
        UserError: it reads other features or answers in other classes.
    """
    for key in _CONTRACT:
        ours, theirs = old.description[key], new.description[key]
        if ours != theirs:
            raise UserError(
                f"{new.description['uri']}: its {key} are {theirs}, those of the model that is served {ours}; clients "
                "must know: restart the server to serve it"
            )
