"""LangChain's cross-encoders as the reranker of an allocator."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from langchain_core.cross_encoders import BaseCrossEncoder

from mba_integrations.core.errors import InputError
from mba_integrations.langchain.settings import Setting, keep


class LangChainReranker:
    """A reranker for `MemoryBudgetAllocator` that asks a cross-encoder.

    Args:
        cross_encoder: Any `BaseCrossEncoder`, such as `HuggingFaceCrossEncoder`. It gets all pairs
            of the query and a text in one call.

    Raises:
        InputError: If it is none.

    >>> from mba_integrations import MemoryBudgetAllocator
    >>> class Lengths(BaseCrossEncoder):
    ...     def score(self, text_pairs):
    ...         return [-len(text) for _, text in text_pairs]
    >>> allocator = MemoryBudgetAllocator(reranker=LangChainReranker(Lengths()))
    """

    cross_encoder = Setting[BaseCrossEncoder]()

    def __init__(self, cross_encoder: BaseCrossEncoder) -> None:
        if not isinstance(cross_encoder, BaseCrossEncoder):
            kind = type(cross_encoder).__name__
            raise InputError(
                "cross_encoder must be a cross-encoder of LangChain (BaseCrossEncoder), got "
                f"{kind}."
            )
        keep(self, cross_encoder=cross_encoder)

    def __call__(self, query: str, texts: list[str]) -> Sequence[Any]:
        """A score for each text."""
        return self.cross_encoder.score([(query, text) for text in texts])
