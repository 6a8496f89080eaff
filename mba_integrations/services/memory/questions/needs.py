"""Which memories questions need: by their ids, and by pieces of their texts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from mba_integrations.learning.questions.question import Question
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryState
from mba_integrations.services.store.scopes import Reading, checked_id, checked_storable
from mba_integrations.services.store.statements import finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one question needs.

    Attributes:
        memory_ids: Memories that can be recalled.
        not_there: Ids and pieces of texts that none of those has.
    """

    memory_ids: tuple[str, ...]
    not_there: tuple[str, ...]


def needs_of(reading: Reading, questions: Sequence[Question], now: datetime) -> tuple[Need, ...]:
    """What each of the questions needs of the memories that can be recalled at a time.

    Raises:
        InputError: If an id or a piece of text is one that no store holds.
    """
    wanted = {checked_id("each of needed", one) for each in questions for one in each.needed}
    known = {
        memory_id
        for memory_id, row in finding.find(reading, wanted).items()
        if row.state is MemoryState.ACTIVE and not (row.expires_at and row.expires_at <= now)
    }

    @cache
    def with_text(piece: str) -> tuple[str, ...]:
        contains = checked_storable("each of needed_text", piece)
        return finding.ids(reading, MemoryFilter(contains=contains, alive_at=now))

    def found(question: Question) -> Iterator[tuple[str, tuple[str, ...]]]:
        for memory_id in question.needed:
            yield memory_id, (memory_id,) if memory_id in known else ()
        for piece in question.needed_text:
            yield piece, with_text(piece)

    return tuple(_need(list(found(one))) for one in questions)


def _need(found: Sequence[tuple[str, tuple[str, ...]]]) -> Need:
    return Need(
        memory_ids=tuple(dict.fromkeys(one for _, ids in found for one in ids)),
        not_there=tuple(named for named, ids in found if not ids),
    )
