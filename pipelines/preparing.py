"""A pipeline compiled for a run, with its arguments, all of it checked before anything starts."""

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.arguments import checked_arguments
from rmsnet.errors import UserError


@dataclass(frozen=True)
class Prepared:
    """What a run is made of.

    Attributes:
        text: the compiled pipeline.
        arguments: of its parameters.
    """

    text: str
    arguments: Mapping[str, Any]


def prepared(options: argparse.Namespace) -> Prepared:
    """The pipeline and the arguments that a command line names.

    Raises:
        UserError: anything in them that cannot be.
    """
    from pipelines.commands._options import deployment_of, given_arguments, params_of
    from pipelines.compiling import compile_pipeline
    from rmsnet.params import params_from

    sections = params_of(options)
    text = compile_pipeline(options.name, deployment_of(options), sections)
    arguments = checked_arguments(text, given_arguments(options))
    params = params_from(arguments.get("params", sections), "parameter params")
    if options.name == "training" and not params.variants:
        raise UserError("no variants to train: name them in params.yaml (a section `variants`), or give --params FILE")
    for name in arguments.get("variants", ()):
        params.variant(name)
    return Prepared(text, arguments)
