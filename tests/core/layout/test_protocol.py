"""What a layout of a caller's own inherits, and what every layout keeps when a tier comes twice."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import texts

from mba_integrations import (
    JoinedTexts,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    PromptLayout,
    RenderingSettings,
    TokenCounter,
    counter_for_model,
)
from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.counting.given_counters import as_token_counter
from mba_integrations.core.layout.priced_messages import PricedMessages
from mba_integrations.core.layout.protocol import (
    BYTES_BESIDES,
    PromptTokens,
    Section,
    WrittenPrompt,
    most_bytes,
)
from mba_integrations.core.layout.renderer import Renderer

CHARACTERS = as_token_counter(len, id="characters")
RAG, WORKING = MemoryTier.RAG, MemoryTier.WORKING


def item(name: str, tier: MemoryTier = RAG) -> MemoryItem:
    return MemoryItem(name, f"text of {name}", tier)


class Lines(PromptLayout):
    """The least that a layout has to define."""

    id = "lines"

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        return counter.count_batch([item.content + "\n" for item in items])

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        contents = (item.content + "\n" for _, items in sections for item in items)
        return WrittenPrompt(text="".join(contents))


def test_the_least_layout_has_no_headings_every_tier_and_counts_what_is_written() -> None:
    lines = Lines()
    assert lines.opening_tokens([item("a")], CHARACTERS) == [0] * len(MemoryTier)
    assert lines.fixed_tokens(CHARACTERS) == 0
    assert lines.section_order == tuple(MemoryTier)
    assert {lines.order_of(tier) for tier in MemoryTier} == {ItemOrder.VALUE}
    assert not lines.shows_content
    assert lines.bytes_per_character is None
    written = lines.write([(RAG, [item("a"), item("b")])])
    assert lines.measure(written, CHARACTERS) == PromptTokens(used=20, messages=0, needed=20)


@pytest.mark.parametrize(("budget", "count"), [(20, 2), (19, 1), (10, 1), (9, 0)])
def test_the_least_layout_is_enough_for_an_allocation(budget: int, count: int) -> None:
    allocator = MemoryBudgetAllocator(CHARACTERS)
    found = allocator.allocate_memory_budget(
        "?", [item("a"), item("b")], budget_tokens=budget, layout=Lines()
    )
    assert len(found.selected) == count
    assert found.used_tokens == 10 * count


def test_no_text_is_not_counted() -> None:
    dear = as_token_counter(lambda text: 5 + len(text))
    layouts: list[PromptLayout] = [Lines(), JoinedTexts(after="x"), Renderer(RenderingSettings())]
    for layout in layouts:
        measured = layout.measure(layout.write([]), dear)
        assert measured == PromptTokens(used=0, messages=0, needed=0)


@given(text=texts)
def test_a_text_has_at_most_so_many_bytes(text: str) -> None:
    size = len(text.encode("utf-8", "surrogatepass"))
    assert size <= most_bytes(text)
    assert not text.isascii() or size == most_bytes(text)
    assert Lines().most_bytes(MemoryItem("m", text or "x", "rag")) >= size + BYTES_BESIDES


LAYOUTS: dict[str, PromptLayout] = {
    "lines": Lines(),
    "markdown": Renderer(RenderingSettings()),
    "xml": Renderer(RenderingSettings(format="xml")),
    "messages": Renderer(RenderingSettings(format="messages")),
    "joined": JoinedTexts(separator=" + "),
    "priced": PricedMessages("one", lambda _: 1),
}


@pytest.mark.parametrize("name", LAYOUTS)
@given(tiers=st.lists(st.sampled_from(MemoryTier), min_size=1, max_size=5))
def test_a_section_that_follows_changes_nothing_before_it(
    name: str, tiers: list[MemoryTier]
) -> None:
    """Also where its tier has a section already; one text may need a separator at its end."""
    layout = LAYOUTS[name]
    sections = [(tier, [item(f"m{place}", tier)]) for place, tier in enumerate(tiers)]
    earlier = ""
    for count in range(1, len(sections) + 1):
        text = layout.write(sections[:count]).text
        assert text.startswith(earlier)
        assert f"text of m{count - 1}" in text[len(earlier) :]
        earlier = text


@pytest.mark.parametrize("name", ["lines", "markdown", "xml", "messages"])
@given(names=st.lists(texts.filter(str.strip), min_size=1, max_size=4))
def test_lines_headings_and_the_rest_are_what_the_whole_measures(
    name: str, names: list[str]
) -> None:
    """In an encoding of OpenAI; what a text begins with is trimmed, except for the least layout."""
    layout, counter = LAYOUTS[name], counter_for_model("gpt-4o")
    items = [MemoryItem(f"m{place}", f"m{text}", "rag") for place, text in enumerate(names)]
    measured = layout.measure(layout.write([(RAG, items)]), counter)
    summed = sum(layout.item_tokens(items, counter)) + layout.fixed_tokens(counter)
    assert measured.needed == summed + layout.opening_tokens(items, counter)[RAG.code]


def test_priced_messages_are_in_the_order_of_the_talk_and_cost_their_price() -> None:
    prices = {"a": 7, "b": 3}
    layout = PricedMessages("prices", lambda one: prices[one.id])
    turns = [item("a", WORKING), item("b", WORKING)]
    assert layout.item_tokens(turns, CHARACTERS) == [7, 3]
    assert layout.order_of(WORKING) is ItemOrder.CHRONOLOGICAL
    written = layout.write([(WORKING, turns)])
    assert written.item_tokens == (7, 3)
    assert layout.measure(written, CHARACTERS) == PromptTokens(used=10, messages=10, needed=10)
    assert layout.measure(layout.write([]), CHARACTERS).needed == 0
