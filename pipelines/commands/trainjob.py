"""python -m pipelines trainjob: a training over several nodes."""

import argparse
import sys
from contextlib import nullcontext, redirect_stdout
from dataclasses import asdict
from typing import Any

from pipelines.commands._options import add_making, add_wait, deployment_of
from rmsnet.commands._options import add_json_option


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("trainjob", help="train over several nodes of a cluster (Kubeflow Trainer)")
    parser.add_argument("--features", required=True, help="folder of frame banks, on a volume of the deployment file")
    parser.add_argument("--out", required=True, help="model folder, on such a volume")
    parser.add_argument("--variant", help="a key of params.yaml's variants (default: the train section as it is)")
    parser.add_argument("--nodes", type=int, default=2, help="how many (default: 2)")
    parser.add_argument("--namespace", default="kubeflow", help="of the job (default: %(default)s)")
    add_wait(parser)
    add_making(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Any:
    from components.node import Training
    from pipelines.cluster.pods import kubernetes
    from pipelines.trainjob import start, wait
    from rmsnet.params import load_params

    params = load_params(options.params, options.set)
    if options.variant is not None:
        params.variant(options.variant)
    training = Training(options.features, options.out, asdict(params), options.variant)
    core = kubernetes(required=True)
    job = start(core, options.namespace, training, deployment_of(options), options.nodes)
    # The machine's answer is all that goes to standard output.
    with redirect_stdout(sys.stderr) if options.json else nullcontext():
        print(f"TrainJob {job.name} in {job.namespace}: kubectl -n {job.namespace} get trainjob {job.name}")
        if options.wait:
            job = wait(core, job, 60 * options.wait)
            print(f"complete: {options.out}")
    return asdict(job)
