"""rmsnet doctor: does this machine have what the commands need?"""

import argparse
from dataclasses import asdict
from typing import Any

from rmsnet.commands._options import Commands, finish


def add_parser(commands: Commands) -> None:
    finish(
        commands.add_parser("doctor", help="does this machine have what the commands need? 1: no"), run, params=False
    )


def run(options: argparse.Namespace) -> Any:
    from rmsnet.workplace.doctor import examine
    from rmsnet.workplace.findings import told

    return [asdict(finding) for finding in told(examine(), shown=not options.json)]
