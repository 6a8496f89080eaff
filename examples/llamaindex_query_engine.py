"""A LlamaIndex query engine whose prompt fits one call of its model.

Run it with `python examples/llamaindex_query_engine.py` after
`pip install 'mba-integrations[llamaindex,fast]'`. The model is a script and the embeddings count
words, so it needs neither a key nor a network.
"""

from __future__ import annotations

import zlib
from typing import Any

from llama_index.core import Document, VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import CompletionResponse, LLMMetadata
from llama_index.core.llms import CustomLLM
from llama_index.core.response_synthesizers import CompactAndRefine
from pydantic import PrivateAttr

from mba_integrations.llamaindex import MemoryBudgetPostprocessor

QUESTION = "Why is the orders page slow, and which index would help?"
WINDOW_TOKENS = 1200


class ScriptedLLM(CustomLLM):
    """Stands for a model with a small window; keeps the prompts that it receives."""

    _prompts: list[str] = PrivateAttr(default_factory=list)

    @property
    def metadata(self) -> LLMMetadata:
        return LLMMetadata(context_window=WINDOW_TOKENS, num_output=100)

    @property
    def prompts(self) -> list[str]:
        """Every prompt so far."""
        return self._prompts

    def complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> CompletionResponse:
        self._prompts.append(prompt)
        return CompletionResponse(text="orders has no index on customer_id.")

    def stream_complete(self, prompt: str, formatted: bool = False, **kwargs: Any) -> Any:
        raise NotImplementedError


class WordCountEmbedding(BaseEmbedding):
    """Stands for an embedding model: how often words of each hash occur."""

    def _get_text_embedding(self, text: str) -> list[float]:
        vector = [0.0] * 64
        for word in text.lower().split():
            vector[zlib.crc32(word.strip("?,.").encode()) % 64] += 1.0
        return vector

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


def documents() -> list[Document]:
    """Notes of a web shop; two of them answer the question."""
    needed = [
        "The orders page reads the table orders, which has 2 million rows and no index on "
        "customer_id, so every visit reads all of it.",
        "An index on orders(customer_id) lets PostgreSQL find a customer's orders without reading "
        "the whole table.",
    ]
    others = [
        f"Page {number} of the shop's manual: the page about shipping zone {number} says which "
        f"carrier delivers there, what a parcel of up to {number + 5} kg costs, which customs "
        "forms it needs, and whom to call where it is late."
        for number in range(40)
    ]
    notes = [*others[:25], needed[0], *others[25:], needed[1]]
    return [
        Document(text=text, metadata={"file": f"note-{number}.md"})
        for number, text in enumerate(notes)
    ]


def calls_without(index: VectorStoreIndex) -> int:
    """Calls that one question takes when all that was retrieved goes on."""
    llm = ScriptedLLM()
    engine = index.as_query_engine(llm=llm, similarity_top_k=42)
    engine.query(QUESTION)
    return len(llm.prompts)


def main() -> None:
    """Ask once with everything that was retrieved, and once with what fits."""
    index = VectorStoreIndex.from_documents(documents(), embed_model=WordCountEmbedding())
    llm = ScriptedLLM()
    synthesizer = CompactAndRefine(llm=llm)
    engine = index.as_query_engine(
        llm=llm,
        similarity_top_k=42,
        response_synthesizer=synthesizer,
        node_postprocessors=[MemoryBudgetPostprocessor.from_synthesizer(synthesizer)],
    )
    response = engine.query(QUESTION)
    print(f"calls without the postprocessor: {calls_without(index)}, with it: {len(llm.prompts)}")
    print(f"nodes in the prompt: {len(response.source_nodes)} of 42")
    print(f"answer: {response}")
    assert len(llm.prompts) == 1
    assert "no index on customer_id" in llm.prompts[0]
    assert "An index on orders(customer_id)" in llm.prompts[0]


if __name__ == "__main__":
    main()
