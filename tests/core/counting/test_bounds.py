"""A bound that holds without counting, and a column that counts only what it is asked for."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import texts

from mba_integrations import MemoryItem, RenderingSettings, TokenCounter, counter_for_model
from mba_integrations.core.counting.bounds import bound_of, fewest_by_words
from mba_integrations.core.counting.cached_counter import CachedCounter
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.layout.protocol import BYTES_BESIDES, PromptLayout
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import MemoryTier
from mba_integrations.core.pool.token_column import TokenColumn

HARD = "a !/\n\r\t\x1c\x1d\x1e\x1f\x85\xa0\u2028\u3000.,(é中'1_-"
hard_texts = st.text(alphabet=HARD, min_size=1, max_size=60)
ENCODINGS = ["gpt-4o", "gpt-4"]


@pytest.mark.parametrize("model", ENCODINGS)
@settings(max_examples=400, deadline=None)
@given(text=st.one_of(hard_texts, texts), enough=st.integers(-1, 8))
def test_no_text_has_fewer_tokens_than_the_bound(model: str, text: str, enough: int) -> None:
    assert fewest_by_words([text], [enough])[0] <= counter_for_model(model).count(text)


def test_words_that_share_a_piece_with_line_ends_do_not_count() -> None:
    """In o200k_base one piece may hold line ends and slashes."""
    text = "!\n/\n/\n/\n/\n/"
    assert counter_for_model("gpt-4o").count(text) < len(text.split())
    assert fewest_by_words([text, "two words"], [-1, -1]) == [1, 2]


@pytest.mark.parametrize("mark", ["\n/", "\r/", "\x1c", "\x1d", "\x1e", "\x1f"])
def test_each_mark_after_which_a_piece_may_go_on_takes_a_word_off(mark: str) -> None:
    """Python splits at the four separators, the encodings do not."""
    assert fewest_by_words([f"one{mark}two", "one two"], [-1, -1]) == [1, 2]


@pytest.mark.parametrize(
    ("counter_id", "known"),
    [("tiktoken:o200k_base", True), ("tiktoken:cl100k_base", True), ("tiktoken:mine", False)],
)
def test_the_bound_is_known_for_encodings_of_openai(counter_id: str, known: bool) -> None:
    counter = Tally()
    counter.id = counter_id
    assert (bound_of(counter) is not None) is known


LAYOUTS: dict[str, PromptLayout] = {
    "markdown": Renderer(RenderingSettings()),
    "xml": Renderer(RenderingSettings(format="xml")),
    "template": Renderer(RenderingSettings(line_templates={"rag": "[{source}: ]{text} ({id})"})),
    "messages": Renderer(RenderingSettings(format="messages")),
    "joined": JoinedTexts(),
}


@pytest.mark.parametrize("name", LAYOUTS)
@settings(max_examples=200, deadline=None)
@given(content=st.one_of(hard_texts, texts), role=st.sampled_from(["user", "ai", None]))
def test_bounds_of_a_layout_hold(name: str, content: str, role: str | None) -> None:
    layout, counter = LAYOUTS[name], counter_for_model()
    if not content:
        return
    tier = MemoryTier.WORKING if role else MemoryTier.RAG
    item = MemoryItem("m", content, tier, source="a book", metadata={"role": role} if role else {})
    (tokens,) = layout.item_tokens([item], counter)
    assert fewest_by_words([content], [-1])[0] <= tokens <= layout.most_bytes(item)
    if layout.bytes_per_character is not None:
        assert layout.most_bytes(item) <= layout.bytes_per_character * len(content) + BYTES_BESIDES


class Tally:
    """Counts words and keeps what it was asked."""

    exact = True

    def __init__(self) -> None:
        self.id = "tiktoken:o200k_base"
        self.asked: list[str] = []

    def count(self, text: str, /) -> int:
        self.asked.append(text)
        return len(text.split())

    def count_batch(self, texts: Sequence[str], /) -> list[int]:
        return [self.count(text) for text in texts]


def column(counter: TokenCounter, *, lazy: bool = True) -> TokenColumn:
    items = [MemoryItem(f"m{size}", "w " * size, "rag") for size in range(1, 41)]
    return TokenColumn(items, JoinedTexts(separator="\n"), counter, lazy=lazy)


def test_only_what_is_asked_for_is_counted() -> None:
    tally = Tally()
    tokens = column(tally)
    assert tokens.of(np.array([4, 2, 4])).tolist() == [5, 3, 5]
    assert tokens.of(np.array([2])).tolist() == [3]
    assert len(tally.asked) == 2
    assert not tokens.complete


def test_bounds_count_nothing() -> None:
    tally = Tally()
    tokens = column(tally)
    rows = np.arange(40)
    assert tokens.at_least(rows, np.full(40, np.inf)).tolist() == list(range(1, 41))
    assert (tokens.at_least(rows, np.full(40, 3.0)) >= np.minimum(rows + 1, 3)).all()
    assert tally.asked == []


def test_items_over_a_limit_are_counted_only_where_bounds_leave_it_open() -> None:
    tally = Tally()
    tier = np.full(40, 3)
    over = column(tally).over(np.array([0.0, 0.0, 0.0, 30.0]), tier)
    assert over.tolist() == list(range(30, 40))
    assert 0 < len(tally.asked) < 40


def test_all_are_counted_where_a_list_is_prepared() -> None:
    tally = Tally()
    tokens = column(CachedCounter(tally), lazy=False)
    assert tokens.complete
    assert (tokens.smallest, tokens.largest, len(tally.asked)) == (1, 40, 40)
    assert tokens.over(np.full(4, 38.0), np.full(40, 3)).tolist() == [38, 39]


def test_replaced_items_are_counted_anew() -> None:
    tokens = column(Tally())
    tokens.at_least(np.arange(40), np.full(40, np.inf))
    short = tokens.replaced({39: MemoryItem("m40", "w", "rag")})
    assert short.of(np.array([39, 38])).tolist() == [1, 39]
    assert short.at_least(np.array([39]), np.array([np.inf])).tolist() == [1]
    assert tokens.of(np.array([39])).tolist() == [40]
