"""LangChain's cross-encoders as rerankers."""

from __future__ import annotations

import pytest
from langchain_core.cross_encoders import BaseCrossEncoder

from mba_integrations import InputError, MemoryBudgetAllocator, MemoryItem
from mba_integrations.langchain import LangChainReranker


class Lengths(BaseCrossEncoder):
    """Prefers long texts; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[tuple[str, str]]] = []

    def score(self, text_pairs: list[tuple[str, str]]) -> list[float]:
        self.asked.append(text_pairs)
        return [float(len(text)) for _, text in text_pairs]


def test_a_cross_encoder_scores_pairs_of_the_query_and_each_text() -> None:
    encoder = Lengths()
    assert list(LangChainReranker(encoder)("oak?", ["a", "bcd"])) == [1.0, 3.0]
    assert encoder.asked == [[("oak?", "a"), ("oak?", "bcd")]]


def test_an_allocator_takes_it() -> None:
    items = [MemoryItem("a", "oak", "rag"), MemoryItem("b", "oak oak oak", "rag")]
    allocator = MemoryBudgetAllocator(reranker=LangChainReranker(Lengths()))
    plain = MemoryBudgetAllocator().allocate_memory_budget("zebra", items)
    moved = allocator.allocate_memory_budget("zebra", items)
    ratio = [one.decision("b").score / one.decision("a").score for one in (moved, plain)]
    assert ratio[0] > ratio[1]


def test_what_is_no_cross_encoder_is_refused() -> None:
    with pytest.raises(InputError, match=r"BaseCrossEncoder\), got int"):
        LangChainReranker(3)  # type: ignore[arg-type]
