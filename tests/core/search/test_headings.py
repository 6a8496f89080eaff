"""Headings of items found in other texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.search.headings import HeadingIndex


@pytest.mark.parametrize(
    ("item", "text", "named"),
    [
        pytest.param("Ada Lovelace\nWrote notes.", "by Ada Lovelace,", True, id="first-line"),
        pytest.param("Ada Lovelace\nWrote notes.", "ada lovelace", True, id="lower-case-words"),
        pytest.param("Ada Lovelace\nWrote notes.", "Ada King Lovelace", False, id="words-apart"),
        pytest.param("Dune (film)\nA film.", "the film Dune", True, id="brackets-are-left-out"),
        pytest.param("Home\nA song.", "the song Home", True, id="one-word-with-capital"),
        pytest.param("Home\nA song.", "they went home", False, id="one-word-without-capital"),
        pytest.param("The\nA song.", "The end", False, id="function-word"),
        pytest.param("Ada Lovelace was a mathematician.", "Ada Lovelace", True, id="leading-name"),
        pytest.param("we met Ada Lovelace.", "Ada Lovelace", False, id="name-further-on"),
        pytest.param("word " * 30 + "\nrest", "word word", False, id="long-first-line"),
    ],
)
def test_heading_is_found(item: str, text: str, named: bool) -> None:
    assert (0 in HeadingIndex([item]).named_in(text)) is named


def test_the_longest_heading_wins() -> None:
    index = HeadingIndex(["New York\nCity.", "New York Times\nPaper."])
    assert index.named_in("in the New York Times") == {1: 1.0}


def test_a_shared_heading_counts_less() -> None:
    index = HeadingIndex(["Oslo\nOne.", "Oslo\nTwo."])
    assert index.named_in("in Oslo") == {0: 0.5, 1: 0.5}


def test_a_heading_of_very_many_items_names_nothing() -> None:
    assert HeadingIndex(["Oslo\nText."] * 21).named_in("in Oslo") == {}


@given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=80))
def test_any_texts_are_read(items: list[str], text: str) -> None:
    found = HeadingIndex(items).named_in(text)
    assert all(0 <= row < len(items) and 0.0 < share <= 1.0 for row, share in found.items())
