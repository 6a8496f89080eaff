"""The feed of changes, by which pools are brought up to date and histories are told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from mba_integrations.core.model import MemoryTier


class ChangeOp(StrEnum):
    """What was done to a memory."""

    ADD = "add"
    UPDATE = "update"
    """Anything but text, tier and state: a pin, an importance, a date, tags."""
    REWRITE = "rewrite"
    """It has another text under the same id."""
    SUPERSEDE = "supersede"
    """Another one, `related_id`, took its place."""
    MOVE = "move"
    ACCESS = "access"
    """It came into a prompt. Nothing else but its count and its last use changed."""
    FORGET = "forget"
    EXPIRE = "expire"
    RESTORE = "restore"
    """It was superseded, forgotten or expired, and is active again."""
    PRUNE = "prune"
    """Its row is gone, since it was superseded or forgotten long enough ago."""
    ERASE = "erase"
    """All that was known of it is gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one memory. It holds no text of a memory.

    Attributes:
        change_seq: Its place in the workspace's sequence, from 1.
        memory_id: Of which memory.
        op: What was done.
        before_hash: SHA-256 of the text before, in hexadecimal; None where there was none.
        after_hash: SHA-256 of the text after; None likewise.
        tier_from: Its tier before; None where it is new.
        tier_to: Its tier after; None where its row is gone.
        related_id: The memory that took its place, or whose place it took.
        review_id: The review that moved it, by which moves are undone.
        reason: Why, in words.
        at: When.
        actor: Who.
    """

    change_seq: int
    memory_id: str
    op: ChangeOp
    before_hash: str | None
    after_hash: str | None
    tier_from: MemoryTier | None
    tier_to: MemoryTier | None
    related_id: str | None
    review_id: str | None
    reason: str | None
    at: datetime
    actor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeFeed:
    """What happened in a workspace after a place in its sequence.

    Attributes:
        change_seq: Where the sequence stands: the place to ask from the next time.
        complete: Whether *changes* are all there are; False if there are more than was asked for,
            or the feed no longer reaches back so far. Then load the workspace anew.
        changes: They, in order.
    """

    change_seq: int
    complete: bool
    changes: tuple[Change, ...]
