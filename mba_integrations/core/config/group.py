"""The base of every group of settings: frozen, strict, and with errors in this project's words.

Numbers, truth values and text are not converted into each other: `"5"` and `True` are no numbers.
A whole number may stand for a real one, the text of an enum's value for its member, a list for a
tuple. Mappings become read-only, so a group can be shared between threads.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, NoReturn, Self

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, ValidationError

from mba_integrations.core.config.problems import (
    InvalidSettingsError,
    SettingProblem,
    problems_in,
)

_STRICT_TYPES = {"int", "float", "bool", "str"}
_STAND_IN = "?"


class ReadOnlyDict(dict[Any, Any]):
    """A dict that cannot be changed. It can be hashed, copied, pickled and compared with a dict.

    >>> ReadOnlyDict(rag=1) == {"rag": 1}
    True
    """

    def _refuse(self, *arguments: object, **named: object) -> NoReturn:
        raise TypeError("settings cannot be changed; make new ones with with_changes().")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]  # dict says that it has none
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (dict(self),)


def _make_strict(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") in _STRICT_TYPES:
            schema["strict"] = True
        for part in schema.values():
            _make_strict(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            _make_strict(part)


class SettingsGroup(BaseModel):
    """Base of every group.

    Raises:
        InvalidSettingsError: A `ConfigError` that lists every setting that is refused.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_default=True, ser_json_inf_nan="strings"
    )

    def __init__(self, /, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as error:
            problems = problems_in(error, tuple(type(self).model_fields))
            problems += _hidden_contradictions(type(self), values, problems)
            raise self._refusal(values, problems) from error
        except TypeError as error:
            # Pydantic makes a group within this one by calling its class with keyword arguments.
            problem = SettingProblem(path=(), rule="the names of settings must be text")
            raise self._refusal(values, (problem,)) from error

    def with_changes(self, **values: Any) -> Self:
        """A copy with other values, checked like new ones.

        A group within this one may be given as a mapping of the settings that change.

        Raises:
            InvalidSettingsError: If the result is not valid.
        """
        current, changed = dict(self), {}
        problems: list[SettingProblem] = []
        for name, new in values.items():
            try:
                changed[name] = _merged(current.get(name), new)
            except InvalidSettingsError as error:
                problems += (replace(one, path=(name, *one.path)) for one in error.problems)
        if not problems:
            return type(self)(**current | changed)
        raise self._refusal(current, (*problems, *_problems_of(type(self), current | changed)))

    @classmethod
    def _refusal(
        cls, values: Mapping[str, Any], problems: tuple[SettingProblem, ...]
    ) -> InvalidSettingsError:
        return InvalidSettingsError(cls.__name__, problems)

    def model_post_init(self, context: Any, /) -> None:
        """Make every mapping read-only."""
        for name, value in self.__dict__.items():
            if isinstance(value, dict):
                self.__dict__[name] = _read_only(value)

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: type[BaseModel], handler: GetCoreSchemaHandler, /
    ) -> Any:
        """Pydantic's schema with strict numbers, truth values and text.

        Strictness for the whole group would refuse the text of an enum's value and lists as well.
        """
        schema = handler(source)
        _make_strict(schema)
        return schema


def _problems_of(
    group: type[SettingsGroup], values: Mapping[str, Any]
) -> tuple[SettingProblem, ...]:
    try:
        group(**values)
    except InvalidSettingsError as error:
        return error.problems
    return ()


def _merged(current: object, new: object) -> object:
    if isinstance(current, SettingsGroup) and isinstance(new, Mapping):
        return current.with_changes(**new)
    return new


def _read_only(value: Any) -> Any:
    if isinstance(value, dict):
        return ReadOnlyDict({key: _read_only(inner) for key, inner in value.items()})
    return value


def _hidden_contradictions(
    group: type[SettingsGroup], values: Mapping[str, Any], found: Iterable[SettingProblem]
) -> tuple[SettingProblem, ...]:
    """Contradictions between settings that pydantic did not look for since others are invalid.

    The invalid ones are left out and the rest is checked; what involves an invalid one is dropped.
    Only a text can be stood in for, so a group that lacks another setting is not looked at again.
    """
    refused = {problem.path[0] for problem in found if problem.path}
    rest = {name: value for name, value in values.items() if name not in refused}
    needed = {name: field for name, field in group.model_fields.items() if field.is_required()}
    missing = needed.keys() - rest.keys()
    if not refused or any(needed[name].annotation is not str for name in missing):
        return ()  # nothing can stand in for what is no text
    try:
        group(**dict.fromkeys(missing, _STAND_IN) | rest)
    except InvalidSettingsError as error:
        invalid = refused & group.model_fields.keys()
        return tuple(
            problem
            for problem in error.problems
            if not problem.path
            and not (invalid if not problem.fields else invalid.intersection(problem.fields))
        )
    return ()
