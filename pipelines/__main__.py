"""python -m pipelines …: the pipelines from the command line."""

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from rmsnet.cli import Parser, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit statuses as of the `rmsnet` command."""
    return run_command("python -m pipelines", command_parser, arguments)


def command_parser() -> argparse.ArgumentParser:
    from pipelines.commands import check, compile, doctor, run, runs, schedule, submit, trainjob

    parser = _Parser(
        prog="python -m pipelines",
        description="The Kubeflow pipelines: compile, check, run here, submit; what became of a run.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, parser_class=Parser)
    for command in (compile, check, doctor, run, submit, schedule, runs, trainjob):
        command.add_parser(commands)
    return parser


class _Parser(Parser):
    """A parser that takes KEY=VALUE behind options too."""

    def parse_args(self, args: Any = None, namespace: Any = None) -> Any:
        options, left = self.parse_known_args(args, namespace)
        late = [item for item in left if "=" in item and not item.startswith("-")]
        if len(late) < len(left) or (late and not hasattr(options, "arguments")):
            self.error(f"unrecognized arguments: {' '.join(left)}")
        options.arguments = [*getattr(options, "arguments", ()), *late]
        return options


if __name__ == "__main__":
    sys.exit(main())
