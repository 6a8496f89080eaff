"""LlamaIndex's rerankers as rerankers of an allocator."""

from __future__ import annotations

import pytest
from llama_index.core.postprocessor.types import BaseNodePostprocessor
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from mba_integrations import InputError, MemoryBudgetAllocator, MemoryItem
from mba_integrations.llamaindex import LlamaIndexReranker


class Lengths(BaseNodePostprocessor):
    """Scores nodes by their length and keeps the first of them, as rerankers do."""

    top_n: int = 2

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        assert query_bundle is not None
        for scored in nodes:
            scored.score = float(len(scored.node.get_content()))
        return sorted(nodes, key=lambda one: -(one.score or 0.0))[: self.top_n]


class Keeps(BaseNodePostprocessor):
    """Keeps the nodes that it is told, with the score that it is told."""

    kept: list[str]
    score: float | None = 5.0

    def _postprocess_nodes(
        self, nodes: list[NodeWithScore], query_bundle: QueryBundle | None = None
    ) -> list[NodeWithScore]:
        return [
            NodeWithScore(node=TextNode(id_=one, text="x"), score=self.score) for one in self.kept
        ]


def test_all_texts_are_scored_whatever_its_top_n() -> None:
    reranker = Lengths()
    assert LlamaIndexReranker(reranker)("oak?", ["a", "bcd", "", "ef"]) == [1.0, 3.0, 0.0, 2.0]
    assert reranker.top_n == 2


def test_what_it_leaves_out_ranks_below_what_it_keeps() -> None:
    assert LlamaIndexReranker(Keeps(kept=["1"]))("oak?", ["a", "b", "c"]) == [4.0, 5.0, 4.0]
    assert LlamaIndexReranker(Keeps(kept=[]))("oak?", ["a", "b"]) == [-1.0, -1.0]


@pytest.mark.parametrize(
    ("postprocessor", "message"),
    [
        pytest.param(Keeps(kept=["other"]), "a node 'other' that it was not given", id="other"),
        pytest.param(Keeps(kept=["0"], score=None), "with the score None", id="no-score"),
        pytest.param(Keeps(kept=["0"], score=float("nan")), "with the score nan", id="nan"),
    ],
)
def test_one_that_scores_nothing_is_refused(
    postprocessor: BaseNodePostprocessor, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        LlamaIndexReranker(postprocessor)("oak?", ["a", "b"])


def test_an_allocator_takes_it() -> None:
    items = [MemoryItem("a", "oak", "rag"), MemoryItem("b", "oak oak oak", "rag")]
    allocator = MemoryBudgetAllocator(reranker=LlamaIndexReranker(Lengths()))
    plain = MemoryBudgetAllocator().allocate_memory_budget("zebra", items)
    moved = allocator.allocate_memory_budget("zebra", items)
    ratio = [one.decision("b").score / one.decision("a").score for one in (moved, plain)]
    assert ratio[0] > ratio[1]


def test_what_is_no_postprocessor_is_refused() -> None:
    with pytest.raises(InputError, match=r"BaseNodePostprocessor\), got int"):
        LlamaIndexReranker(3)  # type: ignore[arg-type]
