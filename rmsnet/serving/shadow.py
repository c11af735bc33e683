"""A challenger that answers along, unseen: users get the champion's events, operators the differences.

Log and metrics have them, and their counts go to the challenger's version in the registry.

The challenger is asked after the champion's answer is out, and only when nobody waits for a turn: it costs users
nothing but the processor's time of one half at most.
"""

import asyncio
import logging
import random
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rmsnet.errors import UserError
from rmsnet.registry.shadowed import record_shadow
from rmsnet.serving import following
from rmsnet.serving.following import ModelInService, open_service, require_same_contract
from rmsnet.serving.logs import say
from rmsnet.serving.metrics import Metrics
from rmsnet.serving.model import ServedModel
from rmsnet.serving.refusals import Refused
from rmsnet.serving.requests import Features
from rmsnet.serving.turns import Turns

SAME_EVENT_MS = 5000
"""Two models mean one event when they say the same within the metric's loosest small tolerance."""

Events = Sequence[Mapping[str, Any]]

Pair = tuple[str, str]
"""Challenger and champion, each NAME/VERSION."""


@dataclass(frozen=True)
class Asked:
    """A half that was answered.

    Attributes:
        request: id of the request.
        features: (T, D).
        thresholded: whether weak events were left out.
        champion: the model that is meant to answer.
        events: the answer.
        answered: the model that has answered.
    """

    request: str
    features: Features
    thresholded: bool
    champion: ServedModel
    events: Events
    answered: ServedModel


class Shadow:
    """The challenger behind a URI; its alias may name nothing until there is one."""

    def __init__(self, uri: str, metrics: Metrics, share: float = 0.0, key: Path | None = None) -> None:
        """Nothing is loaded yet.

        Args:
            uri: see `rmsnet.serving.model.load_served`.
            metrics: told of what differs.
            share: of the requests that the challenger answers, 0 to 1.
            key: public key of whom must have signed the challenger; None: nobody.

        Raises:
            UserError: no such share.
        """
        if not 0 <= share <= 1:
            raise UserError(f"--challenger-share {share}: must lie between 0 and 1")
        self.uri = uri
        self._share = share
        self._key = key
        self._metrics = metrics
        self._service: ModelInService | None = None
        self._trouble: str | None = None
        self._answering = False
        self._counted: defaultdict[Pair, Counter[str]] = defaultdict(Counter)
        self._unrecorded = ""

    async def follow(self) -> None:
        """Load what the alias means, now and whenever it moves, and record what was counted; for ever."""
        while True:
            await asyncio.to_thread(self.look)
            counted, self._counted = self._counted, defaultdict(Counter)
            for pair, counts in (await asyncio.to_thread(self.record, counted)).items():
                self._counted[pair] += counts
            await asyncio.sleep(following.FOLLOW_SECONDS)

    def record(self, counted: Mapping[Pair, Counter[str]]) -> Mapping[Pair, Counter[str]]:
        """Add counts to what the registry has of each challenger; those that it does not take, for the next time."""
        left = dict(counted)
        try:
            for (challenger, champion), counts in counted.items():
                name, _, version = challenger.rpartition("/")
                record_shadow(name, int(version), champion, counts)
                del left[challenger, champion]
            self._unrecorded = ""
        except UserError as error:
            if not self._unrecorded:
                say("differences are not recorded", logging.WARNING, model=self.uri, trouble=str(error))
            self._unrecorded = str(error)
        return left

    def look(self) -> None:
        """Follow the alias; see `ModelInService.look`."""
        if self._service is not None:
            self._service.look()
            return
        try:
            self._service = open_service(
                self.uri, Metrics(), self._key
            )  # its own: those that are read are the champion's
            self._trouble = None
        except UserError as error:
            if self._trouble is None:
                say("there is no challenger", logging.WARNING, model=self.uri, trouble=str(error))
            self._trouble = str(error)

    def answering(self, champion: ServedModel) -> ServedModel:
        """The model that answers the request that comes now: the champion, or for its share the challenger."""
        if self._service is None or random.random() >= self._share:
            return champion
        try:
            require_same_contract(champion, self._service.current)
        except UserError:
            return champion
        return self._service.current

    async def ask(self, asked: Asked, turns: Turns) -> None:
        """Ask the other of the two what one has answered, and record where they differ; never raises."""
        if self._service is None:
            return
        if self._answering or turns.waiting:
            self._metrics.shadowed.labels("skipped").inc()
            return
        self._answering = True
        try:
            by_champion = asked.answered is asked.champion
            challenger = self._service.current if by_champion else asked.answered
            require_same_contract(asked.champion, challenger)
            other = challenger if by_champion else asked.champion
            answer = await turns.take(lambda: other.answer(asked.features, asked.thresholded), 0.0)
            ours, theirs = (asked.events, answer["events"]) if by_champion else (answer["events"], asked.events)
            self._record(asked, challenger, ours, theirs)
        except Refused:  # somebody was quicker
            self._metrics.shadowed.labels("skipped").inc()
        except Exception as error:
            self._metrics.shadowed.labels("failed").inc()
            say(
                "the challenger fails", logging.ERROR, request=asked.request, trouble=f"{type(error).__name__}: {error}"
            )
        finally:
            self._answering = False

    def _record(self, asked: Asked, challenger: ServedModel, ours: Events, theirs: Events) -> None:
        both, champions, challengers = differences(ours, theirs)
        for found_by, found in (("both", both), ("champion", champions), ("challenger", challengers)):
            for event in found:
                self._metrics.shadow_events.labels(event["label"], found_by).inc()
        self._metrics.shadowed.labels("compared").inc()
        if asked.champion.version and challenger.version:  # folders have no place in a registry
            pair = _registered(challenger), _registered(asked.champion)
            events = {"both": len(both), "champion_alone": len(champions), "challenger_alone": len(challengers)}
            self._counted[pair].update(halves=1, **events)
        say(
            "shadow",
            request=asked.request,
            champion=asked.champion.version,
            challenger=challenger.version,
            answered=asked.answered.version,
            both=len(both),
            champion_alone=champions,
            challenger_alone=challengers,
        )


def _registered(model: ServedModel) -> str:
    return str(model.description["uri"]).removeprefix("models:/")


def differences(ours: Events, theirs: Events) -> tuple[Events, Events, Events]:
    """Events of ours that they found too, those that we alone found, and those that they alone found.

    Surest first, each takes the nearest of the other's with its label within SAME_EVENT_MS.
    """
    left = list(theirs)
    both, alone = [], []
    for event in sorted(ours, key=lambda event: -event["confidence"]):

        def distance(other: Mapping[str, Any], event: Mapping[str, Any] = event) -> int:
            return abs(int(other["position_ms"]) - int(event["position_ms"]))

        near = [other for other in left if other["label"] == event["label"] and distance(other) <= SAME_EVENT_MS]
        if near:
            left.remove(min(near, key=distance))
            both.append(event)
        else:
            alone.append(event)
    return both, alone, left
