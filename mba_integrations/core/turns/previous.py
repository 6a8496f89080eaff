"""What the next turn needs to know of a prompt, without the items that it was chosen from.

A `PreviousPrompt` takes memory in proportion to its prompt. An item counts as the same if its id,
its tier and its whole content are: a text that changed under an id that stayed is another item, and
one that changes from turn to turn, so it never comes into the beginning that is to be kept.

`to_dict` and `from_dict` carry it through JSON, so that a session can go on in another process.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from mba_integrations.core.arguments import checked_member
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.passages.parts import may_be_shortened

SCHEMA_VERSION = 1
_DIGEST_BYTES = 12
_WORDS: dict[type, str] = {
    int: "an integer",
    str: "a text",
    bool: "true or false",
    list: "a list",
    type(None): "null",
}


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

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "id": self.id,
            "tier": self.tier.value,
            "digest": self.digest.hex(),
            "passage": self.passage,
            "opens": self.opens,
            "changing": self.changing,
        }

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

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, with `schema_version`."""
        return {
            "schema_version": SCHEMA_VERSION,
            "workspace_id": self.workspace_id,
            "layout_id": self.layout_id,
            "text": self.text,
            "items": [item.to_dict() for item in self.items],
            "breaks": list(self.breaks),
        }

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> PreviousPrompt:
        """What `to_dict` wrote.

        Raises:
            InputError: If it is something else; the message names the first entry that is wrong.

        >>> empty = PreviousPrompt(workspace_id="w", layout_id="l", text="", items=())
        >>> PreviousPrompt.from_dict(empty.to_dict()) == empty
        True
        """
        place = "previous"
        version = _entry(written, place, "schema_version", int)
        if version != SCHEMA_VERSION:
            raise InputError(
                f"previous.schema_version is {version}, this version reads {SCHEMA_VERSION}. "
                "Begin the session anew."
            )
        items = enumerate(_entry(written, place, "items", list))
        text = _entry(written, place, "text", str)
        breaks = _entry(written, place, "breaks", list)
        if not all(type(at) is int and 0 <= at <= len(text) for at in breaks):
            raise InputError("previous.breaks must be integers from 0 to the length of text.")
        return cls(
            workspace_id=_entry(written, place, "workspace_id", str),
            layout_id=_entry(written, place, "layout_id", str),
            text=text,
            items=tuple(_read_item(item, f"previous.items[{at}]") for at, item in items),
            breaks=tuple(breaks),
        )


def _read_item(written: object, place: str) -> PreviousItem:
    tier = checked_member(f"{place}.tier", _entry(written, place, "tier", str), MemoryTier)
    return PreviousItem(
        id=_entry(written, place, "id", str),
        tier=tier,
        digest=_read_digest(_entry(written, place, "digest", str), place),
        passage=_entry(written, place, "passage", str, type(None)),
        opens=_entry(written, place, "opens", bool),
        changing=_entry(written, place, "changing", bool),
    )


def _read_digest(written: str, place: str) -> bytes:
    try:
        digest = bytes.fromhex(written)
    except ValueError:
        digest = b""
    if len(digest) != _DIGEST_BYTES:
        raise InputError(f"{place}.digest must be {2 * _DIGEST_BYTES} hexadecimal digits.")
    return digest


def _entry(written: object, place: str, name: str, *kinds: type) -> Any:
    """An entry of a mapping, of one of these types and no other: JSON's True is not its 1."""
    if not isinstance(written, Mapping):
        raise InputError(f"{place} must be a mapping, got {type(written).__name__}.")
    if name not in written:
        raise InputError(f"{place}.{name} is missing.")
    value = written[name]
    if type(value) not in kinds:
        wanted = " or ".join(_WORDS[kind] for kind in kinds)
        raise InputError(f"{place}.{name} must be {wanted}, got {type(value).__name__}.")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Carried:
    """What of a previous prompt is carried over: its items that are candidates of this turn.

    Attributes:
        rows: Rows of its items that are candidates again, unchanged, in their order.
        lead: How many of `rows` stood before the first that is gone, changed or changing, or that
            stood as a passage and is whole now; no more of them can be kept.
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
        whole = row is not None and before.passage is not None and _must_be_whole(snapshot, row)
        if whole:
            before = replace(before, passage=None)
        if lead is None and (not still or whole or before.changing):
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


def _must_be_whole(snapshot: PoolSnapshot, row: int) -> bool:
    """Whether no passage may stand for the item: it was pinned or grouped since it did."""
    return not may_be_shortened(snapshot, row)


def digest_of(text: str) -> bytes:
    """Stands for a text: equal for equal texts, and in practice for no others."""
    encoded = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(encoded, digest_size=_DIGEST_BYTES).digest()
