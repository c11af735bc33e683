"""The independent reader of edit lists."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def ask_otio():
    """Ask OpenTimelineIO, in its own process; see `otio_reader.py`."""
    command = [sys.executable, str(Path(__file__).with_name("otio_reader.py"))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:

        def ask(**request):
            print(json.dumps(request), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield ask
        process.stdin.close()


@pytest.fixture(scope="session")
def read_otio(ask_otio):
    """A timeline as OpenTimelineIO reads it through one of its adapters."""
    return lambda text, adapter, **options: ask_otio(text=text, adapter=adapter, options=options)
