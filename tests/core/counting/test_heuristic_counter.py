"""Estimates follow the script of a text, and are counts in every respect but one: exactness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.counting.heuristic_counter import HeuristicCounter


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        pytest.param("", 0, 0, id="empty"),
        pytest.param("a", 1, 1, id="one-letter"),
        pytest.param("\0\ud800", 2, 4, id="nul-and-surrogate"),
        pytest.param("The deploy key rotates on Mondays, at noon.", 10, 15, id="english"),
        pytest.param("昨天我们讨论了部署计划,团队决定推迟到星期一。", 15, 24, id="chinese"),
        pytest.param("Вчера мы обсуждали план, и команда согласилась.", 12, 26, id="russian"),
        pytest.param("x" * 1_000_000, 125_000, 300_000, id="megabyte-of-one-letter"),
    ],
)
def test_estimates_follow_the_script(text: str, low: int, high: int) -> None:
    assert low <= HeuristicCounter().count(text) <= high
    assert HeuristicCounter().count_batch([text, text])[0] == HeuristicCounter().count(text)


@given(st.text(max_size=60))
def test_only_the_empty_text_has_no_tokens(text: str) -> None:
    tokens = HeuristicCounter().count(text)
    assert (tokens == 0) == (text == "")
    assert tokens <= 3 * len(text)


@given(st.text(max_size=40), st.text(max_size=40))
def test_a_longer_text_has_no_fewer_tokens_and_a_join_saves_one_at_most(
    first: str, second: str
) -> None:
    count = HeuristicCounter().count
    assert count(first) <= count(first + second) <= count(first) + count(second)
    assert count(first + second) >= count(first) + count(second) - 1


@given(st.text(max_size=40), st.randoms())
def test_the_order_of_characters_does_not_matter(text: str, random: object) -> None:
    shuffled = list(text)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert HeuristicCounter().count("".join(shuffled)) == HeuristicCounter().count(text)


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        pytest.param("a" * 70, 17, id="lower-case"),
        pytest.param("A" * 7, 4, id="capitals"),
        pytest.param(" " * 35, 6, id="spaces"),
        pytest.param("7" * 7, 4, id="digits"),
        pytest.param("\n" * 7, 4, id="line-ends"),
        pytest.param("{" * 35, 26, id="signs"),
        pytest.param("\u4e2d" * 35, 26, id="chinese"),
        pytest.param("\u00e9" * 35, 36, id="accents"),
    ],
)
def test_units_of_a_script_are_summed_and_rounded_up(text: str, tokens: int) -> None:
    assert HeuristicCounter().count(text) == tokens
