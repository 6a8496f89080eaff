"""Usefulness on the scale of how many items are needed."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations import MemoryItem
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.value.match import Match, match_of
from mba_integrations.core.value.need.level import expected_needed, levelled
from mba_integrations.core.value.question import Question

TEXTS = ("The door code is 4711.", "Lunch comes at noon.", "Kate skis in winter.")


def expected(query: str, *, cosine: FloatArray | None = None, estimate: float = 0.2) -> float:
    items = [MemoryItem(f"m{n}", text, "rag") for n, text in enumerate(TEXTS)]
    corpus = PoolSnapshot(items).corpus(None)
    question = Question(text=query, vector=None, now_seconds=None)
    match = Match(match_of(question, corpus).lexical, cosine, cosine, 1.0)
    return expected_needed(question, corpus, match, np.full(len(TEXTS), estimate))


def test_more_is_expected_where_more_of_the_words_are_covered() -> None:
    assert expected("door code") > expected("door of Jupiter moons") > expected("Jupiter moons")


def test_more_is_expected_where_a_vector_is_nearer() -> None:
    near, far = np.array([0.8, 0.1, 0.1]), np.array([0.1, 0.1, 0.1])
    assert expected("Jupiter moons", cosine=near) > 2 * expected("Jupiter moons", cosine=far)


def test_a_vector_that_is_unknown_does_not_count() -> None:
    some = np.array([0.8, np.nan, np.nan])
    assert expected("door", cosine=some) == expected("door", cosine=np.array([0.8, 0.1, 0.1]))


@pytest.mark.parametrize("estimate", [0.0, 1e-300, 1.0])
def test_it_is_above_0_and_bounded_whatever_the_estimates(estimate: float) -> None:
    assert math.exp(-6) <= expected("", estimate=estimate) <= math.exp(1.5)


@given(
    st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=20).map(np.array),
    st.floats(0.0025, 4.5),
)
def test_levelled_estimates_sum_to_what_is_expected_and_keep_their_order(
    estimate: FloatArray, wanted: float
) -> None:
    found = levelled(estimate, wanted)
    assert found.max() <= 0.99
    assert (np.diff(found[np.argsort(estimate)]) >= -1e-15).all()
    if found.max() < 0.99:
        assert found.sum() == pytest.approx(wanted)
    else:
        assert found.sum() <= wanted * (1 + 1e-9)


def test_estimates_of_nothing_stay() -> None:
    assert levelled(np.zeros(3), 1.0).tolist() == [0.0, 0.0, 0.0]
