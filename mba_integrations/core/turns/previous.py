"""What the next turn needs to know of a prompt, without the items that it was chosen from.

A `PreviousPrompt` takes memory in proportion to its prompt. An item counts as the same if its id,
its tier and its whole content are: a text that changed under an id that stayed is another item, and
one that changes from turn to turn, so it never comes into the beginning that is to stay.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot

_DIGEST_BYTES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousItem:
    """An item of a prompt.

    Attributes:
        id: Its id.
        tier: Its tier.
        digest: Stands for its whole content.
        passage: The part of the content that the prompt has; None for the whole.
        opens: Whether a heading stands before it.
        changing: Whether its text was another in an earlier prompt.
    """

    id: str
    tier: MemoryTier
    digest: bytes
    passage: str | None
    opens: bool
    changing: bool

    def is_still(self, item: MemoryItem) -> bool:
        """Whether *item*, of the same id, is this item: of the same tier and content."""
        return item.tier is self.tier and digest_of(item.content) == self.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviousPrompt:
    """The prompt of an earlier turn.

    Attributes:
        workspace_id: The workspace whose settings applied.
        layout_id: What wrote it.
        text: The prompt.
        items: Its items, in their order.
        breaks: Places in the text up to which a provider may have kept it, ascending.
    """

    workspace_id: str
    layout_id: str
    text: str
    items: tuple[PreviousItem, ...]
    breaks: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What of a previous prompt is carried over: its items that are candidates of this turn.

    Attributes:
        rows: Rows of its items that are candidates again, unchanged, in their order.
        lead: How many of `rows` stood before the first that is gone, changed or changing; no more
            of them can be kept.
        opens: For each of `rows`, whether a heading stood before it.
        shown: Those of `rows` that stood as a passage, with the item that is shown.
        changing: Rows whose text is another than before, now or in an earlier turn.
        changed: Ids whose text or tier is another now.
    """

    rows: tuple[int, ...] = ()
    lead: int = 0
    opens: tuple[bool, ...] = ()
    shown: Mapping[int, MemoryItem] = field(default_factory=dict)
    changing: frozenset[int] = frozenset()
    changed: tuple[str, ...] = ()


NOTHING_CARRIED = Carried()


def carried_over(previous: PreviousPrompt, snapshot: PoolSnapshot) -> Carried:
    """Find the items of *previous* among the candidates."""
    rows: dict[int, PreviousItem] = {}
    changing: set[int] = set()
    changed: list[str] = []
    lead: int | None = None
    for before in previous.items:
        row = snapshot.ids.get(before.id)
        still = row is not None and before.is_still(snapshot.items[row])
        if lead is None and (not still or before.changing):
            lead = len(rows)
        if row is not None and (before.changing or not still):
            changing.add(row)
        if row is not None and still:
            rows[row] = before
        elif row is not None:
            changed.append(before.id)
    return Carried(
        rows=tuple(rows),
        lead=len(rows) if lead is None else lead,
        opens=tuple(before.opens for before in rows.values()),
        shown={
            row: replace(snapshot.items[row], content=before.passage)
            for row, before in rows.items()
            if before.passage is not None
        },
        changing=frozenset(changing),
        changed=tuple(changed),
    )


def digest_of(text: str) -> bytes:
    """Stands for a text: equal for equal texts, and in practice for no others."""
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=_DIGEST_BYTES).digest()
