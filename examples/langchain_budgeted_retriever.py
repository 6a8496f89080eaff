"""One budget for several retrievers, and less room for one call of them.

Run it with: python examples/langchain_budgeted_retriever.py

The vector stores compare words, so neither a key nor a network is needed.
"""

from __future__ import annotations

from typing import Any

from langchain_core.documents import Document
from langchain_core.embeddings import Embeddings
from langchain_core.retrievers import BaseRetriever
from langchain_core.runnables import ConfigurableField
from langchain_core.vectorstores import InMemoryVectorStore

from mba_integrations import counter_for_model
from mba_integrations.langchain import BudgetedRetriever, RetrieverSource
from mba_integrations.testing import WordEmbedder

QUESTION = "Why is the orders page slow, and would an index help?"
TICKETS = (
    "Ticket 311: the orders page takes six seconds. EXPLAIN shows a sequential scan.",
    "Ticket 298: the logo is blurred on large screens.",
    "Ticket 305: the export of orders fails for names with umlauts.",
)
MANUAL = (
    "An index lets PostgreSQL find the rows of a customer without reading the whole table.",
    "A CSS grid places its children in rows and columns, by name or number.",
    "A sequential scan reads every row of a table; on large tables it is slow.",
)


class WordCounts(Embeddings):
    """Stands for an embedding model: which words a text has."""

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        return [vector.tolist() for vector in WordEmbedder()(texts)]

    def embed_query(self, text: str) -> list[float]:
        return self.embed_documents([text])[0]


def finds(texts: tuple[str, ...]) -> BaseRetriever:
    """A vector store that returns more than the prompt has room for."""
    return InMemoryVectorStore.from_texts(list(texts), WordCounts()).as_retriever()


def tokens_of(documents: list[Document]) -> int:
    """Tokens of documents as `create_stuff_documents_chain` joins them."""
    return counter_for_model("gpt-4o").count("\n\n".join(one.page_content for one in documents))


def main() -> None:
    """The same question with less and less room."""
    sources = [
        RetrieverSource(finds(TICKETS), tier="long_term", share=0.3),
        RetrieverSource(finds(MANUAL), tier="rag", share=0.7),
    ]
    retriever = BudgetedRetriever(retrievers=sources, budget_tokens=120)
    for budget in (120, 60, 40, 20):
        found = retriever.invoke(QUESTION, budget_tokens=budget)
        print(f"{budget} tokens, {tokens_of(found)} used:")
        for one in found:
            print(f"  {one.metadata['memory_budget']['score']:.2f}  {one.page_content}")
        assert tokens_of(found) <= budget
    assert [one.page_content for one in found] == [TICKETS[0]], "what helps most is left"

    field = ConfigurableField(id="context_tokens")
    config: Any = {"configurable": {"context_tokens": 40}}
    found = retriever.configurable_fields(budget_tokens=field).invoke(QUESTION, config)
    print(f"By the configuration of a run: {tokens_of(found)} of 40 tokens.")
    assert tokens_of(found) <= 40


if __name__ == "__main__":
    main()
