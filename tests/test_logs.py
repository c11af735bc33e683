"""--quiet and --verbose: results always, the rest as loud as was asked."""

import logging
import sys
import warnings
from importlib import import_module

import pytest

from pipelines.__main__ import main as pipelines
from rmsnet.cli import main
from rmsnet.commands import extract
from rmsnet.errors import UserError
from rmsnet.logs import log
from rmsnet.progress import progress

COMMAND = ("extract", "data", "--out", "x")


@pytest.fixture
def talking(monkeypatch):
    """A command that says everything there is to say."""

    def run(options):
        with progress("extract", "frame", 1) as advance:
            advance(1)
        log.warning("a game is left out")
        log.debug("wrote x")
        logging.getLogger("some.library").debug("GET /version")
        logging.getLogger("some.library").warning("old")
        warnings.warn("old, too", stacklevel=1)
        print("the result")

    monkeypatch.setattr(extract, "run", run)
    monkeypatch.setattr(warnings, "showwarning", lambda message, *_: print(message, file=sys.stderr))  # as Python does


def said(capsys, *arguments):
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        assert main(arguments) == 0
    out, err = capsys.readouterr()
    assert out == "the result\n"
    return err


def test_progress_and_warnings_are_said_debugging_is_not(talking, capsys):
    told = said(capsys, *COMMAND)
    assert "extract: 1 of 1 frames" in told
    assert "\nwarning: a game is left out\n" in told
    assert "old, too\n" in told
    assert "wrote x" not in told


@pytest.mark.parametrize("arguments", [("--quiet", *COMMAND), (*COMMAND, "--quiet")])
def test_quiet_says_results_alone(arguments, talking, capsys):
    assert said(capsys, *arguments) == ""


@pytest.mark.parametrize("arguments", [("--verbose", *COMMAND), (*COMMAND, "--verbose")])
def test_verbose_says_what_is_written_and_what_libraries_log_each_once(arguments, talking, capsys):
    lines = said(capsys, *arguments).splitlines()
    for line in ("debug: wrote x", "warning: a game is left out", "debug: some.library: GET /version"):
        assert lines.count(line) == 1, line


def test_a_refusal_is_one_line_also_when_quiet_and_has_its_stack_when_verbose(monkeypatch, capsys):
    def refuse(options):
        raise UserError("nowhere: no such dataset")

    monkeypatch.setattr(extract, "run", refuse)
    assert main([*COMMAND, "--quiet"]) == 2
    assert capsys.readouterr().err == "rmsnet: nowhere: no such dataset\n"
    assert main([*COMMAND, "--verbose"]) == 2
    told = capsys.readouterr().err
    assert "Traceback" in told
    assert told.endswith("\nrmsnet: nowhere: no such dataset\n")


def test_only_one_of_the_two(capsys):
    with pytest.raises(SystemExit):
        main([*COMMAND, "--quiet", "--verbose"])
    assert "not allowed with" in capsys.readouterr().err


def test_the_next_command_is_as_loud_as_ever(talking, capsys):
    root = logging.root.level, list(logging.root.handlers)
    plain = said(capsys, *COMMAND).count("\n")
    for option in ("--quiet", "--verbose"):
        said(capsys, *COMMAND, option)
    assert said(capsys, *COMMAND).count("\n") == plain
    assert (logging.root.level, list(logging.root.handlers)) == root


def test_the_pipelines_are_told_the_same_way(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert pipelines(["compile", "spotting", "--out", "compiled", "--verbose"]) == 0
    assert "debug: wrote compiled/spotting.yaml" in capsys.readouterr().err


def test_every_help_names_both(capsys):
    for command, words in ((main, ["registry", "list"]), (main, []), (pipelines, ["run"])):
        with pytest.raises(SystemExit):
            command([*words, "--help"])
        told = capsys.readouterr().out
        assert "--quiet" in told, words
        assert "--verbose" in told, words


def test_the_code_that_a_model_carries_says_nothing_twice(talking, monkeypatch, capsys):
    """MLflow imports it anew, in a process that has its own."""
    monkeypatch.delitem(sys.modules, "rmsnet.logs")
    import_module("rmsnet.logs")
    assert said(capsys, *COMMAND).count("a game is left out") == 1
