"""python -m pipelines submit: a run on a cluster."""

import argparse
import os
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from pipelines.commands._options import add_pipeline, add_wait, token
from rmsnet.commands._options import add_json_option
from rmsnet.errors import UserError


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("submit", help="run a pipeline on a cluster")
    add_pipeline(parser)
    parser.add_argument("--host", default=os.environ.get("KF_PIPELINES_ENDPOINT"), help="address of Kubeflow")
    parser.add_argument("--namespace", default="", help="of the user, where Kubeflow has several")
    parser.add_argument("--experiment", default="rmsnet", help="experiment of the run (default: rmsnet)")
    parser.add_argument("--service-account", help="of the run's pods")
    parser.add_argument("--no-cache", action="store_true", help="run every task anew")
    add_wait(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Any:
    from pipelines.preparing import prepared
    from pipelines.submitting import Cluster
    from rmsnet.files import write_text

    if not options.host:
        raise UserError(
            "--host: say where Kubeflow is, e.g. --host http://localhost:8080, or set KF_PIPELINES_ENDPOINT"
        )
    ready = prepared(options)
    cluster = Cluster(options.host, options.namespace, token())
    with TemporaryDirectory() as folder:
        compiled = Path(folder) / f"{options.name}.yaml"
        write_text(compiled, ready.text)
        run = cluster.submit(
            compiled,
            ready.arguments,
            experiment=options.experiment,
            service_account=options.service_account,
            cache=not options.no_cache,
        )
    if not options.json:
        print(f"run {run.run_id} of {options.name} {run.version}: {run.url}")
    if options.wait:
        run = cluster.wait(run, 60 * options.wait)
        if not options.json:
            print("succeeded")
    return asdict(run)
