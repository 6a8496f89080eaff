"""The retrievers of LangChain and LlamaIndex as rankings of the pieces of one pool.

The packages themselves rank, with the defaults of their documentation, the `TOP_K` best of their
kind. A hybrid gets as many of each. What is not installed is left out, and `missing` says what to
install. The pieces of one section have it as their parent, in the form that
`AutoMergingRetriever` reads: a section of which it found more than half comes as one text.
"""

from __future__ import annotations

import importlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.evidence_data import EvidencePool, EvidenceQuery, line_tokens
from benchmarks.evidence_peers import langchain_store
from mba_integrations.core.arrays import BoolArray

TOP_K = 100
MERGED_TOKENS = 1024
"""What is looked for with `AutoMergingRetriever` would fill so many tokens, unmerged."""


@dataclass(frozen=True, slots=True)
class SourcedPool:
    """A pool, and where its items belong, each in the items' order.

    Attributes:
        pool: Items and questions.
        documents: Of which document each item is a piece.
        sections: What each item is a part of, for those who merge the parts of one.
    """

    pool: EvidencePool
    documents: tuple[str, ...]
    sections: tuple[str, ...]

    @property
    def has_sections(self) -> bool:
        """Whether any has several items."""
        return len(set(self.sections)) < len(self.sections)


@dataclass(frozen=True, slots=True)
class Block:
    """What a retriever returns as one: an item, or all of a section.

    Attributes:
        rows: Of the items.
        tokens: What it takes.
    """

    rows: tuple[int, ...]
    tokens: int


Ranking = Sequence[Block]
Ranker = Callable[[EvidenceQuery], Ranking]


def cut(ranking: Ranking, budget: int, count: int) -> BoolArray:
    """Which of *count* items a ranking brings: in its order, what does not fit is skipped."""
    taken = np.zeros(count, dtype=bool)
    for block in ranking:
        if block.tokens <= budget and not taken[list(block.rows)].all():
            taken[list(block.rows)] = True
            budget -= block.tokens
    return taken


@dataclass(frozen=True, slots=True)
class Peer:
    """A retriever of a package.

    Attributes:
        label: In tables.
        modules: What it needs, and how pip names that.
        prepare: Makes a ranker for a pool.
        merges: Whether it is for pools whose sections have several items.
    """

    label: str
    modules: dict[str, str]
    prepare: Callable[[SourcedPool], Ranker]
    merges: bool = False

    @property
    def missing(self) -> list[str]:
        """What pip would have to install."""
        absent = []
        for module, package in self.modules.items():
            try:
                importlib.import_module(module)
            except ImportError:
                absent.append(package)
        return absent


def _ranker(pool: EvidencePool, order: Callable[[EvidenceQuery], list[int]]) -> Ranker:
    items = [Block((row,), int(tokens)) for row, tokens in enumerate(pool.tokens)]
    return lambda query: [items[row] for row in order(query)]


def _of_langchain(retriever: Any) -> Callable[[EvidenceQuery], list[int]]:
    return lambda query: [int(one.metadata["row"]) for one in retriever.invoke(query.text)]


def _langchain_vectors(pool: EvidencePool) -> Any:
    return langchain_store(pool).as_retriever(search_kwargs={"k": TOP_K})


def _langchain_words(pool: EvidencePool) -> Any:
    retrievers = importlib.import_module("langchain_community.retrievers")
    rows = [{"row": row} for row in range(len(pool.tokens))]
    return retrievers.BM25Retriever.from_texts(list(pool.corpus.texts), rows, k=TOP_K)


def _langchain_ensemble(pool: EvidencePool) -> Any:
    retrievers = importlib.import_module("langchain_classic.retrievers")
    both = [_langchain_words(pool), _langchain_vectors(pool)]
    return retrievers.EnsembleRetriever(retrievers=both, id_key="row")


def _of_llamaindex(retriever: Any) -> Callable[[EvidenceQuery], list[int]]:
    return lambda query: [int(one.node.node_id) for one in retriever.retrieve(query.text)]


def _nodes(pool: EvidencePool) -> list[Any]:
    node = importlib.import_module("llama_index.core.schema").TextNode
    return [node(id_=str(row), text=text) for row, text in enumerate(pool.corpus.texts)]


def _llamaindex_vectors(
    pool: EvidencePool, *, nodes: Sequence[Any] = (), top_k: int = TOP_K
) -> Any:
    stored_vectors = importlib.import_module("benchmarks.llamaindex_evidence").stored_vectors
    index = importlib.import_module("llama_index.core").VectorStoreIndex
    made = index(list(nodes) or _nodes(pool), embed_model=stored_vectors(pool))
    return made.as_retriever(similarity_top_k=top_k)


def _llamaindex_words(pool: EvidencePool) -> Any:
    retriever = importlib.import_module("llama_index.retrievers.bm25").BM25Retriever
    top_k = min(TOP_K, len(pool.tokens))
    return retriever.from_defaults(nodes=_nodes(pool), similarity_top_k=top_k)


def _llamaindex_fusion(pool: EvidencePool) -> Any:
    retrievers = importlib.import_module("llama_index.core.retrievers")
    model = importlib.import_module("llama_index.core.llms").MockLLM()  # asked for, never called
    return retrievers.QueryFusionRetriever(
        [_llamaindex_vectors(pool), _llamaindex_words(pool)],
        llm=model,
        num_queries=1,
        mode="reciprocal_rerank",
        similarity_top_k=TOP_K,
        use_async=False,
    )


def _llamaindex_merging(sourced: SourcedPool) -> Ranker:
    """What was merged first, in the retriever's order; then the nearest items that are left."""
    core = importlib.import_module("llama_index.core")
    retrievers = importlib.import_module("llama_index.core.retrievers")
    pool = sourced.pool
    leaves, parents, blocks = _family(sourced)
    storage = core.StorageContext.from_defaults()
    storage.docstore.add_documents([*leaves, *parents])
    top_k = max(1, round(MERGED_TOKENS / float(np.mean(pool.tokens))))
    merging = retrievers.AutoMergingRetriever(
        _llamaindex_vectors(pool, nodes=leaves, top_k=top_k), storage
    )
    nearest = _llamaindex_vectors(pool)

    def rank(query: EvidenceQuery) -> Ranking:
        found = [*merging.retrieve(query.text), *nearest.retrieve(query.text)]
        return [blocks[one.node.node_id] for one in found]

    return rank


def _family(sourced: SourcedPool) -> tuple[list[Any], list[Any], dict[str, Block]]:
    """Nodes of items and of their sections, which know each other, and the blocks of both by id."""
    schema = importlib.import_module("llama_index.core.schema")
    kind, leaves, parents = schema.NodeRelationship, _nodes(sourced.pool), []
    texts = sourced.pool.corpus.texts
    items = enumerate(sourced.pool.tokens)
    blocks = {str(row): Block((row,), int(tokens)) for row, tokens in items}
    of_section: dict[str, list[int]] = defaultdict(list)
    for row, section in enumerate(sourced.sections):
        of_section[section].append(row)
    for number, rows in enumerate(of_section.values()):
        if len(rows) == 1:
            continue
        parent = schema.TextNode(
            id_=f"section {number}", text="\n".join(texts[row] for row in rows)
        )
        known = [leaves[row].as_related_node_info() for row in rows]
        parent.relationships[kind.CHILD] = known
        for place, row in enumerate(rows):
            leaves[row].relationships[kind.PARENT] = parent.as_related_node_info()
            if place:
                leaves[row].relationships[kind.PREVIOUS] = known[place - 1]
                leaves[rows[place - 1]].relationships[kind.NEXT] = known[place]
        parents.append(parent)
        blocks[parent.node_id] = Block(tuple(rows), int(line_tokens([parent.text])[0]))
    return leaves, parents, blocks


_CORE = {"langchain_core": "langchain-core"}
_WORDS = {"langchain_community": "langchain-community", "rank_bm25": "rank-bm25"}
_INDEX = {"llama_index.core": "llama-index-core"}
_INDEX_WORDS = {"llama_index.retrievers.bm25": "llama-index-retrievers-bm25"}
PEERS = (
    Peer(
        "LangChain `InMemoryVectorStore`",
        _CORE,
        lambda one: _ranker(one.pool, _of_langchain(_langchain_vectors(one.pool))),
    ),
    Peer(
        "LangChain `BM25Retriever`",
        _CORE | _WORDS,
        lambda one: _ranker(one.pool, _of_langchain(_langchain_words(one.pool))),
    ),
    Peer(
        "LangChain `EnsembleRetriever` of both",
        _CORE | _WORDS | {"langchain_classic": "langchain-classic"},
        lambda one: _ranker(one.pool, _of_langchain(_langchain_ensemble(one.pool))),
    ),
    Peer(
        "LlamaIndex `VectorIndexRetriever`",
        _INDEX,
        lambda one: _ranker(one.pool, _of_llamaindex(_llamaindex_vectors(one.pool))),
    ),
    Peer(
        "LlamaIndex `BM25Retriever`",
        _INDEX | _INDEX_WORDS,
        lambda one: _ranker(one.pool, _of_llamaindex(_llamaindex_words(one.pool))),
    ),
    Peer(
        "LlamaIndex `QueryFusionRetriever` of both",
        _INDEX | _INDEX_WORDS,
        lambda one: _ranker(one.pool, _of_llamaindex(_llamaindex_fusion(one.pool))),
    ),
    Peer("LlamaIndex `AutoMergingRetriever`", _INDEX, _llamaindex_merging, merges=True),
)
