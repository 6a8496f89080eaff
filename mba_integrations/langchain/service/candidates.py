"""`CandidateIndex`: any vector store or retriever of LangChain in front of `RagService.retrieve`.

The order in which an index returns its documents counts, the best first, and not what a store calls
a score, which is a distance in some and a similarity in others. A `relevance_score` that a reranker
wrote into the documents of a retriever counts as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from langchain_core.vectorstores import VectorStore

from mba_integrations.core.arguments import checked_whole, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.langchain.documents.items import document_of, items_from_documents
from mba_integrations.services.rag.candidates import as_candidate


@dataclass(frozen=True, slots=True)
class CandidateIndex:
    """What an index finds, as the `candidates` of `RagService.retrieve` and of the clients.

    Ids and metadata of the documents stay, so that what comes into the prompt is cited. A document
    without an id has one by its content.

    Args:
        index: A vector store or a retriever.
        k: Most candidates, >= 1: more than the prompt will have of them. A retriever finds as many
            as it is set to, and the first *k* of them are taken.
        search: Arguments of each search besides, such as `{"filter": {"lang": "en"}}`.

    Raises:
        InputError: If an argument is something else.
    """

    index: VectorStore | BaseRetriever
    k: int = 50
    search: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not isinstance(self.index, VectorStore | BaseRetriever):
            raise InputError(
                f"index must be a VectorStore or a retriever, got {shown(self.index)}."
            )
        checked_whole("k", self.k, at_least=1)

    def candidates(self, query: str, **search: Any) -> list[dict[str, Any]]:
        """What the index finds; nothing for a question without text. Its errors are raised as they
        are.

        Args:
            query: The question.
            search: Arguments of this search, in place of those of the same name.
        """
        if not query.strip():
            return []
        asked = {**self.search, **search}
        if isinstance(self.index, BaseRetriever):
            return self._of(self.index.invoke(query, **asked))
        return self._of(self.index.similarity_search(query, k=self.k, **asked))

    async def acandidates(self, query: str, **search: Any) -> list[dict[str, Any]]:
        """As `candidates`, by the index' own asynchronous search."""
        if not query.strip():
            return []
        asked = {**self.search, **search}
        if isinstance(self.index, BaseRetriever):
            return self._of(await self.index.ainvoke(query, **asked))
        return self._of(await self.index.asimilarity_search(query, k=self.k, **asked))

    def _of(self, documents: Sequence[Document]) -> list[dict[str, Any]]:
        items = items_from_documents(documents[: self.k], tier=MemoryTier.RAG)
        return [as_candidate(item, document_of(item).metadata) for item in items]
