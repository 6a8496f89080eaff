"""What is wrong with settings, in this project's words instead of pydantic's.

Every problem of a settings group is reported, each once, in the order of the settings.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from pydantic import BaseModel, ValidationError

from mba_integrations.core import arguments
from mba_integrations.core.errors import ConfigError

TIERS_BRANCH = "[tiers]"
NUMBER_BRANCH = "[number]"
_NOT_KEYS = {"[key]", TIERS_BRANCH, NUMBER_BRANCH}
_LONGEST_NAME = 100
_QUOTED = re.compile(r"'([^']*)'")
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_RULES = {
    "float_type": "must be a number",
    "int_type": "must be an integer",
    "int_from_float": "must be an integer",
    "bool_type": "must be true or false",
    "finite_number": "must be finite",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "mapping_type": "must be a mapping",
    "tuple_type": "must be a list",
    "missing": "is required",
}
_BOUNDS = {
    "greater_than": ("gt", "must be above"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be below"),
    "less_than_equal": ("le", "must be at most"),
}


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """The name that was likely meant, or all that there are.

    >>> nearest_hint("half_live_days", ["half_life_days", "min_score"])
    "Did you mean 'half_life_days'?"
    >>> nearest_hint("x", ["a", "b"])
    'Known are: a, b.'
    """
    names = list(known)
    if len(name) > _LONGEST_NAME:  # nobody mistook it for a setting, and comparing takes its square
        return ""
    close = difflib.get_close_matches(name, names, n=1)
    close = close or [one for one in names if name and one.startswith(name)]
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known are: {', '.join(names)}." if names else ""


def unknown_setting(path: tuple[str, ...], known: Iterable[str]) -> SettingProblem:
    """The problem of a key that is none of the *known* ones."""
    return SettingProblem(
        path=path, rule="no such setting", unknown=True, hint=nearest_hint(path[-1], known)
    )


def shown(value: object) -> str:
    """A value as a message shows it: as YAML writes it, at most 80 characters."""
    if isinstance(value, bool) or value is None:
        return "null" if value is None else str(value).lower()
    return arguments.shown(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class SettingProblem:
    """One thing that is wrong with a settings group.

    Attributes:
        path: Keys from the outermost to the innermost, as in the constructor.
        rule: What must hold, in words.
        value: What was received, where `shows_value`.
        shows_value: Whether the message gives the value; not for rules about whole groups.
        unknown: Whether the last key of `path` is not a setting.
        fields: For a rule about several settings, their names in the group at `path`.
        hint: A sentence that says what to change, or "".
    """

    path: tuple[str, ...]
    rule: str
    value: object = None
    shows_value: bool = False
    unknown: bool = False
    fields: tuple[str, ...] = ()
    hint: str = ""

    def __str__(self) -> str:
        return ": ".join([*([".".join(self.path)] if self.path else []), self.text])

    @property
    def text(self) -> str:
        """The problem without its key, as sentences."""
        received = f", got {shown(self.value)}" if self.shows_value else ""
        return f"{self.rule}{received}.{' ' if self.hint else ''}{self.hint}"


class InvalidSettingsError(ConfigError):
    """Settings are refused.

    Attributes:
        subject: What was to be made: the workspace, or the group's class.
        problems: Every problem found, in the order of the settings.
    """

    def __init__(self, subject: str, problems: Iterable[SettingProblem]) -> None:
        self.problems = tuple(problems)
        first = self.problems[0]
        super().__init__(
            f"{subject}: {' '.join(str(problem) for problem in self.problems)}",
            key=".".join(first.path) or None,
            value=first.value,
        )
        self.subject = subject

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.subject, self.problems)


def problems_in(error: ValidationError, names: Iterable[str]) -> tuple[SettingProblem, ...]:
    """Every problem that pydantic found in a group whose settings are called *names*.

    Groups within it raise `InvalidSettingsError` themselves; their problems get a longer path.
    """
    known = tuple(names)
    return tuple(
        problem
        for detail in error.errors(include_url=False)
        for problem in _problems_of_detail(detail, known)
    )


def _problems_of_detail(detail: Any, known: tuple[str, ...]) -> Iterator[SettingProblem]:
    location = tuple(str(part) for part in detail["loc"])
    path = tuple(part for part in location if part not in _NOT_KEYS)
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, InvalidSettingsError):
        yield from (replace(inner, path=(*path, *inner.path)) for inner in cause.problems)
        return
    kind, value = detail["type"], detail["input"]
    if kind == "extra_forbidden":
        yield unknown_setting(path, known)
    elif kind == "enum" and location[-1:] == ("[key]",):
        yield unknown_setting(path, _expected(detail))
    else:
        shows = kind != "missing" and bool(path) and not isinstance(value, BaseModel)
        yield SettingProblem(
            path=path,
            rule=_rule(detail, location),
            value=value,
            shows_value=shows,
            hint=_hint(kind, value),
        )


def _expected(detail: Any) -> tuple[str, ...]:
    return tuple(_QUOTED.findall(str(detail.get("ctx", {}).get("expected", ""))))


def _rule(detail: Any, location: tuple[str, ...]) -> str:
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "enum":
        names = _expected(detail)
        listed = f"must be one of {', '.join(names)}"
        close = difflib.get_close_matches(shown(detail["input"]).strip("'"), names, n=1)
        return f"{listed} (did you mean {close[0]!r}?)" if close else listed
    if kind == "float_type" and location[-1:] == (NUMBER_BRANCH,):
        return "must be a number, or a mapping of tiers to numbers"
    if kind in _BOUNDS:
        bound, words = _BOUNDS[kind]
        limit = context[bound]
        return f"{words} {limit:,}" if isinstance(limit, int) else f"{words} {limit:g}"
    if kind in _RULES:
        return _RULES[kind]
    message = str(detail["msg"]).removeprefix("Value error, ").replace("Input should", "must")
    return message[:1].lower() + message[1:]


def _hint(kind: str, value: object) -> str:
    quoted = kind in {"int_type", "float_type"} and isinstance(value, str)
    return "Remove the quotes." if quoted and _NUMBER.fullmatch(str(value)) else ""
