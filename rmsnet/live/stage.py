"""Spot a match while it is played, and leave at its end what spotting its recordings leaves."""

import json
import queue
import sys
import threading
import urllib.error
import urllib.request
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from rmsnet.dataset.periods import periods_of
from rmsnet.documents import read_document
from rmsnet.errors import UserError
from rmsnet.files import contents, write_json
from rmsnet.live.clips import Clips
from rmsnet.live.journal import JOURNAL, Journal
from rmsnet.live.page import live_page
from rmsnet.live.periods import STATE_FOLDER, Period, State, read_state
from rmsnet.live.recorder import Recorder
from rmsnet.live.server import start_server
from rmsnet.live.source import Source
from rmsnet.live.spotter import PeriodSpotter
from rmsnet.live.webhook import Webhook
from rmsnet.locks import alone
from rmsnet.logs import log
from rmsnet.matches.one_match import SpottedMatch
from rmsnet.matches.stage import least_told, params_of, spot_stage
from rmsnet.matches.stretches import choose_stretches
from rmsnet.network.onnx_model import load_spotter
from rmsnet.tracking import find_model
from rmsnet.video.extractor import features_of, open_extractor
from rmsnet.video.growing import GrowingFile
from rmsnet.video.recipe import recipe_of
from rmsnet.waiting import abandon

ADDRESS = "address.json"

DELIVERY_SECONDS = 60.0
"""What was said may take so long to arrive when the match is over."""

PRINTING_SECONDS = 5.0
"""Likewise for what is printed, where nobody may be reading."""

KEYS = {"k": "kick-off", "e": "end", "q": "finish"}


@alone
def live_stage(
    source: str,
    model: str,
    out: Path,
    *,
    webhook: str | None = None,
    port: int = 0,
    wait: bool = False,
    period_gap: float = 300.0,
    end_after: float = 1800.0,
    confidence: float | None = None,
    before: list[str] | None = None,
    after: list[str] | None = None,
    clips: bool = True,
    device: str = "auto",
    print_lines: bool = False,
    keys: bool = False,
) -> SpottedMatch:
    """Spot a match while it is played.

    Args:
        source: see `rmsnet.live.source.Source`.
        model: a model folder or URI; its features are made from video.
        out: gets events.jsonl, the recordings with video.ini, clips/, and at the end what `spot_stage` leaves.
        webhook: gets every line of events.jsonl.
        port: of the page; 0: a free one.
        wait: for a kick-off that somebody tells; else the first picture is one.
        period_gap: seconds without pictures between two periods.
        end_after: seconds without pictures after which the match is over.
        confidence, before, after, device: see `spot_stage`.
        clips: whether clips are cut.
        print_lines: print every line on standard output.
        keys: k, e and q on standard input begin and end periods, and the match.

    Raises:
        UserError: no such source or model, a model of other features, a folder that holds another match.
    """
    if not (period_gap > 0 and end_after > 0):
        raise UserError("--period-gap and --end-after must be above 0")
    hook = None
    folder = find_model(model)
    spotter = load_spotter(folder, device)
    recipe = recipe_of(spotter.config["features"], str(folder))
    extractor = open_extractor(recipe, folder, device)
    # The first batch takes seconds: not those of the match.
    black = np.zeros((recipe.height, recipe.width, 3), np.uint8)
    deque(features_of([black] * extractor.frames_at_once, extractor))
    params, least = params_of(spotter, None), least_told(folder, spotter, confidence)
    periods = periods_of(spotter.config)
    stretches = choose_stretches(spotter.classes, before or [], after or [], None, None, len(periods))
    state = _state(out, source, str(spotter.config["weights_hash"]))
    if state.over:
        raise UserError(f"{out}: this match is over; its events are there; for another one name another --out")
    stream = Source(source, end_after, _tell)
    (out / STATE_FOLDER).mkdir(parents=True, exist_ok=True)
    journal = Journal(out / JOURNAL)
    if webhook is not None:
        hook = Webhook(webhook, journal, out / STATE_FOLDER / "webhook.json", _tell)
    begun: queue.Queue[tuple[Period, GrowingFile] | None] = queue.Queue()
    known = {line["half"] for line in journal.lines if line["state"] == "period"}
    halted, failed = threading.Event(), []

    def begin(period: Period, growing: GrowingFile) -> None:
        if period.number not in known:
            known.add(period.number)
            journal.say("period", half=period.number)
        begun.put((period, growing))

    recorder = Recorder(
        out, state, gap_seconds=period_gap, periods=len(periods), begun=begin, tell=_tell, at_once=not wait,
        live=stream.live,
    )  # fmt: skip

    def act(action: str, seconds_ago: float) -> str:
        if action == "finish":
            halted.set()
            return "the match is over"
        number = recorder.kick_off(seconds_ago) if action == "kick-off" else recorder.end_period()
        if number == 0:
            raise UserError("no period is on" if action == "end" else "there is no picture yet, or no period left")
        return f"period {number} {'is on' if action == 'kick-off' else 'is over'}"

    def status() -> Mapping[str, Any]:
        return {
            "source": source,
            "period": recorder.period,
            "seconds": round(recorder.seconds, 1),
            "trouble": stream.trouble,
            "webhook_waiting": 0 if hook is None else hook.waiting,
        }

    title = out.resolve().name
    address = start_server(port, live_page(title, spotter, stretches), out, journal, status, act)
    write_json(out / STATE_FOLDER / ADDRESS, address)
    _tell(f"the match fills {address}/")
    cutter = Clips(
        out, journal, stretches, lambda half: (recorder.readable_seconds(half), recorder.period != half), _tell
    )
    spotting = PeriodSpotter(out, spotter, params, least, extractor, journal, recorder.write_trims)

    def spot() -> None:
        while (one := begun.get()) is not None:
            try:
                spotting.follow(*one)
            except UserError as error:
                _tell(f"period {one[0].number}: {error}")
            except BaseException as error:
                failed.append(error)
                halted.set()
                return

    worker = threading.Thread(target=spot, name="spotting", daemon=True)
    worker.start()
    abandon(worker)
    if hook is not None:
        hook.start()
    if clips:
        cutter.start()
    printer = threading.Thread(target=_print, args=(journal, len(journal.lines)), name="lines", daemon=True)
    if print_lines:
        printer.start()
    if keys:
        threading.Thread(target=_read_keys, args=(act,), name="keys", daemon=True).start()
    # Reading waits for the network, where no signal reaches it.
    reader = threading.Thread(target=stream.read, args=(recorder, halted.is_set), name="stream", daemon=True)
    reader.start()
    abandon(reader)
    while reader.is_alive() and not halted.is_set():
        reader.join(0.2)
        recorder.flush_if_late()
    if not failed:
        recorder.finish()
        begun.put(None)
        worker.join()
    if failed:
        raise failed[0]
    if clips:
        cutter.finish()
    if not recorder.state.periods:
        raise UserError(f"{source}: no pictures came ({stream.trouble or 'no kick-off was told'})")
    done = spot_stage([out], model, out, confidence=confidence, before=before or [], after=after or [], device=device)[
        0
    ]
    journal.say("over", events=len(done.told))
    if print_lines:
        printer.join(PRINTING_SECONDS)
    if hook is not None and (left := hook.wait(DELIVERY_SECONDS)):
        _tell(f"--webhook {webhook}: {left} lines have not arrived; they are in {out / JOURNAL}")
    return done


def tell_running(out: Path, action: str, seconds_ago: float) -> str:
    """Tell the command that spots into a folder to begin or end a period; what came of it.

    Raises:
        UserError: nothing runs there, or it refuses.
    """
    path = out / STATE_FOLDER / ADDRESS
    if not path.exists():
        raise UserError(f"{out}: no match is spotted there; begin with rmsnet live SOURCE --model … --out {out}")
    request = urllib.request.Request(  # our own address
        f"{read_document(path, str)}/period",
        f'{{"do": "{action}", "seconds_ago": {seconds_ago}}}'.encode(),
        {"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return str(read_document(answer.read(), dict[str, Any])["done"])
    except urllib.error.HTTPError as error:
        raise UserError(str(read_document(error.read(), dict[str, Any], "answer").get("error"))) from None
    except OSError:
        raise UserError(f"{out}: what spotted there runs no more; begin it again with the same command") from None


def _state(out: Path, source: str, weights: str) -> State:
    """What there is of this match.

    Raises:
        UserError: the folder holds something else.
    """
    state = read_state(out)
    if state is None:
        held = [path.name for path in contents(out) if path.name != STATE_FOLDER] if out.exists() else []
        if held:
            raise UserError(f"{out}: holds {held[0]} and no match that goes on; name another --out")
        return State(source, weights)
    if (state.source, state.model) != (source, weights):
        what = f"comes from {state.source}" if state.source != source else "is spotted by another model"
        raise UserError(f"{out}: the match there {what}; name another --out")
    return state


def _tell(line: str) -> None:
    log.info(f"live: {' '.join(line.split())}")


def _print(journal: Journal, after: int) -> None:
    with suppress(OSError):  # nobody reads it any more
        for line in filter(None, journal.follow(after)):
            print(json.dumps(line), flush=True)
            if line["state"] == "over":
                return


def _read_keys(act: Any) -> None:
    for line in sys.stdin:
        action = KEYS.get(line.strip().lower())
        try:
            _tell(act(action, 0.0) if action else "k: kick-off, e: end of the period, q: end of the match")
        except UserError as error:
            _tell(str(error))
