"""Nodes that share ids, that have no text, or whose vectors are none; fields that are set later."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from typing import Any

import pytest
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.bridge.pydantic import Field
from llama_index.core.schema import ImageNode, NodeWithScore, QueryBundle, TextNode

from mba_integrations import InputError, WorkspaceConfig
from mba_integrations.llamaindex import MemoryBudgetPostprocessor
from mba_integrations.llamaindex.embedding import LlamaIndexEmbedder
from mba_integrations.llamaindex.retrieval.nodes import NO_TEXT, items_from_nodes


def words(text: str) -> int:
    return len(text.split())


def node(text: str, **fields: Any) -> NodeWithScore:
    return NodeWithScore(node=TextNode(text=text, **fields), score=0.5)


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(["a", "a#2", "a"], id="made-up-id-is-taken-before"),
        pytest.param(["a", "a", "a#1"], id="made-up-id-is-taken-after"),
        pytest.param(["a"] * 4 + ["a#1", "a#1", "a#1#1"], id="several"),
    ],
)
def test_ids_that_look_made_up_collide_with_none(names: list[str]) -> None:
    nodes = [node(f"text {place}", id_=name) for place, name in enumerate(names)]
    items = items_from_nodes(nodes)
    assert len({item.id for item in items}) == len(nodes)
    assert {item.id for item in items} >= set(names)
    assert len(MemoryBudgetPostprocessor(token_counter=words).postprocess_nodes(nodes)) == len(
        nodes
    )


def test_no_text_is_a_text_like_any_other() -> None:
    nodes = [node(NO_TEXT, id_=str(place)) for place in range(50)]
    made = MemoryBudgetPostprocessor(budget_tokens=20, token_counter=len)
    kept = made.postprocess_nodes(nodes, query_str="text")
    assert len(kept) == 7
    assert len("\n\n".join(one.node.get_content() for one in kept)) <= 20


@pytest.mark.parametrize("multimodal", [False, True])
def test_images_without_a_text_are_not_one_that_is_there_twice(multimodal: bool) -> None:
    images = [
        NodeWithScore(node=ImageNode(image_url=f"https://example.org/{place}.png"), score=0.5)
        for place in range(5)
    ]
    made = MemoryBudgetPostprocessor(
        budget_tokens=20, token_counter=words, multimodal=multimodal, media_tokens=4
    )
    assert made.postprocess_nodes(images, query_str="no text?") == images


class Model(BaseEmbedding):
    """Refuses blanks; has no vector for foxes."""

    odd: list[float] = Field(default_factory=list)

    def _get_text_embedding(self, text: str) -> list[float]:
        assert text.strip(), "input must not be empty"
        return self.odd if "fox" in text else [1.0, 0.0]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)


@pytest.mark.parametrize("odd", [[float("nan"), 1.0], [float("inf"), 0.0], []], ids=str)
@pytest.mark.parametrize("query", ["when", "the fox", "", " "])
@pytest.mark.parametrize("by", ["model", "nodes"])
@pytest.mark.parametrize("way", ["sync", "async"])
def test_a_vector_that_is_none_counts_as_missing(
    odd: list[float], query: str, by: str, way: str
) -> None:
    model = Model(odd=odd)
    nodes = [node("the key"), node("a fox"), node(""), node("lunch")]
    if by == "nodes":
        for one in nodes:
            one.node.embedding = odd if "fox" in one.node.get_content() else [1.0, 0.0]
    made = MemoryBudgetPostprocessor(
        token_counter=words, embed_model=model if by == "model" else None
    )
    bundle = QueryBundle(query, embedding=odd if "fox" in query else [1.0, 0.0])
    if way == "sync":
        kept = made.postprocess_nodes(nodes, query_bundle=bundle)
    else:
        kept = asyncio.run(made.apostprocess_nodes(nodes, query_bundle=bundle))
    assert len(kept) == 4


def test_the_model_of_an_embedder_is_not_exchanged() -> None:
    with pytest.raises(AttributeError):
        LlamaIndexEmbedder(Model()).embed_model = Model()  # type: ignore[misc]


def test_a_workspace_that_is_set_counts() -> None:
    made = MemoryBudgetPostprocessor(token_counter=words)
    nodes = [node(f"oak {place} " + f"leaf{place} " * 100) for place in range(9)]
    before = len(made.postprocess_nodes(nodes, query_str="oak"))
    made.workspace = WorkspaceConfig(workspace_id="small", max_total_tokens=300)
    assert len(made.postprocess_nodes(nodes, query_str="oak")) < before


def test_fields_that_contradict_each_other_are_refused_when_set() -> None:
    made = MemoryBudgetPostprocessor(budget_tokens=99, token_counter=words)
    with pytest.raises(InputError, match="token_counter has no effect"):
        made.fit = "prompt"
    assert made.fit == "budget"
    assert made.postprocess_nodes([node("oak")], query_str="oak")


LINKED = """
from llama_index.core.schema import NodeRelationship, NodeWithScore, RelatedNodeInfo, TextNode
from mba_integrations.llamaindex.retrieval.nodes import items_from_nodes
def linked(name, following):
    node = TextNode(text=name, id_=name)
    node.relationships[NodeRelationship.NEXT] = RelatedNodeInfo(node_id=following)
    return NodeWithScore(node=node)
chain = [linked(n, f) for n, f in ("ax", "bx", "cx", "dx", "xy", "yz")]
chain += [linked("a", "b")]
print([item.position for item in items_from_nodes(chain)])
"""


def test_places_along_a_chain_do_not_depend_on_the_seed_of_hashes() -> None:
    seen = set()
    for seed in "03":
        environment = {**os.environ, "PYTHONHASHSEED": seed}
        run = subprocess.run(
            [sys.executable, "-c", LINKED], env=environment, capture_output=True, check=True
        )
        seen.add(run.stdout)
    assert len(seen) == 1
