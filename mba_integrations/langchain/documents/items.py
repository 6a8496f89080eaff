"""Documents as memory items and back.

A score that a document brings in `relevance_score` has the scale of its retriever, so it is the
item's `retriever_score`, of which only the order counts. Where one document of a list brings none,
the places in the list stand for the scores. The document that comes back is a copy with one further
key in its metadata.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from numbers import Real
from typing import Any

from langchain_core.documents import Document

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Selected
from mba_integrations.langchain.distinct_items import content_id, distinct

METADATA_KEY = "memory_budget"
"""Under which a returned document says what was decided."""
_DOCUMENT = "document"
_TIME_KEYS = ("created_at", "date", "timestamp")


def items_from_documents(
    documents: Sequence[Document],
    *,
    tier: MemoryTier,
    source: str = "",
    retriever: str | None = None,
) -> list[MemoryItem]:
    """An item for each document that has text, in order, each once.

    Documents with one id and different texts, as the chunks of a parent, are different documents;
    see `distinct`.

    Args:
        documents: In the order of their match.
        tier: The tier of the items.
        source: Goes before the ids of the items; a document without an id has one by content.
        retriever: Names the list, where there are others.
    """
    return distinct(
        [
            _item(
                document,
                source + (document.id or content_id(document.page_content)),
                tier,
                score,
                retriever,
            )
            for document, score in zip(documents, _scores(documents), strict=True)
            if document.page_content.strip()
        ]
    )


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


def _item(
    document: Document, item_id: str, tier: MemoryTier, score: float, retriever: str | None
) -> MemoryItem:
    known = document.metadata
    return MemoryItem(
        item_id,
        document.page_content,
        tier,
        created_at=_time(known),
        source=str(known["source"]) if known.get("source") else None,
        metadata={_DOCUMENT: document},
        retriever_score=score,
        retriever=retriever,
    )


def _scores(documents: Sequence[Document]) -> list[float]:
    """The scores that documents bring; by their places where one of them brings none, or where all
    are equal."""
    scores = [_score(one.metadata) for one in documents]
    known = [score for score in scores if score is not None]
    if len(known) < len(documents) or len(set(known)) < 2:
        return [-float(place) for place in range(len(documents))]
    return known


def _score(known: Mapping[str, Any]) -> float | None:
    """A finite score, of Python's or of numpy's kinds."""
    given = known.get("relevance_score")
    if not isinstance(given, Real) or isinstance(given, bool):
        return None
    try:
        score = float(given)
    except OverflowError:
        return None
    return score if math.isfinite(score) else None


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
