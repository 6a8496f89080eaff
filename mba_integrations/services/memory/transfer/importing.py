"""Memories of an import, batch by batch: each one transaction, and each batch again adds nothing.

What was erased is left out, whatever file has it. A dry run does all of a batch and undoes it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.new_memory import NewMemory, checked_memory
from mba_integrations.services.memory.once import AnsweredBeforeError, Once
from mba_integrations.services.memory.remembering.remember import RememberRequest, remember
from mba_integrations.services.memory.transfer.records import document_of, vector_of
from mba_integrations.services.memory.transfer.staged import Found
from mba_integrations.services.store.erasure import ledger
from mba_integrations.services.store.rows.erasures import ErasedKind
from mba_integrations.services.store.scopes import Reading, Writing
from mba_integrations.services.store.statements import documents, finding, memories, vectors

_REJECTS = 20


@dataclass(slots=True)
class ImportReply:
    """What an import did, or would do.

    Attributes:
        created: Memories that are new.
        duplicates: Memories that are there already.
        erased: Memories that were erased before, and are left out.
        rejected: How many cannot be kept.
        reasons: Why, of the first 20.
        vectors: Vectors that came along.
        notes: What the reader of the file left out or changed.
    """

    created: int = 0
    duplicates: int = 0
    erased: int = 0
    rejected: int = 0
    reasons: list[str] = field(default_factory=list)
    vectors: int = 0
    notes: tuple[str, ...] = ()

    def __iadd__(self, other: ImportReply) -> Self:
        """The sum of both; of reasons the first 20."""
        for name in ("created", "duplicates", "erased", "rejected", "vectors"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.reasons += other.reasons[: _REJECTS - len(self.reasons)]
        self.notes += other.notes
        return self

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {**values, "reasons": list(self.reasons), "notes": list(self.notes)}

    @classmethod
    def from_dict(cls, written: Mapping[str, Any]) -> ImportReply:
        """What `to_dict` wrote."""
        values = {one.name: written[one.name] for one in fields(cls)}
        lists = {"reasons": list(values["reasons"]), "notes": tuple(values["notes"])}
        return cls(**{**values, **lists})


class Batches:
    """Brings batches into workspaces.

    Args:
        equipment: What the service lends.
        extracts: Whether the messages of a chat are then given to an extractor.
    """

    def __init__(self, equipment: Equipment, *, extracts: bool) -> None:
        self._equipment = equipment
        self._extracts = extracts

    def counted(self, workspace_id: str, batch: Found, *, subject: str | None) -> ImportReply:
        """What a batch would bring: it is done in a transaction, and undone.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        found: list[ImportReply] = []

        def act(writing: Writing) -> None:
            found.append(self.bring(writing, batch, subject=subject))
            raise _DryRunError

        with suppress(_DryRunError):
            self._equipment.write(workspace_id, act, actor="import")
        return found[0]

    def brought(
        self, workspace_id: str, act: Callable[[Writing], ImportReply], once: Once | None
    ) -> ImportReply:
        """Do a part of an import in a transaction; one that was done before is as it was then.

        Raises:
            IdempotencyConflictError: If the name came with another import.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        try:
            return self._equipment.write(workspace_id, act, actor="import", once=once)
        except AnsweredBeforeError as before:
            return ImportReply.from_dict(before.answer)

    def bring(self, writing: Writing, batch: Found, *, subject: str | None) -> ImportReply:
        """Remember a batch in a transaction."""
        checked = [self._checked(one, subject) for one in batch.memories]
        kept = _without_erased(writing, checked)
        reply = ImportReply(erased=len(checked) - len(kept))
        if not kept:
            return reply
        request = RememberRequest(found=tuple(kept), skip=True, extract=self._extracts)
        result = remember(writing, request, self._equipment.models)
        refused = [one.error for one in result.results if one.error is not None]
        created = {one.memory_id for one in result.results if one.created}
        gone = [one for one in batch.inactive if one in created]
        if gone:
            memories.forget(writing, gone, reason="was not active where it comes from")
        reply.created, reply.rejected = len(created), len(refused)
        reply.duplicates = len(kept) - len(created) - len(refused)
        reply.reasons = refused[:_REJECTS]
        return reply

    def _checked(self, one: NewMemory | InputError, subject: str | None) -> NewMemory | InputError:
        if isinstance(one, InputError):
            return one
        try:
            about = replace(one, subject=one.subject or subject)
            return checked_memory(about, now=self._equipment.clock())
        except InputError as error:
            return error


class _DryRunError(Exception):
    """Undoes the transaction of a dry run."""


def _without_erased(
    reading: Reading, batch: Sequence[NewMemory | InputError]
) -> list[NewMemory | InputError]:
    """What was not erased before, by its id, its subject, its source or its text."""
    fine = [one for one in batch if isinstance(one, NewMemory)]
    said: dict[ErasedKind, set[str]] = {kind: set() for kind in ErasedKind}
    for kind, value in (pair for one in fine for pair in _erasable(one)):
        said[kind].add(value)
    erased = {kind: ledger.was_erased(reading, kind, values) for kind, values in said.items()}

    def is_erased(one: NewMemory) -> bool:
        return any(value in erased[kind] for kind, value in _erasable(one))

    return [one for one in batch if isinstance(one, InputError) or not is_erased(one)]


def _erasable(one: NewMemory) -> Iterator[tuple[ErasedKind, str]]:
    """By what the memory may have been erased."""
    yield ErasedKind.MEMORY, one.item.id
    yield ErasedKind.CONTENT, one.item.content
    if one.subject is not None:
        yield ErasedKind.SUBJECT, one.subject
    if one.item.source is not None:
        yield ErasedKind.SOURCE, one.item.source


def put_documents(writing: Writing, records: Sequence[Mapping[str, Any]]) -> ImportReply:
    """Keep what is known of documents that have pieces here, and are not there already."""
    rows = [document_of(record["place"], record) for record in records]
    named = [row.document_id for row in rows]
    there, known = finding.sources(writing, named), documents.find(writing, named)
    documents.put(
        writing,
        [row for row in rows if row.document_id in there and row.document_id not in known],
    )
    return ImportReply()


def put_vectors(writing: Writing, records: Sequence[Mapping[str, Any]]) -> ImportReply:
    """Keep vectors of memories that are there, and count them."""
    read = [vector_of(record["place"], record) for record in records]
    there = finding.find(writing, [memory_id for memory_id, _, _ in read])
    of_model: dict[tuple[str, int], dict[str, FloatArray]] = {}
    for memory_id, model_id, vector in read:
        if memory_id in there:
            of_model.setdefault((model_id, len(vector)), {})[memory_id] = vector
    for (model_id, _), found in of_model.items():
        vectors.put(writing, model_id, list(found), np.stack(list(found.values())))
    return ImportReply(vectors=sum(map(len, of_model.values())))
