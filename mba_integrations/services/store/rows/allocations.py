"""The log of allocations: one row each, one for each item that is worth keeping, and feedback."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

ASKED = "asked"
"""Key of a record under which stands what a recall was asked besides its question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationRow:
    """One allocation.

    Attributes:
        allocation_id: Unique in the workspace; ids that grow with time keep the log in order.
        at: When.
        record: `AllocationRecord.to_dict()`: numbers, and texts only if the workspace logs them.
        session_id: In which session.
        settings_version: Of the workspace's settings.
        core_version: Of this package.
        change_seq: Where the workspace's sequence stood: which memories there were.
        prefix_hash: Of the prompt's beginning.
        stable_prefix_tokens: Tokens that the prompt shares with the previous one.
        query_hash: SHA-256 of the query.
        figures: What is known of the call besides, numbers alone: `omitted_tokens`, by reason the
            tokens of what was left out and of how many memories those are; `ms` by phase; `cost`
            of the prompt, and `uncached_cost`.
        items: What was decided on memories.
    """

    allocation_id: str
    at: datetime
    record: Mapping[str, Any]
    session_id: str | None = None
    settings_version: int | None = None
    core_version: str | None = None
    change_seq: int | None = None
    prefix_hash: str | None = None
    stable_prefix_tokens: int | None = None
    query_hash: str | None = None
    figures: Mapping[str, Any] | None = None
    items: tuple[AllocationItem, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AllocationItem:
    """What an allocation decided on one memory.

    Attributes:
        memory_id: Which one.
        selected: Whether it is in the prompt.
        tokens: What it costs; None where it was not counted.
        score: Its score.
        reason: Why it is not in the prompt; None if it is.
    """

    memory_id: str
    selected: bool
    tokens: int | None = None
    score: float | None = None
    reason: str | None = None


class FeedbackOrigin(StrEnum):
    """Who says whether a memory was of use."""

    CITED = "cited"
    """The answer named it, or named others."""
    OVERLAP = "overlap"
    """The answer says what it says, or what others say."""
    THUMB = "thumb"
    """A person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackRow:
    """Whether a memory was of use in an allocation.

    Attributes:
        allocation_id: Which allocation.
        memory_id: Which memory; None for the whole prompt.
        useful: Whether; None where somebody looked and could not say.
        origin: Who says so.
        weight: How much it says, in [0, 1]; 0 where nobody could say.
        at: When.
    """

    allocation_id: str
    memory_id: str | None
    useful: bool | None
    origin: FeedbackOrigin
    weight: float
    at: datetime
