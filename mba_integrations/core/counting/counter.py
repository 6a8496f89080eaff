"""The protocol of what counts tokens, and how a count that is none is refused.

Everything that counts, from a tokenizer to a function of the user, has this one role; everything
that uses counts takes it through `checked_count` or `checked_counts`, since a counter may be
foreign code. Counts are kept under a counter's `id`: in memory under any, on disk only where
`outlives_process` says that the id will mean the same counter there.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError


@runtime_checkable
class TokenCounter(Protocol):
    """Decides how many tokens a text is. It does not decide what fits, nor cut texts.

    1. `count(text)` depends on the text and on `id` only: counts are kept under them.
    2. `count_batch(texts)` equals `[count(text) for text in texts]`, the empty batch included:
       callers choose between the two by speed.
    3. Every `str` is counted: special tokens as plain text, lone surrogates, NUL, a megabyte of
       one letter. Memories are untrusted, and one bad text must not fail a whole allocation.
    4. Counts are integers from 0 to 2**63 - 1, and need not add up: the count of a joined text may
       differ from the sum of its parts, so callers count what they rendered.
    5. Both methods may be called from several threads at once.

    Attributes:
        id: Namespace of the counts, such as `tiktoken:o200k_base`. Two counters of one id give the
            same counts, in this process and, but for ids that are numbered, in any other.
        exact: True if counts are those of the model's own tokenizer, False if they estimate it.
    """

    @property
    def id(self) -> str: ...

    @property
    def exact(self) -> bool: ...

    def count(self, text: str, /) -> int: ...

    def count_batch(self, texts: Sequence[str], /) -> list[int]: ...


MOST_TOKENS = 2**63 - 1
"""Of one text: what an integer of 64 bits can hold."""

NUMBERED = "callable#"
"""What the id of a counter begins with that means a function of this process only."""


def outlives_process(counter_id: str) -> bool:
    """Whether an id means the same counter in another process, so that counts may be saved.

    >>> outlives_process("tiktoken:o200k_base"), outlives_process("callable#1:<lambda>")
    (True, False)
    """
    return not counter_id.startswith(NUMBERED)


def checked_count(counter: TokenCounter, text: str) -> int:
    """What *counter* says about one text.

    Raises:
        InputError: If it is not an integer, is negative, or is above `MOST_TOKENS`.
    """
    return _as_count(counter.id, counter.count(text))


def checked_counts(counter: TokenCounter, texts: Sequence[str]) -> list[int]:
    """What *counter* says about each text, in order.

    Raises:
        InputError: If there are more or fewer counts than texts, or one is not an integer, is
            negative, or is above `MOST_TOKENS`.
    """
    counts = counter.count_batch(texts)
    try:
        received = len(counts)
    except TypeError:
        kind = type(counts).__name__
        raise InputError(
            f"token counter {counter.id!r}: count_batch must return a list, got {kind}."
        ) from None
    if received != len(texts):
        raise InputError(
            f"token counter {counter.id!r}: count_batch gave {received:,} counts for "
            f"{len(texts):,} texts."
        )
    if set(map(type, counts)) == {int} and min(counts) >= 0 and max(counts) <= MOST_TOKENS:
        return list(counts)
    return [_as_count(counter.id, value) for value in counts]


def _as_count(counter_id: str, value: object) -> int:
    if type(value) is int and 0 <= value <= MOST_TOKENS:
        return value
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        number = -1
    if number < 0 or isinstance(value, bool):
        raise InputError(
            f"token counter {counter_id!r}: a count must be an integer >= 0, got {shown(value)}."
        )
    if number > MOST_TOKENS:
        raise InputError(
            f"token counter {counter_id!r}: a count must be at most 2**63 - 1, got {shown(number)}."
        )
    return number
