"""A LangChain vector store finds passages, `RagService` chooses which of them fit, and cites them.

Run it with: python examples/rag_langchain_vector_store.py

Documents stay in the vector store; the service keeps the workspace's settings and its log. The
embeddings count words, so neither a key nor a network is needed.
"""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.vectorstores import InMemoryVectorStore

from mba_integrations.langchain import CandidateIndex
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


class WordCounts(Embeddings):
    """Stands for an embedding model: which words a text has."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector.tolist() for vector in WordEmbedder()(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def filled_store() -> InMemoryVectorStore:
    """The pages of a handbook, as a loader and a splitter make them."""
    store = InMemoryVectorStore(WordCounts())
    store.add_documents(
        [
            Document(text, id=f"p{page}", metadata={"source": "handbook.pdf", "page": page})
            for page, text in HANDBOOK.items()
        ]
    )
    return store


def main() -> None:
    """Ask the store for more than fits, and the service for what is worth its tokens."""
    index = CandidateIndex(filled_store(), k=20)
    with tempfile.TemporaryDirectory() as place, RagService.open(Path(place) / "mba.db") as rag:
        cite = {"line_templates": {"rag": "[{citation}] {text}"}}
        rag.memory.create_workspace("staff", rendering=cite)
        found = index.candidates(QUESTION)
        reply = rag.retrieve("staff", QUESTION, candidates=found, budget_tokens=BUDGET_TOKENS)
        print(reply.prompt_text)
        assert reply.used_tokens <= BUDGET_TOKENS
        assert "[handbook.pdf, page 8] Leave of more than ten days" in reply.prompt_text
        assert "p8" in {one.memory_id for one in reply.citations}

        late = {"filter": lambda document: document.metadata["page"] > 10}
        narrowed = asyncio.run(index.acandidates(QUESTION, **late))
        print([one["id"] for one in narrowed])
        assert {one["id"] for one in narrowed} == {"p12", "p15"}


if __name__ == "__main__":
    main()
