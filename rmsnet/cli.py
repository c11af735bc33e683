"""The `rmsnet` command: parses, calls, and turns refusals into one line and an exit status."""

import argparse
import io
import json
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from rmsnet import __version__
from rmsnet.errors import CheckFailed, UserError, did_you_mean, one_line
from rmsnet.files import FULL
from rmsnet.logs import QUIET, VERBOSE, as_loud_as, log
from rmsnet.parts import installing
from rmsnet.waiting import abandoned


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; see `run_command`."""
    status = run_command("rmsnet", _parser, arguments)
    if arguments is None and abandoned():
        # A server that never answers would keep this process alive by the threads of its library.
        sys.stdout.flush()
        os._exit(status)
    return status


class Terminated(KeyboardInterrupt):
    """SIGTERM: the machine, the cluster or a person ends this process; what is open is closed as after Ctrl-C."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise `Terminated`, and let neither it nor Ctrl-C come while something is imported, but right after.

    A library that is interrupted while it loads takes that for a failure of its own, or goes on without what it lacks.
    """
    waiting = set[int]()

    def again(number: int) -> None:
        waiting.discard(number)
        os.kill(os.getpid(), number)

    def end(number: int, frame: FrameType | None) -> None:
        if number in waiting:
            return
        if _importing(frame):
            waiting.add(number)
            timer = threading.Timer(SECONDS_OF_AN_IMPORT, again, (number,))
            timer.daemon = True
            timer.start()
            return
        if number == signal.SIGINT:
            raise KeyboardInterrupt
        signal.signal(number, signal.SIG_IGN)
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {signal.SIGTERM: signal.signal(signal.SIGTERM, end)}
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # behind nohup, or a shell's &, it is ignored
        before[signal.SIGINT] = signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


SECONDS_OF_AN_IMPORT = 0.05
"""Until it is looked again whether it is done."""


def _importing(frame: FrameType | None) -> bool:
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def run_command(program: str, parser: Callable[[], argparse.ArgumentParser], arguments: Sequence[str] | None) -> int:
    """Parse, and call the `run` of the command that was asked for.

    Args:
        program: what it is called.
        parser: makes the parser of its commands.
        arguments: None: those of this process.

    Returns:
        0: done; 1: a check failed or a promotion was refused; 2: bad input; 130: interrupted; 143: terminated.
    """
    switch_telemetry_off()
    speak_anywhere()
    options = argparse.Namespace()
    try:
        with terminable():
            options = parser().parse_args(arguments)
            for name in (*(sys.argv[1:] if arguments is None else arguments), str(Path.cwd())):
                _require_unicode(name)
            loudness = getattr(options, "loudness", logging.INFO)
            if loudness >= QUIET:
                draw_no_bars()
            with as_loud_as(loudness):
                answer = _called(options)
        if answer is not None and getattr(options, "json", False):
            ascii_alone = (sys.stdout.encoding or "").lower().replace("-", "") != "utf8"
            print(json.dumps(answer, ensure_ascii=ascii_alone, allow_nan=False))
        sys.stdout.flush()
    except UserError as error:
        print(f"{program}: {one_line(error)}", file=sys.stderr)
        return 2
    except CheckFailed as error:
        print(f"{program}: {one_line(error)}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # The reader of our output went away (`rmsnet … | head`): nothing is left to say.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] == "rmsnet" or "run" not in options:
            raise
        line = installing(error.name, options.run.__module__.rpartition(".")[2]) or "install what is missing"
        print(
            f"{program}: {error.name} is not installed for {sys.executable}: {line}; or activate the environment that "
            "has it (source .venv/bin/activate)",
            file=sys.stderr,
        )
        return 2
    except OSError as error:
        # A full disk, a missing permission: the machine's refusal, not a bug.
        advice = "; make room, then run the same command again" if error.errno in FULL else ""
        print(f"{program}: {one_line(error)}{advice}", file=sys.stderr)
        return 2
    except KeyboardInterrupt as error:
        how, status = ("terminated", 143) if isinstance(error, Terminated) else ("interrupted", 130)
        print(f"{program}: {how}; run the same command again to continue", file=sys.stderr)
        return status
    finally:
        if arguments is None and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # the interpreter's end is nothing to be torn out of
    return 0


def _called(options: argparse.Namespace) -> Any:
    """The answer of a command; the debug log has the stack of what it refuses."""
    log.debug(f"rmsnet {__version__}, Python {sys.version.split()[0]}, {options.run.__module__}")
    began = time.monotonic()
    try:
        return options.run(options)
    except Exception:
        log.debug("the command ends here", exc_info=True)
        raise
    finally:
        log.debug(f"{time.monotonic() - began:.2f} s")


def switch_telemetry_off() -> None:
    """No dependency reports home, unless the environment says so on purpose."""
    for name, value in (
        ("DVC_NO_ANALYTICS", "true"),
        ("GX_ANALYTICS_ENABLED", "false"),
        ("HF_HUB_DISABLE_TELEMETRY", "1"),
        ("MLFLOW_DISABLE_TELEMETRY", "true"),
    ):
        os.environ.setdefault(name, value)


def speak_anywhere() -> None:
    """What a terminal, a log or a cron job has no characters for is written with escapes, instead of ending us.

    Where there is no terminal, no library draws a bar: each of its steps would be a line of the log.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    if not sys.stderr.isatty():
        draw_no_bars()


def draw_no_bars() -> None:
    """Of any library that asks, which is when it is imported."""
    for name in ("TQDM_DISABLE", "HF_HUB_DISABLE_PROGRESS_BARS"):
        os.environ.setdefault(name, "1")


def _require_unicode(name: str) -> None:
    """Refuse a path whose bytes are no text before anything is computed: it could be written nowhere.

    Raises:
        UserError: it says which.
    """
    try:
        name.encode()
    except UnicodeEncodeError:
        raise UserError(f"{name}: the name is not UTF-8, but in an older encoding; rename it") from None


class Parser(argparse.ArgumentParser):
    """A parser that guesses nothing: options in full, and a slip is one line with the nearest name there is."""

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **{"allow_abbrev": False, **settings})
        loudness = self.add_mutually_exclusive_group()
        for name, level, shown in (
            ("--quiet", QUIET, "show results and errors alone: no progress, no warnings"),
            ("--verbose", VERBOSE, "log on standard error what is read, written and asked, of libraries too"),
        ):
            # Behind a command as before it: what one of them has set, the other leaves as it is.
            loudness.add_argument(
                name, dest="loudness", action="store_const", const=level, default=argparse.SUPPRESS, help=shown
            )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """An option that is none is said by the command it was given to, not by the program."""
        known, unknown = super().parse_known_args(args, namespace)
        for given in unknown:
            if given.startswith("--"):
                name = given.partition("=")[0]
                options = [option for action in self._actions for option in action.option_strings]
                self.error(f"unrecognized arguments: {' '.join(unknown)}{did_you_mean(name, options)}")
        return known, unknown

    def error(self, message: str) -> Any:
        """One line, like every other bad input; `--help` has the rest."""
        if slip := re.search(r"invalid choice: '?([^' ]+)'? \(choose from (.*)\)", message):
            message += did_you_mean(slip[1], re.findall(r"[^', ]+", slip[2]))
        print(f"{self.prog}: {message}; see: {self.prog} --help", file=sys.stderr)
        raise SystemExit(2)


def _parser() -> argparse.ArgumentParser:
    from rmsnet.commands import (
        annotate,
        combine,
        compare,
        completion,
        data,
        doctor,
        evaluate,
        extract,
        live,
        page,
        registry,
        reproduce,
        serve,
        spot,
        standing,
        train,
        validate,
    )

    parser = Parser(
        prog="rmsnet",
        description="Event spotting in soccer video: from a dataset to a registered model. "
        "Alone it says where this project stands.",
    )
    parser.add_argument("--version", action="version", version=f"rmsnet {__version__}")
    parser.set_defaults(run=standing.run)
    commands = parser.add_subparsers(title="commands", metavar="COMMAND")
    for command in (
        data,
        validate,
        extract,
        train,
        combine,
        evaluate,
        compare,
        spot,
        page,
        annotate,
        live,
        reproduce,
        registry,
        serve,
        doctor,
        completion,
    ):
        command.add_parser(commands)
    return parser


if __name__ == "__main__":
    sys.exit(main())
