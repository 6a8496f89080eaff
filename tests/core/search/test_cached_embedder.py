from __future__ import annotations

import threading
from typing import Any

import numpy as np
from fakes import CharCounter

from mba_integrations import (
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryPool,
    WorkspaceConfig,
)
from mba_integrations.core.search.cached_embedder import CachedEmbedder


class Lengths:
    """Embeds a text as its length and 1; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str]) -> np.ndarray[Any, Any]:
        self.asked.append(list(texts))
        return np.array([[len(text), 1.0] for text in texts])


def test_each_text_is_embedded_once_and_in_one_call() -> None:
    inner = Lengths()
    embedder = CachedEmbedder(inner)
    assert embedder(["aa", "b", "aa"]).tolist() == [[2, 1], [1, 1], [2, 1]]
    assert embedder(["b", "cccc"]).tolist() == [[1, 1], [4, 1]]
    assert inner.asked == [["aa", "b"], ["cccc"]]


def test_no_texts_are_no_call() -> None:
    inner = Lengths()
    assert CachedEmbedder(inner)([]).shape[0] == 0
    assert inner.asked == []


def test_the_oldest_go_when_there_are_too_many() -> None:
    inner = Lengths()
    embedder = CachedEmbedder(inner, max_entries=2)
    for text in ("a", "bb", "ccc", "ccc", "a"):
        embedder([text])
    assert inner.asked == [["a"], ["bb"], ["ccc"], ["a"]]


def test_nothing_is_kept_with_no_entries() -> None:
    inner = Lengths()
    embedder = CachedEmbedder(inner, max_entries=0)
    assert embedder(["a"]).tolist() == embedder(["a"]).tolist() == [[1, 1]]
    assert len(inner.asked) == 2


def test_threads_get_the_vectors_of_their_texts() -> None:
    embedder = CachedEmbedder(Lengths(), max_entries=20)
    wrong: list[str] = []

    def work() -> None:
        for size in range(1, 60):
            text = "x" * size
            if embedder([text]).tolist() != [[size, 1]]:
                wrong.append(text)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_nothing_is_embedded_where_scores_do_not_depend_on_the_query() -> None:
    inner = Lengths()
    allocator = MemoryBudgetAllocator(token_counter=CharCounter(), embedder=inner)
    allocator.register_workspace(WorkspaceConfig(workspace_id="w", scoring_method="weighted_sum"))
    given = [MemoryItem("a", "first", "rag", relevance=0.5)]
    allocator.allocate_memory_budget("query", given, "w", budget_tokens=100)
    assert inner.asked == []
    unknown = [*given, MemoryItem("b", "second", "rag")]
    allocator.allocate_memory_budget("query", unknown, "w", budget_tokens=100)
    assert sorted(text for call in inner.asked for text in call) == ["first", "query", "second"]


def test_a_pool_that_grows_has_only_its_new_items_embedded() -> None:
    inner = Lengths()
    allocator = MemoryBudgetAllocator(token_counter=CharCounter(), embedder=inner)
    pool = MemoryPool.from_items(
        [MemoryItem("a", "first", "rag"), MemoryItem("b", "second", "rag")]
    )
    allocator.allocate_memory_budget("query", pool, budget_tokens=100)
    pool.add(MemoryItem("c", "third one", "rag"))
    allocator.allocate_memory_budget("query", pool, budget_tokens=100)
    allocator.allocate_memory_budget("query", list(pool), budget_tokens=100)
    assert sorted(text for call in inner.asked for text in call) == [
        "first",
        "query",
        "second",
        "third one",
    ]
