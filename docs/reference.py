"""The pages of the documentation that are made from the code, as Markdown.

The home page is the README; commands come from the parsers, parameters from the schema, requests from the server's
OpenAPI document, functions from their docstrings. Nothing of it is written to docs/.
"""

import argparse
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from pkgutil import resolve_name
from typing import Any, get_args, get_origin, get_type_hints

ROOT = Path(__file__).parents[1]

PYTHON = {
    "Datasets and features": (
        "rmsnet.dataset.soccernet.list_dataset",
        "rmsnet.features.bank.read_bank",
        "rmsnet.features.bank.FrameBank",
    ),
    "Clips and masking": ("rmsnet.training.clips", "rmsnet.training.sampling"),
    "Network": ("rmsnet.network.model",),
    "Spotting": ("rmsnet.spotting.scoring", "rmsnet.spotting.decoding"),
    "Metric": ("rmsnet.evaluation.metric", "rmsnet.evaluation.bootstrap"),
    "Stages": (
        "rmsnet.validation.stage.validate",
        "rmsnet.features.stage.extract",
        "rmsnet.training.stage.train_stage",
        "rmsnet.evaluation.stage.evaluate_stage",
        "rmsnet.registry.stage.register_stage",
        "rmsnet.registry.stage.promote",
        "rmsnet.registry.stage.rollback",
        "rmsnet.matches.stage.spot_stage",
    ),
    "Parameters": ("rmsnet.params.load_params", "rmsnet.params.Params"),
}
"""What the reference of Python shows: what notebooks and the commands use."""


def fill(app: Any, page: str, source: list[str]) -> None:
    """Put what is made in the place of a page's text; Sphinx calls it for each page that it reads.

    Args:
        app: Sphinx.
        page: its name, e.g. "reference/commands".
        source: its text, one entry, changed in place.
    """
    made = MADE.get(page)
    source[0] = linkless(source[0] if made is None else made())


def linkless(text: str) -> str:
    """Files of the repository that are no pages are named, not linked; a drawing, whose program is no part of the site,
    becomes a table.
    """
    text = re.sub(r"```mermaid\n(.*?)```", lambda block: rooms(block[1]), text, flags=re.DOTALL)
    return re.sub(r"\[([^\]]+)\]\(\.\./(?!\w+\.md)[^)]*\)", r"\1", text)


def rooms(drawing: str) -> str:
    """The boxes of a drawing, with what each points at, as a table."""
    boxes = re.findall(r'(\w+)\["\w+: (.*)"\]', drawing)
    arrows = re.findall(r"(\w+) --> (\w+)", drawing)
    rows = [f"| {box} | {said} | {', '.join(to for start, to in arrows if start == box)} |" for box, said in boxes]
    return "\n".join(["| | | stands on |", "|---|---|---|", *rows])


CONTENTS: Mapping[str, tuple[str, ...]] = {
    "Tutorial": ("installation", "tutorial", "datasets", "kubeflow", "registry"),
    "How to": ("pipeline", "spotting", "annotating", "live", "video", "data", "validation", "serving", "paper"),
    "Reference": (
        "reference/commands",
        "reference/parameters",
        "formats",
        "reference/http",
        "reference/python",
        "reference/licences",
    ),
    "Explanation": ("architecture", "evaluation", "simulation", "performance", "log"),
}
"""The pages, as the contents list them."""


def home() -> str:
    """The README, its links led from the repository's root to the pages, and the contents."""
    text = (ROOT / "README.md").read_text(encoding="utf-8").replace("](docs/", "](")
    text = re.sub(r"\[([^\]]+)\]\([A-Z][A-Z_]+\.md\)", r"\1", text)
    trees = []
    for title, pages in CONTENTS.items():
        trees += ["", "```{toctree}", f":caption: {title}", ":hidden:", "", *pages, "```"]
    return text + "\n".join(trees) + "\n"


def commands() -> str:
    """Every command with its options."""
    from pipelines.__main__ import command_parser
    from rmsnet.cli import _parser

    parts = ["# Commands", "", "Made from the parsers; `COMMAND --help` says the same."]
    for parser in (_parser(), command_parser()):
        parts += ["", f"## {parser.prog}", "", parser.description or ""]
        for command in leaves(parser):
            parts += ["", *command_section(command)]
    return "\n".join(parts) + "\n"


def leaves(parser: argparse.ArgumentParser) -> Iterator[tuple[argparse.ArgumentParser, str]]:
    """The commands below a parser that have no commands of their own, with their line of help."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {choice.dest: choice.help or "" for choice in action._choices_actions}
            for name, below in action.choices.items():
                if any(isinstance(item, argparse._SubParsersAction) for item in below._actions):
                    yield from leaves(below)
                else:
                    yield below, helps.get(name, "")


def command_section(command: tuple[argparse.ArgumentParser, str]) -> list[str]:
    parser, told = command
    usage = " ".join(parser.format_usage().removeprefix("usage: ").split())
    lines = [f"### {parser.prog}", "", sentence(parser.description or told), "", "```text", usage, "```", ""]
    rows = [row for action in parser._actions if (row := option_row(action))]
    return [*lines, "| | |", "|---|---|", *rows] if rows else lines


def option_row(action: argparse.Action) -> str:
    """A line of the table of options; "" for --help."""
    if isinstance(action, argparse._HelpAction):
        return ""
    shown = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    names = ", ".join(action.option_strings) or shown
    value = "" if not action.option_strings or action.nargs == 0 else f" {choice_of(action) or shown}"
    needed = " (required)" if action.required and action.option_strings else ""
    return f"| `{names}{value}` | {cell(action.help or '')}{needed} |"


def choice_of(action: argparse.Action) -> str:
    return "" if action.choices is None else ",".join(map(str, action.choices))


def parameters() -> str:
    """Every section of params.yaml with default, unit, range, place in the paper, and when to leave it alone."""
    from rmsnet.params import Params

    told = "Made from the schema (`rmsnet/params.py`). `--set section.key=value` changes one parameter for one command;"
    parts = ["# Parameters", "", told, "unknown keys and impossible values are refused. The defaults are the paper's."]
    for section in fields(Params):
        kind = get_type_hints(Params)[section.name]
        if isinstance(kind, type) and hasattr(kind, "__dataclass_fields__"):
            parts += parameter_section(section.name, kind)
    parts += ["", "## variants", "", "Named changes of the train section, e.g. `no-masking: {masking_probability: 0}`."]
    return "\n".join(parts) + "\n"


def parameter_section(name: str, kind: Any) -> list[str]:
    from rmsnet.settings import about

    texts = attributes(kind.__doc__ or "")
    lines = ["", f"## {name}", "", sentence((kind.__doc__ or "").strip().partition("\n")[0]), ""]
    lines += ["| key | default | may be | paper | leave it alone when | |", "|---|---|---|---|---|---|"]
    for item in fields(kind):
        said = about(item)
        hint = get_type_hints(kind)[item.name]
        may = ", ".join(f"`{value}`" for value in get_args(hint)) if get_origin(hint) is not None else ""
        may = may or (f"{said.within} {said.unit}".strip() if said.within else getattr(hint, "__name__", ""))
        default = "" if item.default is MISSING else shown(item.default)
        row = (f"`{item.name}`", default, may, said.paper, said.unless, cell(texts[item.name]))
        lines.append(f"| {' | '.join(row)} |")
    return lines


def attributes(docstring: str) -> dict[str, str]:
    """The texts of a docstring's Attributes."""
    _, _, listed = docstring.partition("Attributes:\n")
    found: dict[str, str] = {}
    for line in listed.splitlines():
        if match := re.match(r" {8}(\w+): (.*)", line):
            name = match[1]
            found[name] = match[2]
        elif line.strip() and found:
            found[name] += f" {line.strip()}"
    return found


def shown(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:.6g}`" if isinstance(value, float) else f"`{value}`" if value != "" else "empty"


def http() -> str:
    """The server's requests, from its OpenAPI document."""
    from rmsnet.serving.app import make_app
    from rmsnet.serving.limits import Limits
    from rmsnet.serving.metrics import Metrics

    served: Any = None  # no request is made
    app: Any = make_app(served, Metrics(), Limits(), lambda: False)
    parts = ["# HTTP", "", "Made from the server's OpenAPI document; a running one shows it at `/docs`."]
    for path, methods in app.app.openapi()["paths"].items():
        for method, said in methods.items():
            parts += ["", f"## {method.upper()} {path}", "", said.get("description") or said.get("summary", "")]
            answers = said.get("responses", {})
            if answers:
                parts += ["", "| status | |", "|---|---|"]
                parts += [f"| {status} | {cell(answer.get('description', ''))} |" for status, answer in answers.items()]
    return "\n".join(parts) + "\n"


def python() -> str:
    """Public functions; autodoc fills them in."""
    parts = ["# Python", "", "What notebooks and the commands use. All of it is typed."]
    for title, names in PYTHON.items():
        parts += ["", f"## {title}"]
        for name in names:
            members = [] if kind_of(name) == "function" else ["   :members:"]
            parts += ["", "```{eval-rst}", f".. auto{kind_of(name)}:: {name}", *members, "```"]
    return "\n".join(parts) + "\n"


def licences() -> str:
    """The packages of the lock and the licences that they state."""
    names = [line.partition("==")[0] for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()]
    rows = []
    for name in names:
        try:
            said = metadata(name)
        except PackageNotFoundError:  # of another platform
            continue
        classified = [entry.rpartition(" :: ")[2] for entry in said.get_all("Classifier", []) if "License ::" in entry]
        licence = said.get("License-Expression") or ", ".join(classified) or (said.get("License") or "not stated")
        rows.append(f"| {name} | {said['Version']} | {cell(licence.strip().partition(chr(10))[0][:60])} |")
    told = (
        "Made from what the installed packages state of themselves. Only rmsnet's own code is in this repository (MIT)."
    )
    return "\n".join(["# Licences", "", told, "", "| package | version | licence |", "|---|---|---|", *rows]) + "\n"


def kind_of(name: str) -> str:
    """What autodoc calls the object of a dotted name."""
    found = resolve_name(name)
    return "module" if inspect.ismodule(found) else "class" if inspect.isclass(found) else "function"


MADE: Mapping[str, Callable[[], str]] = {
    "index": home,
    "reference/commands": commands,
    "reference/parameters": parameters,
    "reference/http": http,
    "reference/licences": licences,
    "reference/python": python,
}
"""The pages that are made, by name."""


def sentence(text: str) -> str:
    """With a capital and a full stop."""
    text = " ".join(text.split())
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') or not text else '.'}"


def cell(text: str) -> str:
    """A text that may stand in a cell of a table."""
    return " ".join(text.split()).replace("|", "\\|").replace("%%", "%").replace("<", "&lt;").replace("*", "\\*")
