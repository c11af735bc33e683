"""python -m pipelines doctor: is everything there that a deployment file names?"""

import argparse
from dataclasses import asdict
from typing import Any

from pipelines.commands._cluster import add_host, kubeflow_of
from rmsnet.commands._options import add_json_option


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    from pathlib import Path

    parser = commands.add_parser("doctor", help="look in the cluster for everything that a deployment file names")
    parser.add_argument("--deployment", type=Path, metavar="FILE", required=True, help="pipelines/deployments/*.yaml")
    add_host(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Any:
    from pipelines.cluster.doctor import Visit, examine
    from pipelines.cluster.pods import kubernetes
    from pipelines.deployment import load_deployment
    from rmsnet.workplace.findings import told

    deployment = load_deployment(options.deployment)
    visit = Visit(kubeflow_of(options), kubernetes(required=True), deployment, options.namespace or "kubeflow")
    return [asdict(finding) for finding in told(examine(visit), shown=not options.json)]
