"""What is done to memories that are there: revise, move, pin, hold, expire, forget.

Each act is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from mba_integrations.core.arguments import checked_iterable, checked_whole, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.embedding.job import ask_for_vectors
from mba_integrations.services.memory.embedding.models import EmbeddingModels
from mba_integrations.services.memory.errors import NotActiveError
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.new_memory import (
    NewMemory,
    check_text,
    checked_memory,
    row_of,
)
from mba_integrations.services.memory.recalling.request import narrowed
from mba_integrations.services.memory.remembering.given import MOST_AT_ONCE
from mba_integrations.services.memory.remembering.given_vectors import GivenVectors
from mba_integrations.services.memory.remembering.remember import latest_change
from mba_integrations.services.memory.remembering.results import ChangeReply
from mba_integrations.services.store.errors import MemoryExistsError
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing, checked_id
from mba_integrations.services.store.statements import finding, memories

Act = Callable[[Writing], ChangeReply]


def named_ids(memory_ids: str | Sequence[str]) -> list[str]:
    """Ids, each once; one alone is a list of one.

    Raises:
        InputError: If they are no list of ids, or none.
    """
    if isinstance(memory_ids, str):
        return [checked_id("memory_ids", memory_ids)]
    checked_iterable("memory_ids", memory_ids, "a list of ids")
    named = list(dict.fromkeys(checked_id("one of memory_ids", one) for one in memory_ids))
    if not named:
        raise InputError("memory_ids is empty. Name the memories.")
    return named


def checked_successors(
    successors: Mapping[str, str | NewMemory],
) -> Mapping[str, str | NewMemory]:
    """New texts and memories by the ids of the old ones.

    Raises:
        InputError: If they are none, or no or more than 1,000.
    """
    if not isinstance(successors, Mapping) or not 1 <= len(successors) <= MOST_AT_ONCE:
        raise InputError(
            f"successors must be a mapping of 1 to {MOST_AT_ONCE:,} memories by the ids of the old "
            f"ones, got {shown(successors)}."
        )
    for memory_id, new in successors.items():
        checked_id("memory_id", memory_id)
        if not isinstance(new, str | NewMemory):
            raise InputError(f"content must be a text or a NewMemory, got {shown(new)}.")
    return dict(successors)


def revise(
    successors: Mapping[str, str | NewMemory], *, reason: str | None, models: EmbeddingModels
) -> Act:
    """Put other texts, or whole memories, in the place of memories, by the ids of the old ones."""

    def act(writing: Writing) -> ChangeReply:
        old = finding.known(writing, list(successors))
        pairs = list(zip(old, successors.values(), strict=True))
        changed = [(row, new) for row, new in pairs if new != row.content]
        if not changed:
            return ChangeReply(memories=tuple(old), change_seq=latest_change(writing, ()))
        whole = {
            row.memory_id: checked_memory(new, now=writing.at)
            for row, new in changed
            if isinstance(new, NewMemory)
        }
        given = GivenVectors(writing, models, list(whole.values()))
        rows = memories.supersede(
            writing,
            {
                row.memory_id: _successor(row, whole.get(row.memory_id, new), given, writing.at)
                for row, new in changed
            },
            reason=reason,
        )
        given.put({one.item.id: one for one in whole.values()})
        ask_for_vectors(writing, models)
        return _reply(writing, rows)

    return act


def _successor(
    old: MemoryRow, new: str | NewMemory, given: GivenVectors, now: datetime
) -> MemoryRow:
    """The row that takes the place of one: a whole memory, or all of the old one but its text."""
    if old.state is not MemoryState.ACTIVE:
        later = f" Revise {old.superseded_by!r}." if old.superseded_by else ""
        raise NotActiveError(
            f"memory {old.memory_id!r} is {old.state} and cannot be revised.{later}"
        )
    if isinstance(new, NewMemory):
        given.check(new)
        return row_of(new)
    check_text(f"memory {shown(old.memory_id)}", new)
    return replace(
        old,
        memory_id=new_id(now),
        content=new,
        created_at=now,
        last_accessed_at=None,
        access_count=0,
    )


def move(
    memory_ids: Sequence[str],
    tier: MemoryTier,
    *,
    reason: str | None,
    review_id: str | None = None,
) -> Act:
    """Move memories to a tier."""

    def act(writing: Writing) -> ChangeReply:
        reasons = None if reason is None else dict.fromkeys(memory_ids, reason)
        tiers = dict.fromkeys(memory_ids, tier)
        rows = memories.move(writing, tiers, reasons=reasons, review_id=review_id)
        return _reply(writing, rows)

    return act


def mark(memory_ids: Sequence[str], *, reason: str | None, **news: Any) -> Act:
    """Give memories other values of some fields; those that have them already stay unchanged."""

    def act(writing: Writing) -> ChangeReply:
        old = finding.known(writing, list(memory_ids))
        new = [replace(row, **news) for row in old]
        changed = [row for row, before in zip(new, old, strict=True) if row != before]
        rows = memories.update(writing, changed, reason=reason) if changed else ()
        return _reply(writing, rows)

    return act


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetting:
    """Which memories are to be forgotten: those named, or all that a filter lets through.

    Attributes:
        memory_ids: The named ones; None where a filter is given.
        wanted: The filter; None where they are named.
        expected: How many it must be; None for any number.
        reason: Why.
    """

    memory_ids: tuple[str, ...] | None
    wanted: MemoryFilter | None
    expected: int | None = None
    reason: str | None = None


def forgetting(
    memory_ids: str | Sequence[str] | None,
    filters: MemoryFilter | None,
    subject: str | None,
    *,
    expected: int | None,
    reason: str | None,
) -> Forgetting:
    """Which memories are to be forgotten.

    Raises:
        InputError: If none are named, or both names and a filter are given.
    """
    if expected is not None:
        checked_whole("expected", expected)
    wanted = narrowed(filters, None, subject)
    if (memory_ids is None) is (wanted is None):
        raise InputError(
            "forget needs memory_ids, or filters or a subject that narrow what is forgotten; "
            f"got {'neither' if memory_ids is None else 'both'}."
        )
    ids = None if memory_ids is None else tuple(named_ids(memory_ids))
    return Forgetting(memory_ids=ids, wanted=wanted, expected=expected, reason=reason)


def forget(forgetting: Forgetting) -> Act:
    """Forget memories; what was forgotten is counted again in the same transaction."""

    def act(writing: Writing) -> ChangeReply:
        wanted = forgetting.wanted
        ids = forgetting.memory_ids if wanted is None else finding.ids(writing, wanted)
        rows = memories.forget(writing, ids or (), reason=forgetting.reason) if ids else ()
        if forgetting.expected not in (None, len(rows)):
            raise InputError(
                f"{len(rows):,} memories would be forgotten, expected is {forgetting.expected:,}. "
                "Nothing was forgotten."
            )
        _check_gone(writing, [row.memory_id for row in rows])
        return _reply(writing, rows)

    return act


def _check_gone(writing: Writing, ids: Sequence[str]) -> None:
    still = sum(finding.count(writing, MemoryFilter(memory_ids=frozenset(ids))).values())
    if still:
        raise MemoryExistsError(f"{still:,} of {len(ids):,} memories were not forgotten.", ids)


def _reply(writing: Writing, rows: Sequence[MemoryRow]) -> ChangeReply:
    return ChangeReply(memories=tuple(rows), change_seq=latest_change(writing, rows))
