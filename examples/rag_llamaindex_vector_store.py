"""A LlamaIndex vector store finds passages, `RagService` chooses which of them fit, and cites them.

Run it with: python examples/rag_llamaindex_vector_store.py

Nodes stay in the index; the service keeps the workspace's settings and its log. The embeddings
count words, so neither a key nor a network is needed.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import TextNode
from llama_index.core.vector_stores import MetadataFilters

from mba_integrations.llamaindex import CandidateIndex
from mba_integrations.services import RagService
from mba_integrations.testing import WordEmbedder

QUESTION = "Who approves leave of more than ten days?"
BUDGET_TOKENS = 60
HANDBOOK = {
    7: "Leave of up to ten days is approved by the team lead within two days.",
    8: "Leave of more than ten days is approved by Ben, who asks for it six weeks ahead.",
    12: "Lunch is served at noon on the fourth floor, and coffee is free all day.",
    15: "Trains are booked a week ahead; the travel desk pays for second class.",
}


class WordCounts(BaseEmbedding):
    """Stands for an embedding model: which words a text has."""

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(one) for one in WordEmbedder()([text])[0]]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def filled_index() -> VectorStoreIndex:
    """The pages of a handbook, as a reader and a parser make them."""
    pages = [
        TextNode(id_=f"p{page}", text=text, metadata={"file_name": "handbook.pdf", "page": page})
        for page, text in HANDBOOK.items()
    ]
    return VectorStoreIndex(pages, embed_model=WordCounts())


def found(index: VectorStoreIndex, **how: Any) -> list[dict[str, Any]]:
    """More than fits, by a retriever with these settings."""
    retriever = index.as_retriever(similarity_top_k=20, **how)
    return CandidateIndex(retriever).candidates(QUESTION)


def main() -> None:
    """Ask the index for more than fits, and the service for what is worth its tokens."""
    index = filled_index()
    with tempfile.TemporaryDirectory() as place, RagService.open(Path(place) / "mba.db") as rag:
        cite = {"line_templates": {"rag": "[{citation}] {text}"}}
        rag.memory.create_workspace("staff", rendering=cite)
        pages = found(index)
        reply = rag.retrieve("staff", QUESTION, candidates=pages, budget_tokens=BUDGET_TOKENS)
        print(reply.prompt_text)
        assert reply.used_tokens <= BUDGET_TOKENS
        assert "[handbook.pdf, page 8] Leave of more than ten days" in reply.prompt_text
        assert "p8" in {one.memory_id for one in reply.citations}
        only = MetadataFilters.from_dicts([{"key": "page", "value": 12}])
        assert [one["id"] for one in found(index, filters=only)] == ["p12"]


if __name__ == "__main__":
    main()
