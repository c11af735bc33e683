"""python -m pipelines compile|run|submit|trainjob: the pipelines from the command line."""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rmsnet.cli import Parser, run_command
from rmsnet.commands._options import add_json_option, add_params_options
from rmsnet.documents import read_yaml
from rmsnet.errors import UserError
from rmsnet.style.tables import as_text

if TYPE_CHECKING:
    from pipelines.deployment import Deployment

NAMES = ("training", "ablation", "spotting")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; exit statuses as of the `rmsnet` command."""
    return run_command(command_parser(), arguments)


def command_parser() -> argparse.ArgumentParser:
    parser = Parser(
        prog="python -m pipelines",
        description="The Kubeflow pipelines: compile, run here, submit; a training over several nodes.",
    )
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)

    compiling = commands.add_parser("compile", help="write OUT/NAME.yaml, checked, for upload to Kubeflow")
    compiling.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)} (default: all)")
    compiling.add_argument("--out", type=Path, required=True, help="folder for the YAML files")
    compiling.set_defaults(run=run_compile)

    running = commands.add_parser("run", help="run a pipeline on this machine")
    running.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    running.add_argument("arguments", nargs="*", metavar="KEY=VALUE", help="pipeline parameters, values in YAML")
    running.add_argument("--out", type=Path, default=Path("pipeline-runs"), help="folder for what the tasks leave")
    running.add_argument("--docker", action="store_true", help="each task in its image (DOCKER_HOST names the engine)")
    running.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="variable of the containers; may be repeated"
    )
    running.set_defaults(run=run_run)

    submitting = commands.add_parser("submit", help="run a pipeline on a cluster")
    submitting.add_argument("name", choices=NAMES, metavar="NAME", help=f"one of {', '.join(NAMES)}")
    submitting.add_argument("arguments", nargs="*", metavar="KEY=VALUE", help="pipeline parameters, values in YAML")
    submitting.add_argument("--host", default=os.environ.get("KF_PIPELINES_ENDPOINT"), help="address of Kubeflow")
    submitting.add_argument("--namespace", default="", help="of the user, where Kubeflow has several")
    submitting.add_argument("--experiment", default="rmsnet", help="experiment of the run (default: rmsnet)")
    submitting.add_argument("--service-account", help="of the run's pods")
    submitting.add_argument("--no-cache", action="store_true", help="run every task anew")
    submitting.set_defaults(run=run_submit)

    training = commands.add_parser("trainjob", help="train over several nodes of a cluster (Kubeflow Trainer)")
    training.add_argument("--features", required=True, help="folder of frame banks, on a volume of the deployment file")
    training.add_argument("--out", required=True, help="model folder, on such a volume")
    training.add_argument("--variant", help="a key of params.yaml's variants (default: the train section as it is)")
    training.add_argument("--nodes", type=int, default=2, help="how many (default: 2)")
    training.add_argument("--namespace", default="", help="of the job (default: the current one)")
    training.add_argument("--runtime", default="torch-distributed", help="training runtime (default: %(default)s)")
    training.set_defaults(run=run_trainjob)

    for command in (compiling, running, submitting, training):
        command.add_argument(
            "--deployment", type=Path, metavar="FILE", help="where it runs: pipelines/deployments/*.yaml"
        )
        add_params_options(command)
    for command in (submitting, training):
        command.add_argument(
            "--wait",
            type=float,
            default=0,
            metavar="MINUTES",
            help="wait for the end, at most so long (default: do not)",
        )
        add_json_option(command)
    return parser


def run_compile(options: argparse.Namespace) -> None:
    from pipelines.compiling import write_pipelines
    from rmsnet.params import load_params

    for name in options.names:
        if name not in NAMES:
            raise UserError(f"{name}: no such pipeline; there are {', '.join(NAMES)}")
    deployment, params = _deployment(options.deployment), asdict(load_params(options.params, options.set))
    for path in write_pipelines(options.names or list(NAMES), deployment, params, options.out):
        print(path)


def run_run(options: argparse.Namespace) -> None:
    from pipelines.local import run_locally

    compiled, arguments = _prepare(options)
    variables = dict(_pair(item, "--env") for item in options.env)
    folders = {key: Path(arguments[key]) for key in ("source", "model") if key in arguments}
    folders = {key: path.resolve() for key, path in folders.items() if path.is_dir()}
    arguments |= {key: str(path) for key, path in folders.items()}
    tasks = run_locally(
        compiled,
        arguments,
        options.out,
        docker=options.docker,
        environment=variables,
        mounts=list(folders.values()),
    )
    print(f"\n{as_text([{'task': task.name, 'seconds': f'{task.seconds:.1f}'} for task in tasks])}")
    print(f"\nEverything the tasks left: {options.out}")


def run_submit(options: argparse.Namespace) -> Any:
    from pipelines.submitting import Cluster

    if not options.host:
        raise UserError(
            "--host: say where Kubeflow is, e.g. --host http://localhost:8080, or set KF_PIPELINES_ENDPOINT"
        )
    compiled, arguments = _prepare(options)
    cluster = Cluster(options.host, options.namespace, _token())
    run = cluster.submit(
        compiled,
        arguments,
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


def run_trainjob(options: argparse.Namespace) -> Any:
    from pipelines.trainjob import Trainer, Training
    from rmsnet.params import load_params

    params = load_params(options.params, options.set)
    if options.variant is not None:
        params.variant(options.variant)
    training = Training(options.features, options.out, asdict(params), options.variant)
    trainer = Trainer(options.namespace)
    job = trainer.start(training, options.nodes, _deployment(options.deployment), options.runtime)
    if not options.json:
        print(f"TrainJob {job.name} in {job.namespace}: kubectl -n {job.namespace} get trainjob {job.name}")
    if options.wait:
        job = trainer.wait(job, 60 * options.wait)
        if not options.json:
            print(f"complete: {options.out}")
    return asdict(job)


def _token() -> str | None:
    """The caller's token: KF_PIPELINES_TOKEN, or the file that a pod finds it in."""
    path = os.environ.get("KF_PIPELINES_SA_TOKEN_PATH")
    return os.environ.get("KF_PIPELINES_TOKEN") or (Path(path).read_text(encoding="utf-8").strip() if path else None)


def _prepare(options: argparse.Namespace) -> tuple[Path, dict[str, Any]]:
    """The compiled pipeline in a file, and its arguments, all checked before anything starts."""
    from tempfile import mkdtemp

    from pipelines.compiling import compile_pipeline
    from rmsnet.files import write_text
    from rmsnet.params import load_params, params_from

    params = load_params(options.params, options.set)
    text = compile_pipeline(options.name, _deployment(options.deployment), asdict(params))
    arguments = checked_arguments(text, dict(_pair(item, "parameter") for item in options.arguments))
    if "params" in arguments:
        params = params_from(arguments["params"], "parameter params")
    if options.name == "training" and not params.variants:
        raise UserError("no variants to train: name them in params.yaml (a section `variants`), or give --params FILE")
    for name in arguments.get("variants", ()):
        params.variant(name)
    folder = getattr(options, "out", None) or Path(mkdtemp())
    write_text(folder / f"{options.name}.yaml", text)
    return folder / f"{options.name}.yaml", arguments


def _deployment(path: Path | None) -> "Deployment":
    """The deployment; with the commit of the code here, so that components can say when their image is of another."""
    from components.door import EXPECTED_COMMIT
    from pipelines.deployment import load_deployment
    from rmsnet.provenance import code_commit

    deployment, commit = load_deployment(path), code_commit()
    if not commit:
        return deployment
    return replace(deployment, environment={EXPECTED_COMMIT: commit, **deployment.environment})


def _pair(text: str, what: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not (equals and key):
        raise UserError(f"{what} {text!r}: write KEY=VALUE")
    return key, value


def checked_arguments(compiled: str, arguments: Mapping[str, str]) -> dict[str, Any]:
    """Arguments as a compiled pipeline takes them.

    Args:
        compiled: its YAML.
        arguments: texts; all but those for text parameters are read as YAML.

    Raises:
        UserError: an unknown or missing parameter, or a value of another type than it has.
    """
    import yaml

    inputs = next(yaml.safe_load_all(compiled))["root"].get("inputDefinitions", {}).get("parameters", {})
    kinds: Mapping[str, tuple[str, tuple[type, ...]]] = {
        "STRING": ("a text", (str,)),
        "NUMBER_INTEGER": ("a whole number", (int,)),
        "NUMBER_DOUBLE": ("a number", (int, float)),
        "BOOLEAN": ("true or false", (bool,)),
        "LIST": ("a list such as [a, b]", (list,)),
        "STRUCT": ("a mapping", (dict,)),
    }
    given: dict[str, Any] = {}
    for key, text in arguments.items():
        if key not in inputs:
            raise UserError(f"parameter {key}: unknown; known: {', '.join(inputs)}")
        kind = inputs[key]["parameterType"]
        value = text if kind == "STRING" else read_yaml(text, f"parameter {key}: {text!r}")
        words, types = kinds[kind]
        if not isinstance(value, types) or (kind != "BOOLEAN" and isinstance(value, bool)):
            raise UserError(f"parameter {key}: must be {words}, not {text!r}")
        if value == []:
            raise UserError(f"parameter {key}: names nothing")
        given[key] = float(value) if kind == "NUMBER_DOUBLE" else value
    missing = [key for key, spec in inputs.items() if key not in given and not spec.get("isOptional")]
    if missing:
        raise UserError(f"parameter {missing[0]}: is missing; write {missing[0]}=VALUE")
    return given


if __name__ == "__main__":
    sys.exit(main())
