"""Remember: memories into the store, each once.

Two things make a second write of the same harmless. A key names a request: the same request under
the same key is answered as the first time, without being done again. And a text that is there, in
the same tier and source and about the same subject, is given back rather than added.

All that a decision depends on is looked up within the transaction, while other writers of the
workspace wait.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.embedding.job import ask_for_vectors
from mba_integrations.services.memory.embedding.models import EmbeddingModels
from mba_integrations.services.memory.new_memory import NewMemory, row_of
from mba_integrations.services.memory.remembering.extraction_request import ask_for_extraction
from mba_integrations.services.memory.remembering.given_vectors import GivenVectors
from mba_integrations.services.memory.remembering.results import RememberReply, RememberResult
from mba_integrations.services.store.errors import MemoryExistsError
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import (
    answers,
    finding,
    memories,
    workspaces,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RememberRequest:
    """What is to be remembered, and how.

    Attributes:
        found: The memories; an error in the place of one that is refused.
        skip: Whether those that are refused are left out, rather than all.
        key: Names the request; None for none.
        digest: Of the request.
        notes: What was left out before.
        extract: Whether messages are then given to the extractor.
    """

    found: tuple[NewMemory | InputError, ...]
    skip: bool = False
    key: str | None = None
    digest: str = ""
    notes: tuple[str, ...] = ()
    extract: bool = False


def remember(writing: Writing, request: RememberRequest, models: EmbeddingModels) -> RememberReply:
    """Remember in a transaction.

    Raises:
        InputError: If a memory is refused and *skip* is not asked for; naming its place.
        IdempotencyConflictError: If the key came with another request.
    """
    if request.key is not None:
        answer = answers.find(writing, request.key, request.digest)
        if answer is not None and answer.expires_at > writing.at:
            return RememberReply.from_dict(answer.response, replayed=True)
    sorting = _Sorting(writing, models, request.found)
    results = [sorting.result_of(place, one) for place, one in enumerate(request.found)]
    if not request.skip:
        _refuse_first(results, sorting.refusals)
    stored = sorting.store()
    if request.extract:
        ask_for_extraction(writing, stored)
    seq = latest_change(writing, stored)
    reply = RememberReply(results=tuple(results), change_seq=seq, notes=request.notes)
    if request.key is not None:
        answers.keep(writing, request.key, request.digest, reply.to_dict())
    return reply


def _refuse_first(
    results: Sequence[RememberResult], refusals: Mapping[int, InputError | MemoryExistsError]
) -> None:
    if not refusals:
        return
    place, error = next(iter(refusals.items()))
    more = f" {len(refusals) - 1:,} more are refused." if len(refusals) > 1 else ""
    where = f"memory {place} of {len(results)}: " if len(results) > 1 else ""
    if isinstance(error, MemoryExistsError):
        raise MemoryExistsError(f"{where}{error}{more}", error.memory_ids) from error
    raise InputError(f"{where}{error}{more}") from error


def latest_change(writing: Writing, rows: Sequence[MemoryRow]) -> int:
    """Where the sequence stands after these rows were changed; where it stood if none was."""
    seq = max((row.change_seq for row in rows), default=None)
    return workspaces.change_seq(writing) if seq is None else seq


class _Sorting:
    """Tells new memories from those that are there, and from those that are refused.

    Args:
        writing: The scope.
        models: What vectors are of.
        found: All memories of the request, whose ids and texts are looked up at once.
    """

    def __init__(
        self,
        writing: Writing,
        models: EmbeddingModels,
        found: Sequence[NewMemory | InputError],
    ) -> None:
        self._writing = writing
        self._models = models
        fine = [one for one in found if isinstance(one, NewMemory)]
        self._known = finding.find(writing, dict.fromkeys(one.item.id for one in fine))
        self._repeated = finding.repeated(writing, [row_of(one) for one in fine])
        self._vectors = GivenVectors(writing, models, fine)
        self._new: dict[str, NewMemory] = {}
        self._restored: dict[str, None] = {}
        self._said: dict[tuple[str, str, str | None, str | None], str] = {}
        self.refusals: dict[int, InputError | MemoryExistsError] = {}

    def result_of(self, place: int, one: NewMemory | InputError) -> RememberResult:
        """What becomes of one."""
        try:
            if isinstance(one, InputError):
                raise one
            self._vectors.check(one)
            return self._placed(one)
        except (InputError, MemoryExistsError) as error:
            self.refusals[place] = error
            return RememberResult(memory_id=None, error=str(error))

    def store(self) -> list[MemoryRow]:
        """Write what is new, with its vectors."""
        stored: list[MemoryRow] = []
        if self._new:
            stored += memories.add(self._writing, [row_of(one) for one in self._new.values()])
        if self._restored:
            again = list(self._restored)
            stored += memories.restore(self._writing, again, reason="remembered again")
        given = self._vectors.put(self._new)
        if given < len(stored):
            ask_for_vectors(self._writing, self._models)
        return stored

    def _placed(self, memory: NewMemory) -> RememberResult:
        item = memory.item
        if item.id in self._known or item.id in self._new:
            return self._again(memory)
        key = (item.content, item.tier.value, item.source, memory.subject)
        other = self._said.get(key) or self._repeated.get(item.id)
        if other is not None:
            return RememberResult(memory_id=other, duplicate_of=other)
        self._new[item.id] = memory
        self._said[key] = item.id
        return RememberResult(memory_id=item.id, created=True)

    def _again(self, memory: NewMemory) -> RememberResult:
        """An id that is there: the same text is no news, another one is a mistake."""
        memory_id, known = memory.item.id, self._known.get(memory.item.id)
        text = self._new[memory_id].item.content if known is None else known.content
        if text != memory.item.content:
            raise MemoryExistsError(
                f"memory {memory_id!r} is there with another text. Give it another id, or change "
                "the text with revise().",
                [memory_id],
            )
        if known is not None and known.state is not MemoryState.ACTIVE:
            self._restored[memory_id] = None
            return RememberResult(memory_id=memory_id, created=True)
        return RememberResult(memory_id=memory_id, duplicate_of=memory_id)
