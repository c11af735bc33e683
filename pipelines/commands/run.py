"""python -m pipelines run: a pipeline on this machine."""

import argparse
from pathlib import Path

from pipelines.commands._options import add_pipeline, pair
from rmsnet.style.tables import as_text


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser("run", help="run a pipeline on this machine")
    add_pipeline(parser)
    parser.add_argument("--out", type=Path, default=Path("pipeline-runs"), help="folder for what the tasks leave")
    parser.add_argument("--docker", action="store_true", help="each task in its image (DOCKER_HOST names the engine)")
    parser.add_argument(
        "--env", action="append", default=[], metavar="NAME=VALUE", help="variable of the containers; may be repeated"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> None:
    from pipelines.local import run_locally
    from pipelines.preparing import prepared
    from rmsnet.files import write_text

    ready = prepared(options)
    compiled = options.out / f"{options.name}.yaml"
    write_text(compiled, ready.text)
    variables = dict(pair(item, "--env") for item in options.env)
    folders = {key: Path(ready.arguments[key]) for key in ("source", "model") if key in ready.arguments}
    folders = {key: path.resolve() for key, path in folders.items() if path.is_dir()}
    arguments = {**ready.arguments, **{key: str(path) for key, path in folders.items()}}
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
