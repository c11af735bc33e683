"""python -m pipelines submit: a run on a cluster."""

import argparse
from dataclasses import asdict
from typing import Any

from pipelines.commands._cluster import add_host, add_order, kubeflow_of
from pipelines.commands._options import add_pipeline, add_wait
from rmsnet.commands._options import add_json_option
from rmsnet.logs import log


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("submit", help="run a pipeline on a cluster")
    add_pipeline(parser)
    add_host(parser)
    add_order(parser)
    add_wait(parser)
    add_json_option(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> Any:
    from pipelines.cluster.runs import wait
    from pipelines.cluster.submitting import submit
    from pipelines.preparing import ordered, prepared

    kubeflow, ready = kubeflow_of(options), prepared(options)
    warn_of_the_image(ready.deployment.image)
    run = submit(kubeflow, ordered(ready, options))
    if not options.json:
        print(f"run {run.run_id} of {options.name} {run.version}: {run.url}", flush=True)
    if options.wait:
        run = wait(kubeflow, run, 60 * options.wait, tell=log.info)
        if not options.json:
            print("succeeded")
    return asdict(run)


def warn_of_the_image(image: str) -> None:
    """A tag may be moved, and pods that start later are then of another image."""
    if "@sha256:" not in image:
        name = image.rpartition(":")[0] or image
        log.warning(
            f"{image} may be moved to another content while the run goes on; pin it: {name}@sha256:…, as "
            f"docker inspect --format '{{{{index .RepoDigests 0}}}}' {image} says"
        )
