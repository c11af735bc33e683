"""python -m pipelines check: a compiled pipeline, ours or anybody's, against what the backend does."""

import argparse
from pathlib import Path
from typing import Any

from pipelines.commands._options import add_arguments, given_arguments, pair
from rmsnet.commands._options import add_json_option


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "check", help="hold a compiled pipeline, yours or anybody's, against what Kubeflow's backend does"
    )
    parser.add_argument("file", type=Path, metavar="FILE.yaml", help="as the compiler writes it")
    add_arguments(parser)
    parser.add_argument(
        "--iterations", action="append", default=[], metavar="LOOP=N", help="length of a loop that only a run knows"
    )
    parser.add_argument("--rules", action="store_true", help="say what each rule is and where it was read")
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Any:
    from pipelines.arguments import checked_arguments
    from pipelines.backend.assumptions import Assumptions
    from pipelines.backend.checking import read_checked, require_no_faults
    from pipelines.backend.cost import cost_of
    from pipelines.backend.rules import findings
    from rmsnet.errors import UserError

    document, text = read_checked(options.file)
    iterations = dict(pair(item, "--iterations") for item in options.iterations)
    loops = {task.key for task in document.tasks if task.is_loop}
    for name, count in iterations.items():
        if name not in loops or not count.isdecimal():
            raise UserError(f"--iterations {name}={count}: write LOOP=N; loops: {', '.join(sorted(loops)) or 'none'}")
    assumed = Assumptions(
        checked_arguments(text, given_arguments(options), complete=False),
        {name: int(count) for name, count in iterations.items()},
    )
    cost, found = cost_of(document, assumed), findings(document, assumed)
    if not options.json:
        print("\n".join(cost.lines()))
        for finding in found:
            print(f"\n{finding.rule.level}: {finding.line}")
            if options.rules:
                print(f"  {finding.rule.name}: {finding.rule.says}\n  read in {finding.rule.read_in}")
    require_no_faults(found, str(options.file))
    return {
        "cost": cost.__dict__,
        "findings": [{"level": item.rule.level, "rule": item.rule.name, "line": item.line} for item in found],
    }
