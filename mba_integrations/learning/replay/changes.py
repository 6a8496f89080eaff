"""`Changed`: what other settings would bring into a past prompt, and take out of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """How the decision on a past recall would differ; false where it would not.

    Attributes:
        allocation_id: Which recall.
        entering: Ids that would come in.
        leaving: Ids that would go.
    """

    allocation_id: str
    entering: tuple[str, ...]
    leaving: tuple[str, ...]

    @classmethod
    def between(cls, allocation_id: str, before: Sequence[str], after: Sequence[str]) -> Changed:
        """Of the ids in the prompt of then and in the other one.

        >>> Changed.between("a", ["m1", "m2"], ["m2", "m3"])
        Changed(allocation_id='a', entering=('m3',), leaving=('m1',))
        """
        was, will = set(before), set(after)
        return cls(
            allocation_id=allocation_id,
            entering=tuple(one for one in after if one not in was),
            leaving=tuple(one for one in before if one not in will),
        )

    def __bool__(self) -> bool:
        return bool(self.entering or self.leaving)
