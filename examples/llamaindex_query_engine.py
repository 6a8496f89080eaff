"""A LlamaIndex query engine whose prompt fits one call of its model.

Run it with: python examples/llamaindex_query_engine.py

The model has a small window and repeats itself, and the embeddings count words: no key is needed.
"""

from __future__ import annotations

from typing import Any

from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.llms import MockLLM
from llama_index.core.response_synthesizers import CompactAndRefine
from llama_index.core.schema import TextNode

from mba_integrations.llamaindex import MemoryBudgetPostprocessor
from mba_integrations.testing import WordEmbedder

QUESTION = "Why is the orders page slow, and which index would help?"
NEEDED = (
    "The orders page reads the table orders, which has 2 million rows and no index on customer_id.",
    "An index on orders(customer_id) lets PostgreSQL find a customer's orders at once.",
)
OTHERS = [
    f"Shipping zone {number} has its own carrier. Parcels of up to {number + 5} kg need customs "
    "form CN 22, heavier ones form CN 23. Someone who waits for more than ten days should call the "
    "depot of that zone, which opens at nine in the morning."
    for number in range(40)
]


class SmallLLM(MockLLM):
    """Keeps the prompts that it receives."""

    received: list[str] = []  # noqa: RUF012 - pydantic copies it

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=1200, num_output=100)

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self.received.append(prompt)
        return CompletionResponse(text="orders has no index on customer_id.")


class WordCounts(BaseEmbedding):
    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(one) for one in WordEmbedder()([text])[0]]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def main() -> None:
    """Ask once with everything that was retrieved, and once with what fits."""
    nodes = [TextNode(text=text) for text in (*OTHERS[:25], *NEEDED, *OTHERS[25:])]
    index = VectorStoreIndex(nodes, embed_model=WordCounts())
    for budgeted in (False, True):
        llm = SmallLLM(max_tokens=None)
        writer = CompactAndRefine(llm=llm)
        posts = [MemoryBudgetPostprocessor.from_synthesizer(writer)] if budgeted else []
        engine = index.as_query_engine(
            llm=llm, similarity_top_k=42, response_synthesizer=writer, node_postprocessors=posts
        )
        response = engine.query(QUESTION)
        print(f"calls: {len(llm.received)}, nodes: {len(response.source_nodes)}: {response}")
        assert (len(llm.received) == 1) is budgeted
    assert all(text in llm.received[0] for text in NEEDED), "of the call with what fits"


if __name__ == "__main__":
    main()
