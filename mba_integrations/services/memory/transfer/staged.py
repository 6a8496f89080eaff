"""An import that waits in the store, in parts: a job works through them, also after a restart.

    part 0    {"memories": [record, {"error": "..."}, ...], "inactive": ["m7"]}
    part 1    {"documents": [record, ...]}
    part 2    {"vectors": [record, ...]}

A part is kept as answers are, for a week at most. An erasure takes what it erases out of parts that
wait, by their records.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.new_memory import NewMemory, row_of
from mba_integrations.services.memory.remembering.given import MOST_AT_ONCE
from mba_integrations.services.memory.transfer.records import memory_of, memory_record
from mba_integrations.services.store.erasure.staged import PART, part_key
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import answers

KEPT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Found:
    """What a file has: memories or why not, the ids that are not active, vectors, documents."""

    memories: Sequence[NewMemory | InputError]
    inactive: frozenset[str] = frozenset()
    vectors: Sequence[Mapping[str, Any]] = ()
    notes: tuple[str, ...] = ()
    documents: Sequence[Mapping[str, Any]] = ()


def batches(things: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """So many at a time as one transaction takes."""
    for start in range(0, len(things), MOST_AT_ONCE):
        yield things[start : start + MOST_AT_ONCE]


def parts_of(found: Found, subject: str | None) -> Iterator[dict[str, Any]]:
    """What is read, as parts; of memories that do not say whom they are about, it is *subject*."""
    for some in batches(found.memories):
        ids = [one.item.id for one in some if isinstance(one, NewMemory)]
        yield {
            "memories": [_written(one, subject) for one in some],
            "inactive": [one for one in ids if one in found.inactive],
        }
    for some in batches(found.documents):
        yield {"documents": list(some)}
    for some in batches(found.vectors):
        yield {"vectors": list(some)}


def put_part(writing: Writing, job_id: str, place: int, part: Mapping[str, Any]) -> None:
    """Keep a part."""
    answers.keep(writing, part_key(job_id, place), PART, part, kept=KEPT)


def part_at(reading: Reading, job_id: str, place: int) -> Found | None:
    """A part as it was read; None if it is not kept any more."""
    kept = answers.find(reading, part_key(job_id, place), PART)
    if kept is None:
        return None
    part = kept.response
    listed = [_read(f"memory {number}", one) for number, one in enumerate(part.get("memories", ()))]
    return Found(
        listed,
        frozenset(part.get("inactive", ())),
        part.get("vectors", ()),
        documents=part.get("documents", ()),
    )


def _written(one: NewMemory | InputError, subject: str | None) -> dict[str, Any]:
    if isinstance(one, InputError):
        return {"error": str(one)}
    return memory_record(row_of(replace(one, subject=one.subject or subject)))


def _read(place: str, record: Mapping[str, Any]) -> NewMemory | InputError:
    if "error" in record:
        return InputError(record["error"])
    return memory_of(place, record)[0]
