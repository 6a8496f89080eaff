"""What a caller's argument must be, a rule for each kind, and how values are shown and compared.

Python's own errors for numbers that are too long, or are none, name neither the argument nor the
rule. No check here raises anything but `InputError`, whatever the value.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

import numpy as np

from mba_integrations.core.errors import InputError

LARGEST_WHOLE = 2**63 - 1
"""What a column of whole numbers can hold."""
LONGEST_WAIT = 86_400
"""A day, in seconds; longer waits are none, and some systems refuse them."""
_LONGEST_SHOWN = 80
_LONGEST_BITS = 256  # Python refuses to write integers of more than 4,300 digits.


def checked_tokens(name: str, value: object) -> int:
    """A number of tokens, at least 1.

    Raises:
        InputError: With the name, if it is anything else.

    >>> checked_tokens("budget_tokens", np.int64(100))
    100
    """
    return checked_whole(name, value, at_least=1)


def checked_whole(name: str, value: object, *, at_least: int = 0) -> int:
    """A whole number from *at_least* to 2**63 - 1; numpy's count, truth values do not.

    Raises:
        InputError: With the name, if it is anything else.
    """
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < at_least:  # type: ignore[operator]
        raise InputError(f"{name} must be an integer >= {at_least}, got {shown(value)}.")
    if value > LARGEST_WHOLE:  # type: ignore[operator]
        raise InputError(f"{name} must be at most 2**63 - 1, got {shown(value)}.")
    return int(value)  # type: ignore[call-overload, no-any-return]


def checked_path(name: str, value: object) -> Path:
    """A path that this system's calls take; whether something is there is not looked at.

    Text that `os.fsdecode` made of a name that is not UTF-8 is a path. Bytes are none, since what
    is made of a path here (ids, notes, messages) is text.

    Raises:
        InputError: With the name, if it is neither text nor an `os.PathLike` of text, is empty,
            has a NUL, or has a character that no file's name has here.

    >>> checked_path("path", "configs/memory-budget.yaml").name
    'memory-budget.yaml'
    """
    text = _path_text(value)
    if text is None:
        kind = type(value).__name__
        raise InputError(f"{name} must be a path, as text or an os.PathLike of text, got {kind}.")
    if not text:
        raise InputError(f"{name} must be a path, got an empty text.")
    if "\0" in text:
        raise InputError(f"{name} must be a path, which holds no NUL, got {shown(text)}.")
    try:
        os.fsencode(text)
    except UnicodeEncodeError as error:
        sign = f"U+{ord(text[error.start]):04X}"
        raise InputError(
            f"{name} must be a path, which holds no {sign}, got {shown(text)}."
        ) from None
    return Path(text)


def _path_text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    try:
        text = os.fspath(value)  # type: ignore[call-overload]
    except Exception:  # no path, or somebody's own `__fspath__`
        return None
    return text if isinstance(text, str) else None


def checked_part(name: str, value: object, *, above_zero: bool = False) -> float:
    """A part of a whole, in [0, 1]; numpy's numbers count, truth values do not.

    Raises:
        InputError: With the name, if it is anything else, or is 0 where it must be above.
    """
    numbers = (int, float, np.integer, np.floating)
    real = isinstance(value, numbers) and not isinstance(value, bool)
    if not real or not 0.0 <= value <= 1.0 or (above_zero and not value):  # type: ignore[operator]
        range_ = "(0, 1]" if above_zero else "[0, 1]"
        raise InputError(f"{name} must be in {range_}, got {shown(value)}.")
    return float(value)  # type: ignore[arg-type]


def checked_seconds(name: str, value: object) -> float:
    """A time in seconds, above 0 and finite; numpy's numbers count, truth values do not.

    Raises:
        InputError: With the name, if it is anything else.
    """
    numbers = (int, float, np.integer, np.floating)
    real = isinstance(value, numbers) and not isinstance(value, bool)
    if not real or not 0.0 < value <= LONGEST_WAIT:  # type: ignore[operator]
        raise InputError(
            f"{name} must be a number of seconds, > 0 and at most {LONGEST_WAIT:,}, got "
            f"{shown(value)}."
        )
    return float(value)  # type: ignore[arg-type]


def checked_text(name: str, value: object) -> str:
    """A text, which may be empty.

    Raises:
        InputError: With the name, if it is anything else.
    """
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text, got {type(value).__name__}.")
    return value


def checked_texts(name: str, value: object) -> list[str]:
    """A list of texts, from any sequence of them; a text alone is none.

    Raises:
        InputError: With the name, if it is anything else.
    """
    checked_iterable(name, value, "a list of texts")
    texts: list[str] = list(value)  # type: ignore[call-overload]
    for place, text in enumerate(texts):
        if not isinstance(text, str):
            kind = type(text).__name__
            raise InputError(f"{name} must be a list of texts, got {kind} in place {place}.")
    return texts


Member = TypeVar("Member", bound=StrEnum)


def checked_member(name: str, value: object, of: type[Member]) -> Member:
    """A member of an enumeration of names, from the member or its name.

    Raises:
        InputError: With the name and all members, if there is no such member.
    """
    try:
        # Anything that is no text, such as an array, may be equal to a name in its own way.
        return of(value if isinstance(value, str) else "")
    except ValueError:
        raise InputError(f"{name} must be one of {', '.join(of)}, got {shown(value)}.") from None


def check_function(name: str, value: object) -> None:
    """Refuse what cannot be called.

    Raises:
        InputError: With the name.
    """
    if not callable(value):
        raise InputError(f"{name} must be a function, got {type(value).__name__}.")


def check_methods(name: str, value: object, of: str, methods: Sequence[str]) -> None:
    """Refuse what lacks a method, and a class, whose methods want an object.

    Raises:
        InputError: With the name, what is wanted and what is missing.
    """
    missing = [method for method in methods if not callable(getattr(value, method, None))]
    if missing:
        got = f"{type(value).__name__}, which has no {missing[0]}()"
        raise InputError(f"{name} must be {of}, got {got}.")
    if isinstance(value, type):
        raise InputError(f"{name} must be {of}, got the class {value.__name__}. Make an object.")


def checked_iterable(name: str, value: object, of: str) -> None:
    """Refuse what cannot be walked through, and a text, which is a list of its letters.

    Raises:
        InputError: With the name and what is wanted.
    """
    refusal = InputError(f"{name} must be {of}, got {type(value).__name__}.")
    if isinstance(value, (str, bytes)):
        raise refusal
    try:
        iter(value)  # type: ignore[call-overload]
    except TypeError:  # an array of no dimension says that it is iterable, and is not
        raise refusal from None


def shown(value: object) -> str:
    """A value as a message shows it, at most 80 characters.

    >>> shown(10**400)
    'an integer of 1,329 bits'
    """
    if isinstance(value, int) and value.bit_length() > _LONGEST_BITS:
        return f"an integer of {value.bit_length():,} bits"
    try:
        text = repr(value[: _LONGEST_SHOWN + 1] if isinstance(value, str) else value)
    except Exception:  # a list of long integers, or somebody's own `__repr__`
        return f"a {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 3]}..."


def says_the_same(before: object, now: object) -> bool:
    """Whether two values are one object, or of one type and equal.

    What cannot be compared counts as different: arrays and data frames have no one truth, tensors
    raise errors of their own, and any class may do as it likes.

    >>> says_the_same({"a": 1}, {"a": 1}), says_the_same(1, True)
    (True, False)
    """
    if before is now:
        return True
    if type(before) is not type(now):
        return False
    try:
        return bool(before == now)
    except Exception:  # a comparison is foreign code
        return False
