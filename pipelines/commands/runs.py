"""python -m pipelines status, logs, stop, retry: what became of a run."""

import argparse
from dataclasses import asdict
from typing import Any

from pipelines.commands._cluster import add_host, kubeflow_of
from pipelines.commands._options import add_wait
from rmsnet.commands._options import add_json_option
from rmsnet.logs import log
from rmsnet.style.tables import as_text


def add_parser(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    for name, run, help_text in (
        ("status", run_status, "a run's tasks: state, time, attempts, and why one is not as it should be"),
        ("logs", run_logs, "what a task of a run has said"),
        ("stop", run_stop, "end a run, and take away its pods that have not started"),
        ("retry", run_retry, "go on with a failed run where it stopped"),
    ):
        parser = commands.add_parser(name, help=help_text)
        parser.add_argument("run_id", metavar="RUN", help="id of the run, as submit prints it")
        if name == "logs":
            parser.add_argument("task", metavar="TASK", help="as status names it, e.g. train, or 'train 2' in a loop")
        add_host(parser)
        if name == "retry":
            add_wait(parser)
        add_json_option(parser)
        parser.set_defaults(run=run)


def run_status(options: argparse.Namespace) -> Any:
    from pipelines.cluster.runs import status

    found = status(kubeflow_of(options), options.run_id)
    if not options.json:
        print(f"{found.name}: {found.state.lower()}{f', {found.reason}' if found.reason else ''}\n{found.url}\n")
        rows = [
            {
                "task": task.shown,
                "state": task.state.lower(),
                "seconds": "" if task.seconds is None else f"{task.seconds:.0f}",
                "attempts": "" if task.attempts is None else str(task.attempts),
                "reason": task.reason,
            }
            for task in found.tasks
        ]
        print(as_text(rows) if rows else "no task has begun")
    return asdict(found)


def run_logs(options: argparse.Namespace) -> Any:
    from pipelines.cluster.runs import logs

    text = logs(kubeflow_of(options), options.run_id, options.task)
    if not options.json:
        print(text)
    return {"run_id": options.run_id, "task": options.task, "log": text.splitlines()}


def run_stop(options: argparse.Namespace) -> Any:
    from pipelines.cluster.runs import stop

    taken = stop(kubeflow_of(options), options.run_id)
    if not options.json:
        print(f"run {options.run_id} is ending")
        if taken < 0:
            print("its pods that have not started stay, and start later: kubectl may not be asked here")
        elif taken:
            print(f"{taken} of its pods had not started and are taken away")
    return {"run_id": options.run_id, "pods": taken}


def run_retry(options: argparse.Namespace) -> Any:
    from pipelines.cluster.runs import retry, wait

    kubeflow = kubeflow_of(options)
    run = retry(kubeflow, options.run_id)
    if not options.json:
        print(f"run {run.run_id} goes on: {run.url}", flush=True)
    if options.wait:
        run = wait(kubeflow, run, 60 * options.wait, tell=log.info)
    return asdict(run)
