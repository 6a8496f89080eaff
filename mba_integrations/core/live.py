"""`LiveHandle`: what is used by several threads and goes on changing, so a copy would be another.

Results and settings are data and can be pickled and copied. A handle holds locks, and what it holds
changes with each call: of two copies neither would see what the other keeps, and nobody would be
told. So it is neither pickled nor copied deeply. A shallow copy is the handle itself.
"""

from __future__ import annotations

from typing import ClassVar, NoReturn, Self

from mba_integrations.core.errors import InputError


class LiveHandle:
    """Base of handles; each says what it holds and what to do in place of copying it.

    >>> class Meter(LiveHandle):
    ...     _holds, _instead = "its readings", "Make a Meter where it is read."
    >>> try:
    ...     Meter().__reduce__()
    ... except InputError as error:
    ...     print(str(error).partition(": ")[0])
    this Meter cannot be pickled or copied
    """

    _holds: ClassVar[str]
    _instead: ClassVar[str]

    def __copy__(self) -> Self:
        return self

    def __reduce__(self) -> NoReturn:
        kind = type(self).__name__
        raise InputError(
            f"this {kind} cannot be pickled or copied: {self._holds} change with its "
            f"use, and the copy would go its own way. {self._instead}"
        )
