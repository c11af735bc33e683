"""rmsnet completion: lets a shell complete commands, options, their values and the names of parameters."""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import partial
from typing import get_type_hints

from rmsnet.commands._options import Commands
from rmsnet.params import Params

# Where there is nothing to say the shell completes files. A name that ends in "=" waits for its value.
SCRIPT = """\
_rmsnet() {
  local IFS=$'\\n'
  COMPREPLY=($(rmsnet completion --words "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null))
  [[ ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -o default -F _rmsnet rmsnet
"""

SHELLS = {"bash": SCRIPT, "zsh": f"autoload -U +X compinit bashcompinit\ncompinit\nbashcompinit\n{SCRIPT}"}


def add_parser(commands: Commands) -> None:
    parser = commands.add_parser(
        "completion",
        help="completion of commands and parameters in a shell",
        description='For this shell: eval "$(rmsnet completion bash)". For every one: put that line in ~/.bashrc '
        "(zsh: rmsnet completion zsh, ~/.zshrc).",
    )
    parser.add_argument("shell", nargs="?", choices=tuple(SHELLS), default="bash", help="(default: bash)")
    parser.add_argument("--words", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    parser.set_defaults(run=partial(run, commands.choices))


def run(commands: Mapping[str, argparse.ArgumentParser], options: argparse.Namespace) -> None:
    if options.words is None:
        print(SHELLS[options.shell], end="")
        return

    for word in completions(commands, options.words or [""]):
        print(word)


def completions(commands: Mapping[str, argparse.ArgumentParser], words: Sequence[str]) -> list[str]:
    """What the last word may become.

    Args:
        commands: by name.
        words: as they stand behind `rmsnet`; the last one is unfinished, "" where it is yet to begin.
    """
    command, *before, last = words if len(words) > 1 else ("", *words)
    if command not in commands:
        return [] if command else [name for name in commands if name.startswith(last)]
    parser, awaiting = commands[command], None
    for word in before:
        subcommands = _subcommands(parser)
        if word.startswith("-"):
            action = parser._option_string_actions.get(word)
            awaiting = action if action is not None and action.nargs != 0 else None
        elif awaiting is not None:
            awaiting = awaiting if awaiting.nargs in ("+", "*") else None
        elif word in subcommands:
            parser = subcommands[word]
    if last.startswith("-"):
        found: Sequence[str] = [name for name in parser._option_string_actions if name.startswith("--")]
    elif awaiting is not None:
        found = list(_values(awaiting))
    else:
        positional = (action for action in parser._get_positional_actions() if action.help != argparse.SUPPRESS)
        found = [name for action in positional for name in _values(action)]
    return [name for name in found if name.startswith(last)]


def _subcommands(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    actions = (action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {name: found for action in actions for name, found in action.choices.items()}


def _values(action: argparse.Action) -> Iterator[str]:
    if action.dest == "set":
        yield from (f"{name}=" for name in parameter_names())
    elif action.choices is not None:
        yield from map(str, action.choices)


def parameter_names() -> Iterator[str]:
    """Every section.key that `--set` takes, but for those that params.yaml names itself (variants)."""
    for section, kind in get_type_hints(Params).items():
        if is_dataclass(kind):
            yield from (f"{section}.{item.name}" for item in fields(kind))
