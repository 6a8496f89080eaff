"""What a pool is made of: the memories that can be recalled, column by column."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedMemories:
    """Active memories in the order in which they were added, n of them.

    Attributes:
        items: Values of the fields of n items, by the name of the field.
        expires_at: From when each is not recalled; None for never.
        terms: Of each text, as they were written with it; None where they were not.
    """

    items: Mapping[str, Sequence[Any]]
    expires_at: Sequence[datetime | None]
    terms: Sequence[str | None]

    def __len__(self) -> int:
        return len(self.terms)
