"""A pipeline compiled for a run, with its arguments, all of it checked before anything starts."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.arguments import checked_arguments
from pipelines.deployment import Deployment
from rmsnet.errors import UserError
from rmsnet.params import Params

if TYPE_CHECKING:
    from pipelines.cluster.submitting import Order


@dataclass(frozen=True)
class Prepared:
    """What a run is made of.

    Attributes:
        text: the compiled pipeline.
        arguments: of its parameters.
        deployment: where it runs.
        pods: of loops whose length only the run knows otherwise, by the loop's key.
    """

    text: str
    arguments: Mapping[str, Any]
    deployment: Deployment
    pods: Mapping[str, int]


def prepared(options: argparse.Namespace) -> Prepared:
    """The pipeline and the arguments that a command line names.

    Raises:
        UserError: anything in them that cannot be.
    """
    from pipelines.commands._options import deployment_of, given_arguments, params_of
    from pipelines.compiling import compile_pipeline, pods
    from rmsnet.params import params_from

    sections, deployment = params_of(options), deployment_of(options)
    if getattr(options, "no_cache", False):
        deployment = deployment.without_cache()
    text = compile_pipeline(options.name, deployment, sections)
    arguments = checked_arguments(text, given_arguments(options))
    params = params_from(arguments.get("params", sections), "parameter params")
    if options.name == "training":
        _check_variants(arguments, params)
    most = dict(pods(options.name, deployment))
    if options.name == "ablation":
        most["train-rows"] = min(most["train-rows"], _trainings(arguments, params))
    return Prepared(text, arguments, deployment, most)


def _check_variants(arguments: Mapping[str, Any], params: Params) -> None:
    if not params.variants:
        raise UserError("no variants to train: name them in params.yaml (a section `variants`), or give --params FILE")
    for name in arguments.get("variants", ()):
        params.variant(name)


def _trainings(arguments: Mapping[str, Any], params: Params) -> int:
    """How many trainings an ablation has; an unknown study is found here and not by its first task."""
    from rmsnet.study.plan import plan

    return len(plan(arguments.get("study", "table3"), params, arguments.get("seeds", 1)))


def ordered(ready: Prepared, options: argparse.Namespace) -> "Order":
    """What is sent to a cluster; refused when its run could not work there.

    Raises:
        CheckFailed: a rule of the backend says so.
        UserError: names that are too long.
    """
    from pipelines.backend.assumptions import Assumptions
    from pipelines.backend.checking import require_no_faults
    from pipelines.backend.document import read_document
    from pipelines.backend.rules import findings
    from pipelines.cluster.submitting import Order, run_name
    from rmsnet.files import content_hash
    from rmsnet.provenance import code_commit

    document = read_document(ready.text, options.name)
    require_no_faults(findings(document, Assumptions(ready.arguments, ready.pods)), options.name)
    file, source, revision = options.deployment, ready.arguments["source"], ready.arguments.get("revision", "")
    return Order(
        text=ready.text,
        arguments=ready.arguments,
        name=run_name(_what(options.name, ready.arguments), source, revision),
        tags={
            "commit": code_commit(),
            "deployment": f"{file.name} {content_hash(file.read_bytes())[:12]}" if file else "none",
            "data": f"{source} {revision}".strip(),
        },
        experiment=options.experiment,
        service_account=options.service_account or ready.deployment.service_account,
        plugin=not options.no_mlflow_plugin,
    )


def _what(name: str, arguments: Mapping[str, Any]) -> str:
    """What a run does, in words."""
    if name == "ablation":
        seeds = arguments.get("seeds", 1)
        return f"{arguments.get('study', 'table3') or 'variants'}, {seeds} seed{'s' if seeds > 1 else ''}"
    if name == "spotting":
        return f"spot with {arguments.get('model', '@champion')}"
    variants = arguments.get("variants")
    return f"train {', '.join(variants)}" if variants else "train all variants"
