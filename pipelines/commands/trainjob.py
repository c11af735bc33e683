"""python -m pipelines trainjob: a training over several nodes."""

import argparse
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
    parser.add_argument("--namespace", default="", help="of the job (default: the current one)")
    parser.add_argument("--runtime", default="torch-distributed", help="training runtime (default: %(default)s)")
    add_wait(parser)
    add_making(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Any:
    from pipelines.trainjob import Trainer, Training
    from rmsnet.params import load_params

    params = load_params(options.params, options.set)
    if options.variant is not None:
        params.variant(options.variant)
    training = Training(options.features, options.out, asdict(params), options.variant)
    trainer = Trainer(options.namespace)
    job = trainer.start(training, options.nodes, deployment_of(options), options.runtime)
    if not options.json:
        print(f"TrainJob {job.name} in {job.namespace}: kubectl -n {job.namespace} get trainjob {job.name}")
    if options.wait:
        job = trainer.wait(job, 60 * options.wait)
        if not options.json:
            print(f"complete: {options.out}")
    return asdict(job)
