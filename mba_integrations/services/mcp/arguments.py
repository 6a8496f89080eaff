"""Arguments of a tool, held against the schema that its clients have."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import ValidationError, best_match  # type: ignore[import-untyped]

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.services.mcp.definitions import FOR_PROGRAMS, TOOLS

_VALIDATORS = {
    tool["name"]: Draft202012Validator(tool["inputSchema"]) for tool in (*TOOLS, *FOR_PROGRAMS)
}


def checked_arguments(tool: str, arguments: Mapping[str, Any] | None) -> Mapping[str, Any]:
    """The arguments, if the tool can take them.

    Raises:
        InputError: Naming the tool, the argument and the rule, or the tools that there are.

    >>> checked_arguments("revise", {"id": "m1"})
    Traceback (most recent call last):
    mba_integrations.core.errors.InputError: revise: text is missing. It takes id, text.
    """
    validator = _VALIDATORS.get(tool)
    if validator is None:
        listed = ", ".join(one["name"] for one in TOOLS)
        raise InputError(f"there is no tool {shown(tool)}. There are {listed}.")
    given = dict(arguments or {})
    error = best_match(validator.iter_errors(given))
    if error is not None:
        takes = ", ".join(validator.schema["properties"]) or "no arguments"
        raise InputError(f"{tool}: {_problem(error)} It takes {takes}.")
    return given


def _problem(error: ValidationError) -> str:
    place = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.path)
    name = place.removeprefix(".")
    rule = error.validator_value
    match error.validator:
        case "required":
            missing = next(one for one in rule if one not in error.instance)
            return f"{f'{name}.' if name else ''}{missing} is missing."
        case "additionalProperties":
            known = error.schema["properties"]
            extra = next(one for one in error.instance if one not in known)
            return f"{name or 'it'} has no argument {shown(extra)}."
        case "type":
            return f"{name} must be of type {rule}, got {shown(error.instance)}."
        case "enum":
            return f"{name} must be one of {', '.join(rule)}, got {shown(error.instance)}."
        case "minimum" | "maximum":
            return f"{name} must be at {_edge(error.validator)} {rule:,}, got {error.instance:,}."
        case _:
            return (
                f"{name} must have at {_edge(error.validator)} {rule}, got {len(error.instance)}."
            )


def _edge(validator: str) -> str:
    return "least" if validator.startswith("min") else "most"
