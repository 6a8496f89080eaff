"""Evidence behind a real LlamaIndex retriever: what the postprocessor keeps, beside its own order.

    python -m benchmarks.llamaindex_evidence --data ../shared/data

A `VectorStoreIndex` over all paragraphs of a set, with stored MiniLM vectors, returns the nearest
100 for each question. The same tokens, counted as the synthesizer joins texts, then hold what each
way of cutting keeps of them. Recall is over all evidence, so what the retriever did not find counts
as missed. Needs `mba-integrations[llamaindex]`.

The shipped coefficients of usefulness were fitted on these sets among others, so the postprocessor
works with coefficients that are fitted here without the set at hand; `--shipped` uses the shipped
ones. The bias of this page: its authors wrote one of the methods.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from unittest.mock import patch

import numpy as np
from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode
from pydantic import PrivateAttr

from benchmarks.evidence import FITTED_SETS, Sets, bootstrap_interval, fitted_without, machine
from benchmarks.evidence_data import EvidencePool, EvidenceQuery, load_set
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.core.value import usefulness
from mba_integrations.core.value.usefulness import shipped_models
from mba_integrations.llamaindex import MemoryBudgetPostprocessor

SETS = ("hotpotqa-merged", "2wikimultihopqa-merged")
BUDGETS = (256, 512, 1024, 2048)
TOP_K = 100
_COUNT = counter_for_model("gpt-4o").count

Keep = Callable[[list[NodeWithScore], QueryBundle, int], list[NodeWithScore]]


class StoredVectors(BaseEmbedding):
    """Vectors that were made before, by text; of items without the blanks around it."""

    _vectors: dict[str, list[float]] = PrivateAttr()

    def __init__(self, vectors: Mapping[str, list[float]]) -> None:
        super().__init__(model_name="MiniLM, stored")
        self._vectors = dict(vectors)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._vectors[text.strip()]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._vectors[query]

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._vectors[query]


def stored_vectors(pool: EvidencePool) -> StoredVectors:
    """The vectors of a pool's items and questions."""
    assert pool.corpus.vectors is not None
    rows = pool.corpus.vectors.take(np.arange(len(pool.corpus.texts)))
    vectors = {
        text.strip(): vector.tolist() for text, vector in zip(pool.corpus.texts, rows, strict=True)
    }
    known = [query for query in pool.queries if query.vector is not None]
    asked = {query.text: np.asarray(query.vector).tolist() for query in known}
    return StoredVectors(vectors | asked)


def tokens_of(nodes: Sequence[NodeWithScore]) -> int:
    """Tokens of the context that a synthesizer makes of the nodes."""
    return _COUNT("\n\n".join(scored.node.get_content().strip() for scored in nodes))


def own_order(nodes: list[NodeWithScore], query: QueryBundle, budget: int) -> list[NodeWithScore]:
    """The retriever's order up to the first node that does not fit."""
    kept: list[NodeWithScore] = []
    for scored in nodes:
        if tokens_of([*kept, scored]) > budget:
            break
        kept.append(scored)
    return kept


def own_order_filled(
    nodes: list[NodeWithScore], query: QueryBundle, budget: int
) -> list[NodeWithScore]:
    """The retriever's order, where a node that does not fit is passed over."""
    kept: list[NodeWithScore] = []
    for scored in nodes:
        if tokens_of([*kept, scored]) <= budget:
            kept.append(scored)
    return kept


def postprocessed(embedding: StoredVectors | None) -> Keep:
    """Our postprocessor, with the texts' vectors or by the retriever's scores alone."""

    def keep(nodes: list[NodeWithScore], query: QueryBundle, budget: int) -> list[NodeWithScore]:
        post = MemoryBudgetPostprocessor(
            budget_tokens=budget, token_counter=counter_for_model("gpt-4o"), embed_model=embedding
        )
        kept = post.postprocess_nodes(nodes, QueryBundle(query.query_str))
        assert tokens_of(kept) <= budget
        return kept

    return keep


def recall(query: EvidenceQuery, kept: Sequence[NodeWithScore]) -> float:
    """Part of the question's evidence that is among *kept*."""
    rows = {int(scored.node.node_id) for scored in kept}
    return float(np.mean([any(row in rows for row in group) for group in query.evidence]))


def measured(pool: EvidencePool) -> dict[str, FloatArray]:
    """Recall of each way on every question, shape (questions, budgets)."""
    embedding = stored_vectors(pool)
    nodes = [TextNode(id_=str(row), text=text) for row, text in enumerate(pool.corpus.texts)]
    index = VectorStoreIndex(nodes, embed_model=embedding)
    retriever = index.as_retriever(similarity_top_k=TOP_K)
    ways: dict[str, Keep] = {
        "retriever's order, cut": own_order,
        "retriever's order, passing over what does not fit": own_order_filled,
        "postprocessor, by the scores": postprocessed(None),
        "postprocessor, with embed_model": postprocessed(embedding),
    }
    found: dict[str, list[list[float]]] = {name: [] for name in ways}
    everything = []
    for query in pool.queries:
        retrieved = retriever.retrieve(query.text)
        everything.append([recall(query, retrieved)] * len(BUDGETS))
        for name, keep in ways.items():
            kept = [keep(retrieved, QueryBundle(query.text), budget) for budget in BUDGETS]
            found[name].append([recall(query, one) for one in kept])
    return {name: np.array(rows) for name, rows in found.items()} | {
        f"all {TOP_K} retrieved": np.array(everything)
    }


def report(name: str, outcomes: Mapping[str, FloatArray]) -> None:
    """Print the table of one set, in percent, with 95 % bootstrap intervals over questions."""
    base = outcomes["retriever's order, cut"]
    column = BUDGETS.index(1024)
    print(f"\n### {name}, {len(base)} questions\n")
    print("| kept | " + " | ".join(map(str, BUDGETS)) + " | ahead at 1024 |")
    print("| --- |" + " --- |" * (len(BUDGETS) + 1))
    for label, rows in outcomes.items():
        cells = [f"{value:.1f}" for value in 100.0 * rows.mean(axis=0)]
        difference = 100.0 * (rows - base)
        low, high = bootstrap_interval(difference, np.zeros(len(rows)))
        ahead = f"{difference[:, column].mean():+.1f} [{low[column]:+.1f}, {high[column]:+.1f}]"
        print(f"| {label} | " + " | ".join(cells) + f" | {ahead} |", flush=True)


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description="Evidence behind a LlamaIndex retriever.")
    parser.add_argument("--data", type=Path, required=True, help="folder of the evidence sets")
    parser.add_argument("--sets", nargs="+", default=SETS, choices=SETS)
    parser.add_argument("--shipped", action="store_true", help="use the shipped coefficients")
    options = parser.parse_args(arguments)
    command = ["python -m benchmarks.llamaindex_evidence", *(arguments or sys.argv[1:])]
    version = metadata.version("llama-index-core")
    print(f"{machine()}, llama-index-core {version} | {' '.join(command)}")
    names = options.sets if options.shipped else FITTED_SETS
    sets: Sets = {name: load_set(options.data, name) for name in names}
    for name in options.sets:
        models = (
            shipped_models()
            if options.shipped
            else fitted_without(sets, name, kinds=["dense", "lexical"])
        )
        with patch.object(usefulness, "shipped_models", lambda models=models: models):
            for pool in sets[name]:
                report(name, measured(pool))


if __name__ == "__main__":
    main()
