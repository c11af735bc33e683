"""What a pipeline is given, checked against what it takes."""

from collections.abc import Mapping
from typing import Any

from rmsnet.documents import read_yaml
from rmsnet.errors import UserError, did_you_mean


def checked_arguments(compiled: str, arguments: Mapping[str, str], complete: bool = True) -> dict[str, Any]:
    """Arguments as a compiled pipeline takes them.

    Args:
        compiled: its YAML.
        arguments: texts; all but those for text parameters are read as YAML.
        complete: whether all that have no default must be there.

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
            raise UserError(f"parameter {key}: unknown{did_you_mean(key, inputs)}; known: {', '.join(inputs)}")
        kind = inputs[key]["parameterType"]
        value = text if kind == "STRING" else read_yaml(text, f"parameter {key}: {text!r}")
        words, types = kinds[kind]
        if not isinstance(value, types) or (kind != "BOOLEAN" and isinstance(value, bool)):
            raise UserError(f"parameter {key}: must be {words}, not {text!r}")
        if value == []:
            raise UserError(f"parameter {key}: names nothing")
        given[key] = float(value) if kind == "NUMBER_DOUBLE" else value
    missing = [key for key, spec in inputs.items() if key not in given and not spec.get("isOptional")]
    if missing and complete:
        raise UserError(f"parameter {missing[0]}: is missing; write {missing[0]}=VALUE")
    return given
