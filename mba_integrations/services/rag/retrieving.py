"""`RetrieveReply`: the passages for a question, and where each of them stands."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from mba_integrations.core.arguments import checked_iterable, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.memory.recalling.reply import RecallReply
from mba_integrations.services.store.rows.documents import DocumentRow

_OTHER_TIERS = tuple(tier for tier in MemoryTier if tier is not MemoryTier.RAG)
_PLACES = ("page", "slide", "sheet", "cell", "rows", "lines", "symbol", "headings")
"""Of a piece's metadata, what tells where it stands; see `ingest.documents.citing`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Citation:
    """Where a passage of the prompt stands.

    Attributes:
        memory_id: The piece.
        text: As an answer would name it, such as `Handbook, page 12`.
        document_id: The document; of a candidate its source.
        title: What people call the document.
        uri: Where it can be opened.
        place: Where in it, such as `{"page": 12}`; empty where the whole document is meant.
    """

    memory_id: str
    text: str
    document_id: str | None
    title: str | None = None
    uri: str | None = None
    place: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "memory_id": self.memory_id,
            "text": self.text,
            "document_id": self.document_id,
            "title": self.title,
            "uri": self.uri,
            "place": dict(self.place),
        }


@dataclass(frozen=True, kw_only=True)
class RetrieveReply(RecallReply):
    """A recall over documents, with citations.

    Attributes:
        citations: Of each passage in the prompt, in its order.
    """

    citations: tuple[Citation, ...] = ()

    def to_dict(self, *, include_text: bool = True) -> dict[str, Any]:
        """JSON-ready; see `RecallReply.to_dict`."""
        cited = [one.to_dict() for one in self.citations]
        return {**super().to_dict(include_text=include_text), "citations": cited}


def cited(reply: RecallReply, documents: Mapping[str, DocumentRow]) -> RetrieveReply:
    """The reply with the citations of its documents' passages."""
    items = [one.item for one in reply.selected if one.item.tier is MemoryTier.RAG]
    return RetrieveReply(
        allocation=reply.allocation,
        allocation_id=reply.allocation_id,
        change_seq=reply.change_seq,
        not_considered=reply.not_considered,
        session_id=reply.session_id,
        notes=reply.notes,
        citations=tuple(_citation(item, documents.get(item.source or "")) for item in items),
    )


def _citation(item: MemoryItem, document: DocumentRow | None) -> Citation:
    known = item.metadata if document is None else {"title": document.title, "uri": document.uri}
    place = {name: item.metadata[name] for name in _PLACES if name in item.metadata}
    title = _text(known.get("title"))
    said = _text(item.metadata.get("citation")) or title or item.source or item.id
    return Citation(
        memory_id=item.id,
        text=" ".join(said.splitlines()),
        document_id=item.source,
        title=title,
        uri=_text(known.get("uri")),
        place=place,
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def candidate_items(candidates: Iterable[MemoryItem | Mapping[str, Any]]) -> list[MemoryItem]:
    """What an index of the caller's own returned, as items of documents.

    A candidate is a `MemoryItem`, or a mapping with `text` and, as far as there are any, `id`,
    `score` (any scale, higher is better), `source`, `position`, `embedding` and `metadata`.

    Raises:
        InputError: Naming the candidate that is none.

    >>> candidate_items([{"id": "c7", "text": "Rotate keys yearly.", "score": 0.83}])[0].tier
    <MemoryTier.RAG: 'rag'>
    """
    checked_iterable("candidates", candidates, "a list of items or mappings")
    return [_item(place, one) for place, one in enumerate(candidates)]


_TAKEN = ("source", "position", "embedding", "metadata", "created_at", "importance", "retriever")


def _item(place: int, one: MemoryItem | Mapping[str, Any]) -> MemoryItem:
    if isinstance(one, MemoryItem):
        return one if one.tier is MemoryTier.RAG else replace(one, tier=MemoryTier.RAG)
    if not isinstance(one, Mapping):
        raise InputError(
            f"candidate {place} must be a MemoryItem or a mapping with text, got {shown(one)}."
        )
    unknown = sorted(map(str, one.keys() - {"id", "text", "score", *_TAKEN}))
    if unknown or not isinstance(one.get("text"), str):
        has = f"has {unknown[0]!r}" if unknown else f"has the text {shown(one.get('text'))}"
        raise InputError(
            f"candidate {place} {has}. It may have id, text, score, {', '.join(_TAKEN)}."
        )
    rest = {name: one[name] for name in _TAKEN if one.get(name) is not None}
    return MemoryItem(
        str(one.get("id", f"candidate-{place}")),
        one["text"],
        MemoryTier.RAG,
        retriever_score=one.get("score"),
        **rest,
    )


def source_ids(items: Sequence[MemoryItem]) -> list[str]:
    """Of which documents items are."""
    return list(dict.fromkeys(item.source for item in items if item.source is not None))


def tiers_of(with_memories: bool, with_documents: bool) -> tuple[MemoryTier, ...]:
    """The tiers that a question is asked of."""
    others = _OTHER_TIERS if with_memories else ()
    return (*others, MemoryTier.RAG) if with_documents else others
