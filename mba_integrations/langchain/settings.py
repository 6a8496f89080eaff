"""Settings that an object is given when it is made: they can be read, and not be set.

What is made of them, such as counters and open conversations, would otherwise go on as before, or
half of it would. The adapters that pydantic builds follow their fields instead.
"""

from __future__ import annotations

from typing import Any, Generic, NoReturn, TypeVar, overload

from mba_integrations.core.errors import InputError

Value = TypeVar("Value")


class Setting(Generic[Value]):
    """An attribute that `keep` sets once.

    >>> class Chooser:
    ...     budget_tokens = Setting[int]()
    ...
    ...     def __init__(self, budget_tokens):
    ...         keep(self, budget_tokens=budget_tokens)
    >>> chooser = Chooser(100)
    >>> chooser.budget_tokens
    100
    >>> chooser.budget_tokens = 50
    Traceback (most recent call last):
    ...
    mba_integrations.core.errors.InputError: budget_tokens of a Chooser cannot be changed. Make \
another Chooser with the new value.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Setting[Value]: ...
    @overload
    def __get__(self, instance: object, owner: type) -> Value: ...
    def __get__(self, instance: object | None, owner: type) -> Setting[Value] | Value:
        """The value; of the class, the setting itself."""
        if instance is None:
            return self
        value: Value = vars(instance)[self._name]
        return value

    def __set__(self, instance: object, value: Any) -> NoReturn:
        """Refuse it."""
        kind = type(instance).__name__
        raise InputError(
            f"{self._name} of a {kind} cannot be changed. Make another {kind} with the new value."
        )


def keep(instance: object, **settings: object) -> None:
    """Set what an object is given; only for its constructor."""
    vars(instance).update(settings)
