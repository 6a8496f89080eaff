"""Vectors of tokens: what a token embedder may return, what is kept, how tokens compare."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.errors import InputError
from mba_integrations.core.search.tokens.cached_token_embedder import CachedTokenEmbedder
from mba_integrations.core.search.tokens.late_interaction import nearest_tokens
from mba_integrations.core.search.tokens.token_vectors import token_vectors

Array = np.ndarray[Any, Any]


class Letters:
    """A token for each letter, one of 26 directions; remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []

    def __call__(self, texts: list[str]) -> Sequence[Array]:
        self.asked.append(list(texts))
        return [np.eye(26)[[ord(letter) - ord("a") for letter in text]] for text in texts]


def returning(*arrays: Any) -> list[list[list[int]]]:
    texts = [str(place) for place in range(len(arrays))]
    return [made.tolist() for made in token_vectors(texts, lambda _: arrays)]


def test_vectors_have_length_one_in_units_of_a_127th() -> None:
    assert returning(np.array([[3.0, 4.0], [0.0, -0.1]])) == [[[76, 102], [0, -127]]]


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        pytest.param(
            [[[np.nan, 1.0], [0.0, 1.0]]], [[[0, 127]]], id="not-finite-token-is-left-out"
        ),
        pytest.param([[[0.0, 0.0], [2.0, 0.0]]], [[[127, 0]]], id="token-of-zeros-is-left-out"),
        pytest.param(
            [[[1.0, 0.0]], [[1.0]], [[0.0, 1.0]]],
            [[[127, 0]], [], [[0, 127]]],
            id="vectors-of-another-length-than-most-are-none",
        ),
        pytest.param(
            [[1.0, 2.0], [[1.0, 0.0]]], [[], [[127, 0]]], id="one-vector-is-no-array-of-some"
        ),
        pytest.param([np.zeros((0, 2)), [[1.0, 0.0]]], [[], [[127, 0]]], id="text-without-tokens"),
        pytest.param([[[1e300, 1.0]]], [[]], id="too-large-for-float32"),
    ],
)
def test_what_cannot_be_used_counts_as_missing(arrays: list[Any], expected: list[Any]) -> None:
    assert returning(*arrays) == expected


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        pytest.param(None, "no sequence of arrays of numbers", id="nothing"),
        pytest.param([["a"], ["b"]], "no sequence of arrays of numbers", id="words"),
        pytest.param([[[1.0]]], "1 arrays for 2 texts", id="one-array-too-few"),
    ],
)
def test_what_is_no_array_for_each_text_is_refused(returned: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        token_vectors(["a", "b"], lambda texts: returned)


def test_of_a_long_text_the_first_512_tokens_are_held() -> None:
    [held] = returning(np.eye(2)[[0] * 512 + [1]])
    assert held == [[127, 0]] * 512


def test_each_text_is_embedded_once_and_in_one_call() -> None:
    inner = Letters()
    embedder = CachedTokenEmbedder(inner)
    assert [len(made) for made in embedder(["ab", "c", "ab"])] == [2, 1, 2]
    assert [len(made) for made in embedder(["c", "def"])] == [1, 3]
    assert inner.asked == [["ab", "c"], ["def"]]
    assert embedder.missing(["ab", "xyz", "xyz"]) == ["xyz"]


def test_what_was_made_elsewhere_is_not_asked_for() -> None:
    inner = Letters()
    embedder = CachedTokenEmbedder(inner)
    embedder.keep(["a"], [np.array([[0.0, 2.0]])])
    assert [made.tolist() for made in embedder(["a"])] == [[[0, 127]]]
    assert inner.asked == []


def test_the_oldest_go_when_there_are_too_many_bytes() -> None:
    embedder = CachedTokenEmbedder(Letters(), max_bytes=32_000)
    texts = [letter * 40 for letter in "abcdefghijklmnopqrstuvwxyz"]
    embedder(texts)
    assert embedder.missing(texts) == texts[: len(embedder.missing(texts))]
    assert 0 < len(embedder.missing(texts)) < len(texts)


def test_nothing_is_kept_with_no_bytes() -> None:
    embedder = CachedTokenEmbedder(Letters(), max_bytes=0)
    assert len(embedder(["abc"])[0]) == 3
    assert embedder.missing(["abc"]) == ["abc"]


def test_a_copy_has_the_embedder_and_the_bound_but_no_vector() -> None:
    embedder = CachedTokenEmbedder(Letters(), max_bytes=5_000)
    embedder(["abc"])
    copied = copy.deepcopy(embedder)
    assert copied.missing(["abc"]) == ["abc"]
    assert len(copied(["abc"])[0]) == 3


words = st.text(alphabet="abc", max_size=5)


@given(words, st.lists(words, max_size=5))
def test_each_asked_token_finds_the_nearest_of_a_text(asked: str, texts: list[str]) -> None:
    embedder = CachedTokenEmbedder(Letters())
    [question], found = embedder([asked]), embedder(texts)
    nearest = nearest_tokens(question, found)
    expected = [
        [float(letter in text) if text else float("nan") for text in texts] for letter in asked
    ]
    np.testing.assert_allclose(nearest, np.array(expected).reshape(len(asked), len(texts)))


def test_many_tokens_are_compared_as_a_few_are() -> None:
    rng = np.random.default_rng(0)
    texts = [rng.normal(size=(size, 8)) for size in (700, 900, 1, 3, 800, 2)]
    asked, *held = token_vectors(list("qabcdef"), lambda _: [rng.normal(size=(4, 8)), *texts])
    together = nearest_tokens(asked, held)
    alone = np.hstack([nearest_tokens(asked, [one]) for one in held])
    np.testing.assert_allclose(together, alone, atol=1e-6)


def test_a_text_of_another_model_has_no_match() -> None:
    asked, other = np.full((1, 2), 90, dtype=np.int8), np.full((1, 3), 70, dtype=np.int8)
    assert np.isnan(nearest_tokens(asked, [other, asked])).tolist() == [[True, False]]
