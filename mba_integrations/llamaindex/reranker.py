"""LlamaIndex's rerankers as the reranker of an allocator.

A reranker of LlamaIndex is a node postprocessor: nodes go in, and those that it keeps come out with
scores. What it leaves out ranks below what it keeps.
"""

from __future__ import annotations

import math

from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from mba_integrations.core.errors import InputError

_TOP_N = "top_n"


class LlamaIndexReranker:
    """A reranker for `MemoryBudgetAllocator` that asks a reranker of LlamaIndex.

    Args:
        postprocessor: Any `BaseNodePostprocessor` that scores nodes, such as
            `SentenceTransformerRerank` or `LLMRerank`. Its `top_n` is set to the number of texts in
            a copy of it, so that all of them are ranked.

    Raises:
        InputError: If it is none; and by a call, if a node comes back that was not sent, or one
            without a score.
    """

    def __init__(self, postprocessor: BaseNodePostprocessor) -> None:
        if not isinstance(postprocessor, BaseNodePostprocessor):
            kind = type(postprocessor).__name__
            raise InputError(
                "postprocessor must be a reranker of LlamaIndex (BaseNodePostprocessor), got "
                f"{kind}."
            )
        self._postprocessor = postprocessor

    @property
    def postprocessor(self) -> BaseNodePostprocessor:
        """The reranker of LlamaIndex."""
        return self._postprocessor

    def __call__(self, query: str, texts: list[str]) -> list[float]:
        """A score for each text."""
        nodes = [
            NodeWithScore(node=TextNode(id_=str(place), text=text), score=0.0)
            for place, text in enumerate(texts)
        ]
        kept = self._for(len(texts)).postprocess_nodes(nodes, QueryBundle(query))
        known = {scored.node.node_id: _score(scored) for scored in kept}
        unknown = known.keys() - {scored.node.node_id for scored in nodes}
        if unknown:
            raise InputError(
                f"the postprocessor returned a node {min(unknown)!r} that it was not given, so it "
                "is no reranker."
            )
        left_out = min(known.values(), default=0.0) - 1.0
        return [known.get(str(place), left_out) for place in range(len(texts))]

    def _for(self, count: int) -> BaseNodePostprocessor:
        if _TOP_N not in type(self._postprocessor).model_fields:
            return self._postprocessor
        return self._postprocessor.model_copy(update={_TOP_N: count})


def _score(scored: NodeWithScore) -> float:
    score = scored.score
    if score is None or not math.isfinite(score):
        raise InputError(
            f"the postprocessor returned a node with the score {score}, so it is no reranker that "
            "scores nodes."
        )
    return float(score)
