"""Names of speakers: which texts begin with one, and what is left of a query without them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.search.speaker_names import name_before_colon, without_names


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("Kate: The pasta was great.", "Kate", id="one-word"),
        pytest.param("Mary-Jane O'Neil: Hi", "Mary-Jane O'Neil", id="several-words"),
        pytest.param("  Kate :\nHi", "Kate", id="white-space"),
        pytest.param("Кейт: привет", "Кейт", id="cyrillic"),
        pytest.param("张三：你好", "张三", id="full-width-colon"),
        pytest.param("12:30 lunch", None, id="time"),
        pytest.param("https://example.org", None, id="address"),
        pytest.param("a:b", None, id="no-space-behind"),
        pytest.param("Kate says: hi there", "Kate says", id="a-heading-looks-the-same"),
        pytest.param("x" * 40 + ": hi", None, id="too-long"),
        pytest.param(": hi", None, id="no-name"),
        pytest.param("Kate", None, id="no-colon"),
        pytest.param("", None, id="empty"),
    ],
)
def test_the_name_that_a_text_begins_with(text: str, expected: str | None) -> None:
    assert name_before_colon(text) == expected


@pytest.mark.parametrize(
    ("query", "names", "expected"),
    [
        pytest.param("What does Kate cook?", ["Kate", "Ben"], "What does cook?", id="name"),
        pytest.param("what are kate's hobbies", ["Kate"], "what are hobbies", id="case-and-s"),
        pytest.param("Kate’s hobbies", ["Kate"], "hobbies", id="curly-apostrophe"),
        pytest.param("What did Moss eat?", ["Kate Moss"], "What did eat?", id="part-of-a-name"),
        pytest.param("Kate: I sold my car.", ["Kate"], "I sold my car.", id="begins-with-it"),
        pytest.param("Which category fits?", ["Cat"], "Which category fits?", id="part-of-a-word"),
        pytest.param("What did the user say?", ["user"], "What did the user say?", id="role"),
        pytest.param("Plan B failed", ["B"], "Plan B failed", id="single-letter"),
        pytest.param("Who is Kate?", ["Kate"], "Who is Kate?", id="nothing-else-asked"),
        pytest.param("Kate, Ben", ["Kate", "Ben"], "Kate, Ben", id="names-only"),
        pytest.param("张三喜欢什么", ["张三"], "喜欢什么", id="script-without-spaces"),
        pytest.param("a  b", ["Kate"], "a  b", id="no-name-leaves-all-as-it-is"),
        pytest.param("a  b", [], "a  b", id="no-names"),
    ],
)
def test_a_query_without_names(query: str, names: list[str], expected: str) -> None:
    assert without_names(query, names) == expected


@given(query=st.text(max_size=60), names=st.lists(st.text(max_size=8), max_size=4))
def test_any_query_keeps_something_and_gains_nothing(query: str, names: list[str]) -> None:
    left = without_names(query, names)
    assert bool(left.strip()) == bool(query.strip())
    assert set(left) <= set(query) | {" "}


@given(
    words=st.lists(st.sampled_from(["Kate", "kate's", "pasta", "Ben", "the", "Oslo"]), max_size=8)
)
def test_what_is_left_is_what_a_walk_over_the_words_leaves(words: list[str]) -> None:
    query = " ".join(words)
    kept = [word for word in words if re.sub("'s$", "", word).lower() not in ("kate", "ben")]
    asks = any(word != "the" for word in kept)
    expected = " ".join(kept) if asks else query
    assert without_names(query, ["Kate", "Ben"]) == expected
