"""What a sentence is worth of its item, and what is offered in which order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.search.sentences.index import index_of
from mba_integrations.core.selection.passages.parts import Offer, Part
from mba_integrations.core.selection.passages.shares import sentence_shares


def shares(text: str, terms: list[str], strongest: list[str] | None = None) -> list[float]:
    [found] = sentence_shares([index_of(text)], terms, strongest or [])
    return [float(share) for share in found]


def test_a_sentence_with_the_words_of_the_query_is_worth_more() -> None:
    _, key, snow = shares("It rains here. The key is red. It snows here.", ["key", "red"])
    assert key > 2 * snow


def test_the_first_sentence_is_worth_more_where_something_of_the_item_matches() -> None:
    first, _, other = shares("It rains. The key is red. It pours.", ["key"])
    assert first > other
    assert len(set(shares("It rains. It snows. It pours.", ["key"]))) == 1


def test_a_sentence_that_names_another_strong_item_is_worth_more() -> None:
    text = "Ada Lovelace\nHer mother left. She wrote to Charles Babbage. She died."
    engine = "Charles Babbage\nHe built an engine."
    plain, named = (shares(text, [], strong) for strong in ([], [text, engine]))
    assert named[1] > 2 * plain[1]
    assert shares(text, [], [text]) == plain


@pytest.mark.parametrize("count", [10, 300])
def test_the_one_sentence_that_answers_is_worth_most_however_long_the_item_is(count: int) -> None:
    text = "It snows in May here. " * count + "The wifi password is 4711. " + "It rains. " * count
    assert shares(text, ["wifi", "password"])[count] > 0.45


@pytest.mark.parametrize("others", [0, 400])
def test_shares_hardly_depend_on_how_many_items_there_are(others: int) -> None:
    items = [index_of("It rains. It snows. The key is red. It pours.")]
    items += [index_of(f"Number {n} sleeps. It dreams. It wakes.") for n in range(others)]
    share = float(sentence_shares(items, ["key"], [])[0][2])
    assert 0.35 < share < 0.65


@given(
    st.lists(st.sampled_from(["The key is red. ", "It snows. ", "Oslo\n", "日本。"]), min_size=1),
    st.lists(st.sampled_from(["key", "red", "snow", "oslo", "x"]), max_size=5),
)
def test_shares_are_above_0_and_sum_to_1(parts: list[str], terms: list[str]) -> None:
    found = shares("".join(parts), terms)
    assert min(found) > 0.0
    assert sum(found) == pytest.approx(1.0)


@given(
    st.lists(st.tuples(st.integers(0, 9), st.integers(1, 9)), min_size=1, max_size=6),
    st.integers(0, 20),
    st.integers(1, 20),
    st.booleans(),
)
def test_what_comes_in_first_is_the_densest_and_parts_become_less_dense(
    drawn: list[tuple[int, int]], value: int, tokens: int, has_base: bool
) -> None:
    sentences = [Part(v, t, ((0, at),)) for at, (v, t) in enumerate(drawn)]
    sentences.sort(key=lambda part: -part.value / part.tokens)
    base = Part(value, tokens, ((1, 0),) if has_base else ())
    offer = Offer(unit=0, tier=0, base=base, sentences=sentences)
    parts = offer.parts
    density = [part.value / part.tokens for part in parts]
    prefixes = [
        (value + sum(one.value for one in sentences[:count]))
        / (tokens + sum(one.tokens for one in sentences[:count]))
        for count in range(not has_base, len(sentences) + 1)
    ]
    assert density[0] == pytest.approx(max(prefixes))
    assert np.all(np.diff(density) <= 1e-9)
    assert sum(part.tokens for part in parts) == tokens + sum(one.tokens for one in sentences)
    within = offer.opening_within(parts[0].tokens)
    assert within is not None
    assert within.value == pytest.approx(parts[0].value)
    assert offer.opening_within(0) is None
