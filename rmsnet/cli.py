"""The `rmsnet` command: parses, calls, and turns refusals into one line and an exit status."""

import argparse
import io
import json
import os
import re
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rmsnet import __version__
from rmsnet.errors import CheckFailed, UserError, did_you_mean, one_line
from rmsnet.files import FULL
from rmsnet.waiting import abandoned


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; see `run_command`."""
    status = run_command(_parser(), arguments)
    if arguments is None and abandoned():
        # A server that never answers would keep this process alive by the threads of its library.
        sys.stdout.flush()
        os._exit(status)
    return status


class Terminated(KeyboardInterrupt):
    """SIGTERM: the machine, the cluster or a person ends this process; what is open is closed as after Ctrl-C."""


@contextmanager
def terminable() -> Iterator[None]:
    """Let SIGTERM raise `Terminated`."""

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        raise Terminated

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def run_command(parser: argparse.ArgumentParser, arguments: Sequence[str] | None) -> int:
    """Parse, and call the `run` of the command that was asked for.

    Returns:
        0: done; 1: a check failed or a promotion was refused; 2: bad input; 130: interrupted; 143: terminated.
    """
    switch_telemetry_off()
    speak_anywhere()
    options = parser.parse_args(arguments)
    program = parser.prog
    try:
        with terminable():
            for name in (*(sys.argv[1:] if arguments is None else arguments), str(Path.cwd())):
                _require_unicode(name)
            answer = options.run(options)
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
        if error.name is None or error.name.partition(".")[0] == "rmsnet":
            raise
        print(
            f"{program}: {error.name} is not installed for {sys.executable}; activate the environment (source "
            ".venv/bin/activate), or install what is missing",
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
    return 0


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
    """What a terminal, a log or a cron job has no characters for is written with escapes, instead of ending us."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


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
