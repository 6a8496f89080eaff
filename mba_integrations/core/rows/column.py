"""`Column`: a value that is made when first asked for, and carried over where its rows change.

A column is listed in the class that owns it, with how it is built and, below that, how it is
changed. What has no way to be changed, and what was never asked for, is built anew when needed:

>>> import numpy as np
>>> from mba_integrations.core.rows.row_map import RowMap
>>> class Words:
...     def __init__(self, texts):
...         self.texts = texts
...     @Column
...     def lengths(self):
...         print("built")
...         return np.array([len(text) for text in self.texts])
...     @lengths.changed
...     def _(self, before, rows):
...         return rows.carried(before, [len(self.texts[row]) for row in rows.fresh])
>>> first, second = Words(["a", "bcd"]), Words(["bcd", "ef"])
>>> first.lengths
built
array([1, 3])
>>> carry(first, second, RowMap(2, 2, np.array([1, -1])))
>>> second.lengths
array([3, 2])

Threads may share an owner: two that ask at the same time may both build, with the same result.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar, overload

Owner = TypeVar("Owner")
Value = TypeVar("Value")
_Change = Callable[[Any, Any, Any], Any]


class Column(Generic[Value]):
    """One column of a class; used as a decorator of the method that builds it.

    Args:
        build: From the owner to the value.
    """

    def __init__(self, build: Callable[[Any], Value]) -> None:
        self._build = build
        self._change: _Change | None = None
        self._name = ""
        self.__doc__ = build.__doc__

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, owner: None, kind: type, /) -> Column[Value]: ...
    @overload
    def __get__(self, owner: object, kind: type, /) -> Value: ...
    def __get__(self, owner: object | None, kind: type, /) -> Column[Value] | Value:
        if owner is None:
            return self
        # Kept under the column's own name, which Python then finds without asking here again.
        made = owner.__dict__[self._name] = self._build(owner)
        return made

    def known(self, owner: object) -> bool:
        """Whether the owner's value is made."""
        return self._name in owner.__dict__

    def put(self, owner: object, value: Value) -> None:
        """Give the owner a value that was made elsewhere."""
        owner.__dict__[self._name] = value

    def changed(self, change: Callable[[Any, Value, Any], Value | None]) -> _Change:
        """Decorator: how the value of a new owner is made from an earlier one's.

        Args:
            change: Of the new owner, the earlier value and what changed; None leaves the value to
                be built when it is asked for.
        """
        self._change = change
        return change

    def carry(self, before: object, after: object, change: object) -> None:
        """Make the value of *after* from that of *before*, if it is made there."""
        if self._change is None or not self.known(before):
            return
        made = self._change(after, before.__dict__[self._name], change)
        if made is not None:
            self.put(after, made)


def carry(before: Owner, after: Owner, change: object) -> None:
    """Carry over each column that is made in *before*, in the order in which they are listed.

    A change of a column may therefore read the columns listed above it.
    """
    for column in vars(type(after)).values():
        if isinstance(column, Column):
            column.carry(before, after, change)
