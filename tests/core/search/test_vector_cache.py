"""Vectors kept by text stay within entries and bytes, whatever the texts."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.search.cached_embedder import CachedEmbedder
from mba_integrations.core.search.term_numbers import TermNumbers
from mba_integrations.core.search.terms import TermSplitter
from mba_integrations.core.search.vector_cache import VectorCache


def vectors(*texts: str, length: int = 3) -> dict[str, FloatArray]:
    matrix = np.ones((len(texts), length), dtype=np.float32)
    return dict(zip(texts, matrix, strict=True))


def held(cache: VectorCache[FloatArray], texts: list[str]) -> int:
    """Bytes of the vectors that are kept of these texts, and of the texts."""
    found = [(text, cache.get(text)) for text in texts]
    return sum(sys.getsizeof(text) + one.nbytes for text, one in found if one is not None)


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from("abcdefgh"), st.integers(1, 900)), max_size=6),
        max_size=12,
    ),
    st.integers(0, 5),
    st.integers(0, 8000),
)
def test_what_is_kept_never_exceeds_either_bound(
    batches: list[list[tuple[str, int]]], max_entries: int, max_bytes: int
) -> None:
    cache: VectorCache[FloatArray] = VectorCache(max_entries=max_entries, max_bytes=max_bytes)
    seen: list[str] = []
    for batch in batches:
        texts = list(dict.fromkeys(letter * size for letter, size in batch))
        cache.keep(vectors(*texts))
        seen = list(dict.fromkeys([*seen, *texts]))
        assert len(cache) <= max_entries
        assert cache.bytes <= max_bytes
        assert held(cache, seen) <= cache.bytes
        assert sum(text in cache for text in seen) == len(cache)


def test_the_oldest_go_and_what_is_kept_again_is_new() -> None:
    cache: VectorCache[FloatArray] = VectorCache(max_entries=3, max_bytes=10**6)
    cache.keep(vectors("a", "b", "c"))
    cache.keep(vectors("a"))
    cache.keep(vectors("d"))
    assert [text for text in "abcd" if text in cache] == ["a", "c", "d"]


def test_one_text_of_any_size_costs_no_other_its_place() -> None:
    cache: VectorCache[FloatArray] = VectorCache(max_entries=100, max_bytes=2**20)
    cache.keep(vectors("a", "b"))
    cache.keep(vectors("x" * 2**20))
    cache.keep(vectors("y" * (2**16 + 1)))
    assert [text in cache for text in ("a", "b")] == [True, True]
    assert len(cache) == 2


@pytest.mark.parametrize(
    ("count", "max_entries", "is_shared"),
    [
        pytest.param(4, 4, True, id="all-stay"),
        pytest.param(4, 2, False, id="half-of-them-stay"),
    ],
)
def test_an_array_is_shared_only_where_all_of_it_stays(
    count: int, max_entries: int, is_shared: bool
) -> None:
    """Two rows of an array of a million would keep the million."""
    cache: VectorCache[FloatArray] = VectorCache(max_entries=max_entries, max_bytes=10**6)
    given = vectors(*(f"t{row}" for row in range(count)))
    cache.keep(given)
    newest = cache.get("t3")
    assert newest is not None
    assert np.shares_memory(newest, given["t3"]) == is_shared
    assert len(cache) == max_entries


def test_no_room_keeps_nothing() -> None:
    cache: VectorCache[FloatArray] = VectorCache(max_entries=5, max_bytes=0)
    cache.keep(vectors("a"))
    assert (len(cache), cache.bytes) == (0, 0)


def test_an_embedder_keeps_what_its_bytes_allow() -> None:
    asked: list[int] = []

    def embedder(texts: list[str]) -> FloatArray:
        asked.append(len(texts))
        return np.ones((len(texts), 8))

    cached = CachedEmbedder(embedder, max_bytes=40_000)
    texts = [f"{row}" * 400 for row in range(10, 99)]
    for _ in range(2):
        assert cached(texts).shape == (89, 8)
    kept = 89 - len(cached.missing(texts))
    assert 20 < kept < 40
    assert asked == [89, 89 - kept]


@pytest.mark.parametrize("name", ["max_entries", "max_bytes"])
@pytest.mark.parametrize(
    "value", [-1, -0.0, 10**400, "3", None], ids=["negative", "float", "huge", "text", "none"]
)
def test_a_bound_that_is_no_number_of_things_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"{name} must be"):
        CachedEmbedder(lambda texts: np.ones((len(texts), 2)), **{name: value})  # type: ignore[arg-type]


LONG_WORDS = {
    "letters": "a" * 500,
    "humps": "aB" * 250,
    "digits-between": "a1" * 250,
    "ideographs": "日" * 500,
    "accents": "é" * 500,
    "underscores": "a_" * 250,
}


@pytest.mark.parametrize("word", LONG_WORDS.values(), ids=LONG_WORDS)
def test_long_words_are_not_remembered_and_have_equal_terms_each_time(word: str) -> None:
    splitter, numbers = TermSplitter(), TermNumbers()
    first = splitter.terms(word)
    assert splitter.terms(word) == first == TermSplitter().terms(word)
    cut = [numbers.cut([word]).terms.tolist() for _ in range(2)]
    assert cut[0] == cut[1]
    assert not any((*splitter._known.values(), *numbers._words.values()))


def test_words_are_remembered_until_their_bytes_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mba_integrations.core.search.terms._MAX_KNOWN_BYTES", 10_000)
    splitter = TermSplitter()
    words = [f"word{letter}{other}" for letter in "abcdefghij" for other in "abcdefghij"]
    expected = [TermSplitter().terms(word) for word in words]
    assert [splitter.terms(word) for word in words] == expected
    size = sum(
        sys.getsizeof(word) + sum(map(sys.getsizeof, terms))
        for word, terms in splitter._known[0].items()
    )
    assert 3_000 < size < 10_000
    assert [splitter.terms(word) for word in words] == expected
