"""How the tokens of items match those of a question, against plain loops over the tokens."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from corpora import corpus_of, unit
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import MemoryBudgetAllocator, MemoryItem
from mba_integrations.core.pool.corpus import Corpus
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.search.vector_column import VectorColumn
from mba_integrations.core.value.features import token_features as tokens
from mba_integrations.core.value.features.token_features import token_features
from mba_integrations.core.value.match import match_of
from mba_integrations.core.value.question import Question
from mba_integrations.core.value.usefulness import (
    LogisticModel,
    UsefulnessModel,
    estimate_usefulness,
)

Array = np.ndarray[Any, Any]
LETTERS = "abcd"
# No two letters are alike or wholly different.
DIRECTIONS = unit([[1, 0.2, 0, 0.1], [0.3, 1, 0, 0.1], [0, 0.6, 1, 0.1], [0.1, 0, 0.4, 1]])


class Letters:
    """A token for each letter; remembers the texts that it was asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, texts: list[str]) -> Sequence[Array]:
        self.asked += texts
        return [DIRECTIONS[[LETTERS.index(letter) for letter in text]] for text in texts]


def corpus_with(texts: list[str], embedder: Letters, source: list[int] | None = None) -> Corpus:
    return replace(corpus_of(texts, source=source), tokens=CachedTokenEmbedder(embedder))


def question(text: str) -> Question:
    [asked] = CachedTokenEmbedder(Letters())([text])
    return Question(text=text, vector=None, now_seconds=None, tokens=asked)


def features_of(
    corpus: Corpus, text: str, match: list[float] | None = None, told: float = 1.0
) -> dict[str, list[float]]:
    given_match = np.array(match) if match is not None else np.zeros(len(corpus.texts))
    found = token_features(question(text), corpus, given_match, told=told)
    return {name: column.tolist() for name, column in found.items()}


def cosine(one: str, other: str) -> float:
    a, b = (DIRECTIONS[LETTERS.index(letter)].astype(float) for letter in (one, other))
    return float(a @ b)


def slow_matches(
    asked: str, texts: list[str], source: list[int]
) -> tuple[list[float], list[float]]:
    """Weighted mean over the letters asked, with the item alone and with those beside it."""
    nearest = [[max(cosine(one, other) for other in text) for text in texts] for one in asked]
    near = [sum(min(max((value - 0.5) / 0.4, 0.0), 1.0) for value in row) for row in nearest]
    weights = [math.log(1 + len(texts) / (amount + 0.5)) for amount in near]

    def around(row: list[float], place: int) -> float:
        beside = [
            0.9 * row[other]
            for other in (place - 1, place + 1)
            if 0 <= other < len(texts) and source[other] == source[place] >= 0
        ]
        return max([row[place], *beside])

    def mean(of: Any) -> list[float]:
        return [
            sum(w * of(row, place) for w, row in zip(weights, nearest, strict=True)) / sum(weights)
            for place in range(len(texts))
        ]

    return mean(lambda row, place: row[place]), mean(around)


texts_and_sources = st.lists(
    st.tuples(st.text(LETTERS, min_size=1, max_size=4), st.sampled_from([-1, 0, 1])),
    min_size=1,
    max_size=6,
)


@given(texts_and_sources, st.text(LETTERS, min_size=1, max_size=3), st.sampled_from([1.0, 0.5]))
def test_features_are_those_of_plain_loops(
    items: list[tuple[str, int]], asked: str, told: float
) -> None:
    items.sort(key=lambda item: item[1])  # neighbours in a source stand beside each other
    texts, source = [text for text, _ in items], [place for _, place in items]
    got = features_of(corpus_with(texts, Letters(), source), asked, told=told)
    alone, around = (np.array(column) for column in slow_matches(asked, texts, source))
    if around.std() < 0.02 or alone.std() < 0.02:
        return  # vectors in whole numbers tell no difference from none
    z = (around - around.mean()) / around.std()
    share = (alone - alone.mean()) / alone.std()
    share = np.clip(share, 0.0, None) / max(share.max(), 1.0)
    assert got["around_z"] == pytest.approx((told * z).tolist(), abs=0.4)
    assert got["around_gap"] == pytest.approx((told * (z - z.max())).tolist(), abs=0.6)
    assert got["tokens_share"] == pytest.approx((told * share).tolist(), abs=0.4)


def test_a_token_may_be_met_by_the_item_beside_it() -> None:
    corpus = corpus_with(["a", "d", "a", "d"], Letters(), source=[0, 0, -1, -1])
    z = features_of(corpus, "ad")["around_z"]
    assert z[0] == pytest.approx(z[1], abs=0.2)
    assert min(z[:2]) > max(z[2:]) + 1.0


def test_a_token_that_few_items_have_weighs_more() -> None:
    corpus = corpus_with(["a", "a", "a", "d", "b"], Letters())
    rank = features_of(corpus, "ad")["around_rank"]
    assert rank[3] == 1.0
    assert rank[0] < 1.0


def test_only_the_best_matches_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_MOST_COMPARED", 2)
    embedder = Letters()
    corpus = corpus_with(["a", "b", "d", "c"], embedder)
    found = features_of(corpus, "d", match=[0.9, 0.1, 0.0, 0.2])
    assert sorted(embedder.asked) == ["a", "c"]
    assert found["around_rank"] == [0.0, 0.0, 0.0, 1.0]
    lowest = min(found["around_z"])
    assert found["around_z"][1] == found["around_z"][2] == lowest


def test_long_texts_are_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_MOST_CHARACTERS", 5)
    embedder = Letters()
    features_of(corpus_with(["aaa", "bb", "d"], embedder), "d", match=[0.9, 0.8, 0.7])
    assert embedder.asked == ["aaa", "bb"]


def test_one_text_is_compared_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokens, "_MOST_CHARACTERS", 1)
    embedder = Letters()
    features_of(corpus_with(["aaa", "bb"], embedder), "d", match=[0.1, 0.8])
    assert embedder.asked == ["bb"]


@pytest.mark.parametrize(
    ("texts", "asked"),
    [
        pytest.param(["a", "b"], "", id="question-without-tokens"),
        pytest.param(["", ""], "a", id="items-without-tokens"),
    ],
)
def test_without_tokens_there_are_no_features(texts: list[str], asked: str) -> None:
    assert features_of(corpus_with(texts, Letters()), asked) == {}


def test_an_item_without_tokens_counts_as_the_lowest() -> None:
    found = features_of(corpus_with(["a", "", "d"], Letters()), "d")
    assert found["around_z"][1] == found["around_z"][0] < found["around_z"][2]


def test_where_words_find_nothing_neither_do_tokens() -> None:
    found = features_of(corpus_with(["a", "b"], Letters()), "a", told=0.0)
    assert {value for column in found.values() for value in column} == {0.0}


@pytest.mark.parametrize(
    ("has_tokens", "has_vectors", "kind"),
    [
        pytest.param(True, True, "tokens", id="tokens"),
        pytest.param(False, True, "dense", id="vectors-alone"),
        pytest.param(True, False, "lexical", id="words-alone"),
    ],
)
def test_each_kind_of_match_has_its_coefficients(
    has_tokens: bool, has_vectors: bool, kind: str
) -> None:
    logits = {"tokens": -1.0, "dense": -2.0, "lexical": -3.0}
    models = {
        name: UsefulnessModel(
            first=LogisticModel(intercept=x, weights={}),
            final=LogisticModel(intercept=x, weights={}),
        )
        for name, x in logits.items()
    }
    corpus = corpus_with(["ab", "cd"], Letters()) if has_tokens else corpus_of(["ab", "cd"])
    if has_vectors:
        corpus = replace(corpus, vectors=VectorColumn.of_matrix(np.eye(2, dtype=np.float32)))
    asked = replace(question("ab"), vector=np.ones(2, dtype=np.float32))
    value = estimate_usefulness(
        asked, corpus, match_of(asked, corpus), freshness=np.full(2, 0.5), models=models
    )
    assert np.log(value / (1.0 - value)) == pytest.approx(logits[kind])


def vectors(texts: list[str]) -> Array:
    return np.ones((len(texts), 2))


def memories() -> list[MemoryItem]:
    return [MemoryItem(text, text, "rag") for text in ("ab", "cd", "aabb", "dddd")]


def test_an_allocator_compares_tokens_beside_vectors() -> None:
    embedder = Letters()
    allocator = MemoryBudgetAllocator(embedder=vectors, token_embedder=embedder)
    for _ in range(2):
        allocator.allocate_memory_budget("dd", memories(), budget_tokens=30)
    assert sorted(embedder.asked) == ["aabb", "ab", "cd", "dd", "dddd"]


def test_without_vectors_of_texts_no_tokens_are_asked_for() -> None:
    embedder = Letters()
    allocator = MemoryBudgetAllocator(token_embedder=embedder)
    allocator.allocate_memory_budget("dd", memories(), budget_tokens=30)
    assert embedder.asked == []
