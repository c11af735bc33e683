"""python -m pipelines schedule: runs that come back, as Kubeflow's recurring runs."""

import argparse
from dataclasses import asdict
from typing import Any

from pipelines.commands._cluster import add_host, add_order, kubeflow_of
from pipelines.commands._options import NAMES, add_making
from rmsnet.commands._options import add_json_option
from rmsnet.errors import UserError
from rmsnet.style.tables import as_text

CHANGES = ("pause", "resume", "delete")


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "schedule", help="a pipeline again and again on a cluster; list, pause, resume, delete"
    )
    parser.add_argument(
        "what", choices=(*NAMES, "list", *CHANGES), metavar="WHAT", help=f"{', '.join((*NAMES, 'list', *CHANGES))}"
    )
    parser.add_argument(
        "arguments", nargs="*", metavar="KEY=VALUE|NAME", help="pipeline parameters; or the schedule to change"
    )
    parser.add_argument("--cron", metavar="FIELDS", help="as in a crontab, in the server's time zone: '0 2 * * *'")
    parser.add_argument("--every", metavar="TIME", help="how often: 30m, 6h, 1d")
    parser.add_argument("--schedule", metavar="NAME", help="of the schedule (default: rmsnet-PIPELINE)")
    parser.add_argument("--at-once", type=int, default=1, metavar="N", help="so many runs at a time (default: 1)")
    parser.add_argument("--catch-up", action="store_true", help="start what was missed while it was paused, too")
    add_making(parser)
    add_host(parser)
    add_order(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Any:
    from pipelines.cluster.schedules import change, listed, moment, put
    from pipelines.commands.submit import warn_of_the_image
    from pipelines.preparing import ordered, prepared

    kubeflow = kubeflow_of(options)
    if options.what == "list":
        found = listed(kubeflow)
        if not options.json:
            rows = [
                {"schedule": item.name, "when": item.when, "on": "yes" if item.on else "no", "last run": item.last}
                for item in found
            ]
            print(as_text(rows) if rows else "no schedules")
            for item in found:
                print(f"\n{item.name}: {item.says}\n  {item.url}")
        return [asdict(item) for item in found]
    if options.what in CHANGES:
        if len(options.arguments) != 1:
            raise UserError(f"schedule {options.what}: name one schedule")
        change(kubeflow, options.arguments[0], options.what)
        if not options.json:
            print(f"schedule {options.arguments[0]}: {options.what}d")
        return {"schedule": options.arguments[0], "done": options.what}
    options.name, name = options.what, options.schedule or f"rmsnet-{options.what}"
    when, ready = moment(options.cron, options.every), prepared(options)
    if options.at_once < 1:
        raise UserError(f"--at-once {options.at_once}: at least one run is needed")
    warn_of_the_image(ready.deployment.image)
    url = put(kubeflow, ordered(ready, options), name, when, at_once=options.at_once, catch_up=options.catch_up)
    if not options.json:
        print(f"schedule {name} ({when}): {url}")
    return {"schedule": name, "when": str(when), "url": url}
