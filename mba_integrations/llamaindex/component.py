"""What the adapter's pydantic classes have in common: fields that are set later, and copies.

A field that is set counts from the next call on. What the constructor would refuse is refused, and
the field stays as it was.

A copy has everything or is refused. LlamaIndex' own components leave out of a pickle what cannot be
pickled, with a line in the log: a memory would go on without its long-term memory.
"""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from typing import Annotated, Any, Self

from llama_index.core.bridge.pydantic import BaseModel, ConfigDict, Field

from mba_integrations.core.arguments import LARGEST_WHOLE
from mba_integrations.core.errors import InputError

BudgetTokens = Annotated[int, Field(ge=1, le=LARGEST_WHOLE)]
"""Tokens of a budget, in the range that the core takes."""
MediaTokens = Annotated[int, Field(ge=0, le=2**31)]
"""Tokens of one image or recording: so few that the sums of long histories are whole numbers."""


class Component(BaseModel):
    """A pydantic class of the adapter. It stands before LlamaIndex' class among the bases."""

    model_config = ConfigDict(
        extra="forbid", arbitrary_types_allowed=True, validate_assignment=True
    )

    def _check(self) -> None:
        """Refuse fields that contradict each other.

        Raises:
            InputError: With what to change.
        """

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in type(self).model_fields:
            super().__setattr__(name, value)
            return
        before = getattr(self, name)
        super().__setattr__(name, value)
        try:
            self._check()
        except InputError:
            super().__setattr__(name, before)
            raise

    def __getstate__(self) -> dict[Any, Any]:
        # Of the base of all models: LlamaIndex' own leaves out what cannot be pickled.
        state = BaseModel.__getstate__(self)
        for values in _values_in(state):
            for name, value in values.items():
                check_picklable(self, name, value)
        return state

    def __setstate__(self, state: dict[Any, Any]) -> None:
        BaseModel.__setstate__(self, state)

    def __deepcopy__(self, memo: dict[int, Any] | None = None) -> Self:
        known = {} if memo is None else memo
        made = known[id(self)] = type(self).__new__(type(self))
        state = BaseModel.__getstate__(self)
        state["__pydantic_fields_set__"] = set(self.model_fields_set)
        for values in _values_in(state):
            for name, value in values.items():
                values[name] = deep_copy(self, name, value, known)
        made.__setstate__(state)
        return made


def _values_in(state: dict[Any, Any]) -> Iterator[dict[str, Any]]:
    """Fields and private values of a model's state, in dictionaries that may be changed."""
    for part in ("__dict__", "__pydantic_private__"):
        state[part] = dict(state[part] or {})
        yield state[part]


def check_picklable(owner: object, name: str, value: object) -> None:
    """Refuse to pickle *owner* with a value that cannot be pickled.

    Raises:
        InputError: With the name of the value.
    """
    try:
        pickle.dumps(value)
    except InputError:
        raise
    except Exception as error:  # whatever the `__reduce__` of somebody's class raises
        raise _refused(owner, "pickled", name, error) from error


def deep_copy(owner: object, name: str, value: Any, memo: dict[int, Any]) -> Any:
    """A deep copy of a value that *owner* has.

    Raises:
        InputError: With the name of the value, if it cannot be copied.
    """
    try:
        return copy.deepcopy(value, memo)
    except InputError:
        raise
    except Exception as error:
        raise _refused(owner, "copied", name, error) from error


def _refused(owner: object, done: str, name: str, error: Exception) -> InputError:
    kind, argument = type(owner).__name__, name.removeprefix("_")
    return InputError(
        f"this {kind} cannot be {done}: {argument} is bound to this process "
        f"({type(error).__name__}: {error}). Make another {kind} and give it {argument} anew."
    )
