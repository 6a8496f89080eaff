"""Evidence recall of LangChain's and LlamaIndex' own memories at equal tokens.

    pip install langchain-core llama-index-core
    python -m benchmarks.evidence_peers --data DIRECTORY

The packages themselves rank: `InMemoryVectorStore` (similarity and maximal marginal relevance),
`trim_messages`, and LlamaIndex' `Memory` with a `VectorMemoryBlock`. All see the items, token
counts and MiniLM vectors that usefulness sees in the same run; a class hands the stored vectors out
by text. A ranking is cut as everywhere in `evidence_methods`: what does not fit is skipped, where
the packages would stop at the first k. Without the packages the module says what to install and
does nothing.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import sys
from collections.abc import Callable, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import evidence_methods as methods
from benchmarks.evidence import (
    BUDGETS,
    FITTED_SETS,
    Outcome,
    Sets,
    bootstrap_interval,
    fitted_without,
    machine,
    measured,
)
from benchmarks.evidence_data import EvidencePool, EvidenceQuery, load_set
from mba_integrations.core.arrays import FloatArray

SHOWN = (512, 1024, 2048)
DEFAULT_SETS = ("realtalk", "beam-100k", "2wikimultihopqa-merged")
PACKAGES = {"langchain_core": "langchain-core", "llama_index.core": "llama-index-core"}
_MMR_ITEMS = 20  # chosen by maximal marginal relevance out of twice as many; then by similarity


class VectorsByText:
    """The stored vectors of a pool, by text: an embedder that computes nothing."""

    def __init__(self, pool: EvidencePool) -> None:
        if pool.corpus.vectors is None:
            raise ValueError(f"{pool.set_name} has no embeddings")
        vectors = pool.corpus.vectors.take(np.arange(len(pool.corpus.vectors)))
        rows = zip(pool.corpus.texts, vectors.tolist(), strict=True)
        asked = ((q.text, q.vector.tolist()) for q in pool.queries if q.vector is not None)
        self._items: dict[str, list[float]] = dict(rows)
        self._queries: dict[str, list[float]] = dict(asked)

    def embed_documents(self, texts: list[str]) -> list[list[float]]:
        """Vectors of items."""
        return [self._items[text] for text in texts]

    def embed_query(self, text: str) -> list[float]:
        """Vector of a question."""
        return self._queries[text]


def by_pool(prepare: Callable[[EvidencePool], methods.Method]) -> methods.Method:
    """A method that prepares each pool once; pools are asked one after the other."""
    last: list[tuple[EvidencePool, methods.Method]] = []

    def method(pool: EvidencePool, query: EvidenceQuery) -> FloatArray:
        if not last or last[0][0] is not pool:
            last[:] = [(pool, prepare(pool))]
        return last[0][1](pool, query)

    return method


def falling(order: Sequence[int], count: int) -> FloatArray:
    """Values that put the rows of *order* first, in that order; minus infinity for the others."""
    values = np.full(count, -np.inf)
    values[np.array(order, dtype=np.int64)] = -np.arange(len(order), dtype=float)
    return values


def langchain_similarity(pool: EvidencePool) -> methods.Method:
    """`InMemoryVectorStore.similarity_search`, k as large as the pool."""
    store, count = langchain_store(pool), len(pool.tokens)

    def method(_: EvidencePool, query: EvidenceQuery) -> FloatArray:
        found = store.similarity_search(query.text, k=count)
        return falling([int(document.id) for document in found], count)

    return method


def langchain_mmr(pool: EvidencePool) -> methods.Method:
    """`InMemoryVectorStore.max_marginal_relevance_search`, its default weight of 0.5."""
    store, count = langchain_store(pool), len(pool.tokens)
    by_similarity = langchain_similarity(pool)

    def method(_: EvidencePool, query: EvidenceQuery) -> FloatArray:
        found = store.max_marginal_relevance_search(
            query.text, k=_MMR_ITEMS, fetch_k=2 * _MMR_ITEMS
        )
        chosen = [int(document.id) for document in found]
        rest = np.argsort(-by_similarity(pool, query), kind="stable")
        return falling([*chosen, *rest[~np.isin(rest, chosen)]], count)

    return method


def langchain_store(pool: EvidencePool) -> Any:
    """An `InMemoryVectorStore` of the items; the row of each is its id, and in its metadata."""
    stores = importlib.import_module("langchain_core.vectorstores")
    store = stores.InMemoryVectorStore(VectorsByText(pool))
    rows = range(len(pool.tokens))
    ids = [str(row) for row in rows]
    store.add_texts(list(pool.corpus.texts), [{"row": row} for row in rows], ids=ids)
    return store


def langchain_trim(pools: Sequence[EvidencePool]) -> Outcome:
    """`trim_messages`, strategy "last": the newest messages that fit, whatever is asked."""
    rows, owners, categories = [], [], []
    for number, pool in enumerate(pools):
        kept = [_trimmed(pool, budget) for budget in BUDGETS]
        for query in pool.queries:
            rows.append([_share_found(query, one) for one in kept])
            owners.append(float(number))
            categories.append(query.category)
    return Outcome(
        recall=np.array(rows), pool_of_question=np.array(owners), categories=tuple(categories)
    )


def _trimmed(pool: EvidencePool, budget: int) -> set[int]:
    messages = importlib.import_module("langchain_core.messages")
    history = [
        messages.HumanMessage(content=text, id=str(row))
        for row, text in enumerate(pool.corpus.texts)
    ]
    kept = messages.trim_messages(
        history,
        max_tokens=budget,
        token_counter=lambda some: int(sum(pool.tokens[int(one.id)] for one in some)),
        strategy="last",
    )
    return {int(one.id) for one in kept}


def _share_found(query: EvidenceQuery, kept: set[int]) -> float:
    return float(np.mean([any(row in kept for row in group) for group in query.evidence]))


def llamaindex_memory(pool: EvidencePool) -> methods.Method:
    """`Memory` with a `VectorMemoryBlock` over a `SimpleVectorStore`, one item a message.

    The question is the only message in the history, and the limits of `Memory` are out of the way.
    """
    orders = asyncio.run(_memory_orders(pool))
    return lambda _, query: falling(orders[query.text], len(pool.tokens))


async def _memory_orders(pool: EvidencePool) -> dict[str, list[int]]:
    memories = importlib.import_module("llama_index.core.memory")
    message = importlib.import_module("llama_index.core.llms").ChatMessage
    store, recorder = _node_store(), _recorder()
    block = memories.VectorMemoryBlock(
        vector_store=store,
        embed_model=_lookup_embedding(VectorsByText(pool)),
        similarity_top_k=len(pool.tokens),
        node_postprocessors=[recorder],
    )
    for text in pool.corpus.texts:
        await block.aput([message(role="user", content=text)], session_id=pool.pool_id)
    memory = memories.Memory.from_defaults(
        session_id=pool.pool_id,
        memory_blocks=[block],
        token_limit=10**9,
        tokenizer_fn=str.split,
    )
    rows = {node_id: row for row, node_id in enumerate(store.kept)}
    orders = {}
    for query in pool.queries:
        await memory.aget(query.text)
        orders[query.text] = [rows[node_id] for node_id in recorder.last_ids]
    return orders


def _node_store() -> Any:
    """A `SimpleVectorStore` that also keeps the nodes, which the block asks for."""
    base: Any = importlib.import_module("llama_index.core.vector_stores").SimpleVectorStore

    class NodeStore(base):  # type: ignore[misc]
        stores_text: bool = True
        kept: dict[str, Any] = {}  # noqa: RUF012 - a field, which pydantic copies

        async def async_add(self, nodes: Sequence[Any], **more: Any) -> list[str]:
            self.kept.update({node.node_id: node for node in nodes})
            return list(self.add(nodes, **more))

        async def aquery(self, query: Any, **more: Any) -> Any:
            result = self.query(query, **more)
            result.nodes = [self.kept[node_id] for node_id in result.ids]
            return result

    return NodeStore()


def _recorder() -> Any:
    """A node postprocessor, the block's own extension point, that remembers the ranking."""
    base: Any = importlib.import_module(
        "llama_index.core.postprocessor.types"
    ).BaseNodePostprocessor

    class Recorder(base):  # type: ignore[misc]
        last_ids: list[str] = []  # noqa: RUF012 - a field, which pydantic copies

        def _postprocess_nodes(self, nodes: list[Any], query_bundle: Any = None) -> list[Any]:
            self.last_ids = [one.node.node_id for one in nodes]
            return nodes

    return Recorder()


def _lookup_embedding(vectors: VectorsByText) -> Any:
    """The stored vectors; the block wraps a message's text in one element, which is taken off."""
    base: Any = importlib.import_module("llama_index.core.embeddings").BaseEmbedding
    start, end = "<message role='user'>", "</message>"

    class LookupEmbedding(base):  # type: ignore[misc]
        def _get_text_embedding(self, text: str) -> list[float]:
            return vectors.embed_documents([text.removeprefix(start).removesuffix(end)])[0]

        def _get_query_embedding(self, query: str) -> list[float]:
            return vectors.embed_query(query)

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return vectors.embed_query(query)

    return LookupEmbedding()


def compared(sets: Sets, name: str) -> dict[str, Outcome]:
    """The peers on one set, and what they are held against, in the order of the table."""
    pools = sets[name]
    ours = methods.usefulness(fitted_without(sets, name, kinds=["dense"]))
    return {
        "LangChain `trim_messages`": langchain_trim(pools),
        "LangChain `InMemoryVectorStore`, MMR": measured(pools, by_pool(langchain_mmr)),
        "LangChain `InMemoryVectorStore`, similarity": measured(
            pools, by_pool(langchain_similarity)
        ),
        "LlamaIndex `Memory`, vector block": measured(pools, by_pool(llamaindex_memory)),
        "embedding top-k, as in `benchmarks.evidence`": measured(pools, methods.cosine),
        "mem0's scoring, from its description": measured(pools, methods.mem0_published),
        "usefulness": measured(pools, ours),
    }


def lead(ours: Outcome, other: Outcome) -> FloatArray:
    """Points of recall by which *ours* is ahead: mean, low and high by budget, shape (3, budgets).

    Paired by question.
    """
    difference = 100.0 * (ours.recall - other.recall)
    low, high = bootstrap_interval(difference, ours.pool_of_question)
    return np.array([difference.mean(axis=0), low, high])


def report(name: str, outcomes: dict[str, Outcome]) -> None:
    """Print the table of one set."""
    columns = [BUDGETS.index(budget) for budget in SHOWN]
    print(f"\n### {name}, {len(outcomes['usefulness'].recall)} questions\n")
    print("| selection | " + " | ".join(map(str, SHOWN)) + " | usefulness ahead at 1024 |")
    print("| --- |" + " --- |" * (len(SHOWN) + 1))
    for label, outcome in outcomes.items():
        row = outcome.summary()
        cells = [
            f"{row['recall'][c]:.1f} [{row['low'][c]:.1f}, {row['high'][c]:.1f}]" for c in columns
        ]
        mean, low, high = lead(outcomes["usefulness"], outcome)[:, columns[1]]
        ahead = "" if label == "usefulness" else f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"
        print(f"| {label} | " + " | ".join(cells) + f" | {ahead} |", flush=True)


def missing_packages() -> list[str]:
    """Packages that cannot be imported, by the names that pip knows."""
    missing = []
    for module, package in PACKAGES.items():
        try:
            importlib.import_module(module)
        except ImportError:
            missing.append(package)
    return missing


def versions() -> str:
    """Versions of the packages that are measured."""
    found = [f"{name} {metadata.version(name)}" for name in PACKAGES.values()]
    return ", ".join(found)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="LangChain's and LlamaIndex' memories.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    parser.add_argument("--sets", nargs="+", default=DEFAULT_SETS, choices=FITTED_SETS)
    options = parser.parse_args(arguments)
    if missing := missing_packages():
        print(f"Not measured: pip install {' '.join(missing)}")
        return
    command = ["python -m benchmarks.evidence_peers", *(arguments or sys.argv[1:])]
    print(f"{machine()}, {versions()} | {' '.join(command)}")
    sets: Sets = {name: load_set(options.data, name) for name in FITTED_SETS}
    for name in options.sets:
        report(name, compared(sets, name))


if __name__ == "__main__":
    main()
