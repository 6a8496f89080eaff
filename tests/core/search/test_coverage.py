"""How much of a query each text has."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.search.lexical import LexicalIndex

TEXTS = ["apple pie", "apple sauce", "blue sky"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", [0.0, 0.0, 0.0], id="empty"),
        pytest.param("the of", [0.0, 0.0, 0.0], id="stop-words"),
        pytest.param("blue sky", [0.0, 0.0, 1.0], id="all-of-it"),
        pytest.param("apple apple", [1.0, 1.0, 0.0], id="a-word-counts-once"),
        pytest.param("zebra", [0.0, 0.0, 0.0], id="unknown"),
    ],
)
def test_coverage(query: str, expected: list[float]) -> None:
    assert LexicalIndex.build(TEXTS).coverage(query).tolist() == pytest.approx(expected)


def test_words_weigh_by_their_rarity_and_unknown_ones_like_the_rarest() -> None:
    often, once, never = (math.log1p((3 - f + 0.5) / (f + 0.5)) for f in (2, 1, 0))
    found = LexicalIndex.build(TEXTS).coverage("apple pie zebra")
    assert found[0] == pytest.approx((often + once) / (often + once + never))
    assert found[1] == pytest.approx(often / (often + once + never))


words = st.sampled_from(["apple", "pie", "sky", "blue", "sauce", "zebra"])


@given(st.lists(words, max_size=5), st.lists(st.lists(words, min_size=1), min_size=1, max_size=5))
def test_it_is_a_share_and_the_same_after_a_change(
    query: list[str], texts: list[list[str]]
) -> None:
    after = [" ".join(text) for text in texts] + ["late apple"]
    grown = LexicalIndex.build(after[:-1]).changed(after, RowMap(len(after) - 1, len(after)))
    anew = LexicalIndex.build(after).coverage(" ".join(query))
    assert grown.coverage(" ".join(query)).tolist() == anew.tolist()
    assert ((anew >= 0.0) & (anew <= 1.0 + 1e-12)).all()
