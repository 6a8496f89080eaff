"""`RecallRequest`: the arguments of one recall, checked before anything is read."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from mba_integrations.core.arguments import (
    checked_iterable,
    checked_member,
    checked_text,
    checked_whole,
    shown,
)
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.protocol import PromptLayout
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.memory.new_memory import CLOCK_TOLERANCE, check_time
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryState
from mba_integrations.services.store.scopes import checked_id

MOST_QUERY_BYTES = 64 * 1024
MOST_LISTED = 500
_ACTIVE = frozenset({MemoryState.ACTIVE})


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRequest:
    """What is asked, of which memories, in how many tokens; see `MemoryService.recall`."""

    workspace_id: str
    query: str
    budget_tokens: int | None = None
    reserved_tokens: int | None = None
    session_id: str | None = None
    wanted: MemoryFilter | None = None
    as_of: datetime | None = None
    query_embedding: Sequence[float] | FloatArray | None = None
    layout: PromptLayout | None = None
    record_access: bool = True
    min_change_seq: int | None = None
    items: tuple[MemoryItem, ...] = ()
    as_of_seq: int | None = None

    def checked(self, now: datetime) -> RecallRequest:
        """The request, if it can be asked at *now*.

        Raises:
            InputError: Naming the argument that is wrong.
        """
        size = len(checked_text("query", self.query).encode("utf-8", "surrogatepass"))
        if size > MOST_QUERY_BYTES:
            raise InputError(
                f"query has {size:,} bytes, at most {MOST_QUERY_BYTES:,} are read. Ask in fewer "
                "words, or remember the text and ask about it."
            )
        if self.session_id is not None:
            checked_id("session_id", self.session_id)
        if self.min_change_seq is not None:
            checked_whole("min_change_seq", self.min_change_seq)
        check_time("as_of", self.as_of)
        if self.as_of is not None and self.as_of - now > CLOCK_TOLERANCE:
            raise InputError(f"as_of lies in the future, at {self.as_of.isoformat()}.")
        return self


def check_listed(limit: int) -> None:
    """Refuse a page of more than 500, or of none.

    Raises:
        InputError: With what was given.
    """
    if checked_whole("limit", limit, at_least=1) > MOST_LISTED:
        raise InputError(f"limit must be at most {MOST_LISTED}, got {limit:,}.")


def checked_items(items: Iterable[MemoryItem]) -> tuple[MemoryItem, ...]:
    """Items that the caller brings.

    Raises:
        InputError: If they are no items.
    """
    checked_iterable("items", items, "a list of items")
    listed = tuple(items)
    for item in listed:
        if not isinstance(item, MemoryItem):
            raise InputError(f"items must be MemoryItems, got {shown(item)}.")
    return listed


def checked_filter(filters: object) -> MemoryFilter:
    """A filter.

    Raises:
        InputError: If it is something else.
    """
    if not isinstance(filters, MemoryFilter):
        raise InputError(f"filters must be a MemoryFilter, got {type(filters).__name__}.")
    return filters


def narrowed(
    filters: MemoryFilter | None, tiers: Iterable[MemoryTier | str] | None, subject: str | None
) -> MemoryFilter | None:
    """One filter of all that a recall is narrowed by; None where everything is wanted.

    Raises:
        InputError: If the filter is none, asks for memories that cannot be recalled, or a tier is
            unknown.
    """
    wanted = MemoryFilter() if filters is None else checked_filter(filters)
    if wanted.states is None or not wanted.states <= _ACTIVE:
        raise InputError(
            f"filters.states must be active memories, got {shown(wanted.states)}. Others are "
            "listed by list()."
        )
    if tiers is not None:
        named = _tiers(tiers)
        wanted = replace(wanted, tiers=named & (wanted.tiers or named))
    if subject is not None:
        about = frozenset({checked_id("subject", subject)})
        wanted = replace(wanted, subjects=about & (wanted.subjects or about))
    return None if wanted == MemoryFilter() else wanted


def _tiers(tiers: Iterable[MemoryTier | str]) -> frozenset[MemoryTier]:
    checked_iterable("tiers", tiers, "a list of tiers")
    return frozenset(checked_member("a tier of tiers", tier, MemoryTier) for tier in tiers)
