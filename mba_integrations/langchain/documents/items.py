"""Documents as memory items and back.

A document's place in its retriever's list is what is known of its match; it becomes the item's
relevance where the documents bring none. Scores are read for a list as a whole: those of a reranker
may lie anywhere, and some of them in [0, 1] by chance. The document that comes back is a copy with
one further key in its metadata.
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
_RANK_HALF = 10
"""The eleventh document of a list has half the relevance of the first."""
_DOCUMENT = "document"
_TIME_KEYS = ("created_at", "date", "timestamp")


def items_from_documents(
    documents: Sequence[Document], *, tier: MemoryTier, source: str = ""
) -> list[MemoryItem]:
    """An item for each document that has text, in order, each once.

    Documents with one id and different texts, as the chunks of a parent, are different documents;
    see `distinct`.

    Args:
        documents: In the order of their match.
        tier: The tier of the items.
        source: Goes before the ids of the items; a document without an id has one by content.
    """
    relevances = _relevances(documents)
    return distinct(
        [
            _item(
                document, source + (document.id or content_id(document.page_content)), match, tier
            )
            for document, match in zip(documents, relevances, strict=True)
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


def _item(document: Document, item_id: str, relevance: float, tier: MemoryTier) -> MemoryItem:
    known = document.metadata
    return MemoryItem(
        item_id,
        document.page_content,
        tier,
        relevance=relevance,
        created_at=_time(known),
        source=str(known["source"]) if known.get("source") else None,
        metadata={_DOCUMENT: document},
    )


def _relevances(documents: Sequence[Document]) -> list[float]:
    """The scores that documents bring; by their places where one of them brings none.

    Scores of which one is outside of [0, 1] are brought there by the least and the greatest.
    """
    by_place = [_RANK_HALF / (_RANK_HALF + place) for place in range(len(documents))]
    scores = [score for one in documents if (score := _score(one.metadata)) is not None]
    if len(scores) < len(documents) or not scores:
        return by_place
    low, high = min(scores), max(scores)
    if low >= 0.0 and high <= 1.0:
        return scores
    width = high - low
    if not 0.0 < width < math.inf:
        return by_place
    return [(score - low) / width for score in scores]


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
