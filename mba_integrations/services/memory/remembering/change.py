"""What is done to memories that are there: revise, move, pin, hold, forget.

Each act is one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from mba_integrations.core.arguments import checked_iterable, checked_whole
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.embedding.job import ask_for_vectors
from mba_integrations.services.memory.embedding.models import EmbeddingModels
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.new_memory import NewMemory, checked_memory
from mba_integrations.services.memory.pools.items import item_of
from mba_integrations.services.memory.recalling.request import narrowed
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


def revise(memory_id: str, content: str, *, reason: str | None, models: EmbeddingModels) -> Act:
    """Put a memory with another text in the place of one."""

    def act(writing: Writing) -> ChangeReply:
        old = finding.get(writing, memory_id)
        if old.content == content:
            return ChangeReply(memories=(old,), change_seq=latest_change(writing, ()))
        if old.state is not MemoryState.ACTIVE:
            later = f" Revise {old.superseded_by!r}." if old.superseded_by else ""
            raise InputError(f"memory {memory_id!r} is {old.state} and cannot be revised.{later}")
        item = replace(item_of(old), id=new_id(writing.at), content=content)
        checked_memory(NewMemory(item=item), now=writing.at)
        successor = replace(
            old,
            memory_id=item.id,
            content=content,
            created_at=writing.at,
            last_accessed_at=None,
            access_count=0,
        )
        rows = memories.supersede(writing, {memory_id: successor}, reason=reason)
        ask_for_vectors(writing, models)
        return _reply(writing, rows)

    return act


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


def mark(
    memory_ids: Sequence[str],
    *,
    pinned: bool | None = None,
    held: bool | None = None,
    reason: str | None = None,
) -> Act:
    """Pin memories or hold them, or undo that."""

    def act(writing: Writing) -> ChangeReply:
        old = finding.known(writing, list(memory_ids))
        new = [_marked(row, pinned, held) for row in old]
        changed = [row for row, before in zip(new, old, strict=True) if row != before]
        rows = memories.update(writing, changed, reason=reason) if changed else ()
        return _reply(writing, rows)

    return act


def _marked(row: MemoryRow, pinned: bool | None, held: bool | None) -> MemoryRow:
    return replace(
        row,
        pinned=row.pinned if pinned is None else pinned,
        held=row.held if held is None else held,
    )


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
