"""`RetrieveReply`: the passages for a question, and where each of them stands."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

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


def source_ids(items: Sequence[MemoryItem]) -> list[str]:
    """Of which documents items are."""
    return list(dict.fromkeys(item.source for item in items if item.source is not None))


def tiers_of(with_memories: bool, with_documents: bool) -> tuple[MemoryTier, ...]:
    """The tiers that a question is asked of."""
    others = _OTHER_TIERS if with_memories else ()
    return (*others, MemoryTier.RAG) if with_documents else others
