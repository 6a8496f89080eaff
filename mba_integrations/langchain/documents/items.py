"""Documents as memory items and back.

A document's place in its retriever's list is what is known of its match; it becomes the item's
relevance where the document brings none. The document that comes back is a copy with one further
key in its metadata.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from langchain_core.documents import Document

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Selected

METADATA_KEY = "memory_budget"
"""Under which a returned document says what was decided."""
_RANK_HALF = 10
"""The eleventh document of a list has half the relevance of the first."""
_DOCUMENT = "document"
_TIME_KEYS = ("created_at", "date", "timestamp")


def items_from_documents(
    documents: Sequence[Document], *, tier: MemoryTier, source: str = ""
) -> list[MemoryItem]:
    """An item for each document that has text, in order, each text once.

    Args:
        documents: In the order of their match.
        tier: The tier of the items.
        source: Goes before the ids of the items; a document without an id has one by content.
    """
    items: dict[str, MemoryItem] = {}
    for rank, document in enumerate(documents):
        if not document.page_content:
            continue
        item_id = source + (document.id or _content_id(document.page_content))
        items.setdefault(item_id, _item(document, item_id, rank, tier))
    return list(items.values())


def document_of(item: MemoryItem) -> Document:
    """The document that an item was made from."""
    document = item.metadata[_DOCUMENT]
    assert isinstance(document, Document)
    return document


def chosen_documents(allocation: Allocation) -> list[Document]:
    """Copies of the chosen documents in the order of the prompt, with what was decided."""
    return [_annotated(selected, allocation) for selected in allocation.selected]


def _annotated(selected: Selected, allocation: Allocation) -> Document:
    document = document_of(selected.item)
    decision = {
        "tier": selected.tier.value,
        "tokens": selected.tokens,
        "score": selected.score,
        "budget_tokens": allocation.budget_tokens,
        "used_tokens": allocation.used_tokens,
        "shortened": selected.passage is not None,
    }
    return document.model_copy(
        update={
            "page_content": selected.passage or document.page_content,
            "metadata": {**document.metadata, METADATA_KEY: decision},
        }
    )


def _item(document: Document, item_id: str, rank: int, tier: MemoryTier) -> MemoryItem:
    known = document.metadata
    return MemoryItem(
        item_id,
        document.page_content,
        tier,
        relevance=_relevance(known, rank),
        created_at=_time(known),
        source=str(known["source"]) if known.get("source") else None,
        metadata={_DOCUMENT: document},
    )


def _relevance(known: Mapping[str, Any], rank: int) -> float:
    given = known.get("relevance_score")
    if isinstance(given, int | float) and not isinstance(given, bool) and 0.0 <= given <= 1.0:
        return float(given)
    return _RANK_HALF / (_RANK_HALF + rank)


def _time(known: Mapping[str, Any]) -> datetime | None:
    for name in _TIME_KEYS:
        value = known.get(name)
        if isinstance(value, str):
            try:
                value = datetime.fromisoformat(value)
            except ValueError:
                continue
        if isinstance(value, datetime):
            return value if value.tzinfo else value.replace(tzinfo=UTC)
    return None


def _content_id(text: str) -> str:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
