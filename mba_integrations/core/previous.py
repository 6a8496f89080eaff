"""What the next turn needs to know of a prompt, without the items that it was chosen from.

A `PreviousPrompt` takes memory in proportion to its prompt. An item counts as the same if its id,
its tier and its whole content are: a text that changed under an id that stayed is another item.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.snapshot import PoolSnapshot

_DIGEST_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousItem:
    """An item of a prompt.

    Attributes:
        id: Its id.
        tier: Its tier.
        digest: Stands for its whole content.
        passage: The part of the content that the prompt has; None for the whole.
    """

    id: str
    tier: MemoryTier
    digest: bytes
    passage: str | None

    @classmethod
    def of(cls, item: MemoryItem, passage: str | None) -> PreviousItem:
        """An item as it stands in a prompt."""
        return cls(id=item.id, tier=item.tier, digest=digest_of(item.content), passage=passage)

    def is_still(self, item: MemoryItem) -> bool:
        """Whether *item* is this item: of the same id, tier and content."""
        same_place = item.id == self.id and item.tier is self.tier
        return same_place and digest_of(item.content) == self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousPrompt:
    """The prompt of an earlier turn.

    Attributes:
        workspace_id: The workspace whose settings applied.
        layout_id: What wrote it.
        text: The prompt.
        items: Its items, in their order.
    """

    workspace_id: str
    layout_id: str
    text: str
    items: tuple[PreviousItem, ...]

    def rows_in(self, snapshot: PoolSnapshot) -> tuple[int, ...]:
        """Rows of the items that are candidates again, in their order."""
        found = ((snapshot.ids.get(item.id), item) for item in self.items)
        return tuple(
            row for row, item in found if row is not None and item.is_still(snapshot.items[row])
        )


def digest_of(text: str) -> bytes:
    """Stands for a text: equal for equal texts, and in practice for no others."""
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=_DIGEST_BYTES).digest()
