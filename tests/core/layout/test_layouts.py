"""Prompts that something else writes: joined texts, and a layout of a caller's own."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from mba_integrations import MemoryBudgetAllocator, MemoryItem, MemoryTier, PinnedOverBudgetError
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.layout.priced_messages import PricedMessages
from mba_integrations.core.layout.protocol import PromptTokens, Section, WrittenPrompt


def words(text: str) -> int:
    return len(text.split())


def document(name: str, words: int, **settings: object) -> MemoryItem:
    return MemoryItem(name, " ".join([name] * words), "rag", **settings)  # type: ignore[arg-type]


DOCUMENTS = [document("oak", 5), document("elm", 4), document("fir", 3)]


@pytest.mark.parametrize(
    ("budget", "texts"),
    [
        pytest.param(12, 3, id="all-fit"),
        pytest.param(11, 2, id="one-under"),
        pytest.param(2, 0, id="none"),
    ],
)
def test_joined_texts_have_neither_headings_nor_marks(budget: int, texts: int) -> None:
    allocator = MemoryBudgetAllocator(token_counter=words)
    allocation = allocator.allocate_memory_budget(
        "oak", DOCUMENTS, budget_tokens=budget, layout=JoinedTexts()
    )
    parts = [selected.content for selected in allocation.selected]
    assert allocation.prompt_text == "\n\n".join(parts)
    assert len(parts) == texts
    assert allocation.used_tokens == len(allocation.prompt_text.split()) <= budget


def test_what_stands_around_joined_texts_is_within_the_budget() -> None:
    allocator = MemoryBudgetAllocator(token_counter=words)
    layout = JoinedTexts(before="Context is below.\n", after="\nAnswer now.")
    allocation = allocator.allocate_memory_budget("oak", DOCUMENTS, budget_tokens=14, layout=layout)
    whole = layout.before + allocation.prompt_text + layout.after
    assert len(whole.split()) == allocation.used_tokens + 5 <= 14
    assert len(allocation.selected) == 2


class TenEach(JoinedTexts):
    """Stands for messages with a cost of their own: ten tokens each, and three around them all."""

    @property
    def id(self) -> str:
        return "priced"

    def item_tokens(self, items: Sequence[MemoryItem], counter: TokenCounter) -> list[int]:
        return [10] * len(items)

    def fixed_tokens(self, counter: TokenCounter) -> int:
        return 3

    def write(self, sections: Sequence[Section]) -> WrittenPrompt:
        contents = [item.content for _, items in sections for item in items]
        messages = tuple({"role": "user", "content": content} for content in contents)
        return WrittenPrompt(text="".join(contents), messages=messages)

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        tokens = 10 * len(written.messages) + 3 if written.messages else 0
        return PromptTokens(used=tokens, messages=tokens, needed=tokens)


@pytest.mark.parametrize(
    ("budget", "messages"), [(33, 3), (32, 2), (23, 2), (22, 1), (13, 1), (12, 0)]
)
def test_a_layout_decides_what_items_cost(budget: int, messages: int) -> None:
    allocator = MemoryBudgetAllocator(token_counter=words)
    allocation = allocator.allocate_memory_budget(
        "oak", DOCUMENTS, budget_tokens=budget, layout=TenEach()
    )
    assert len(allocation.to_messages()) == messages
    assert allocation.used_tokens == (10 * messages + 3 if messages else 0)
    assert allocation.tiers[MemoryTier.RAG].used_tokens == 10 * messages


def test_pins_are_measured_by_the_layout() -> None:
    allocator = MemoryBudgetAllocator(token_counter=words)
    pinned = [document("ash", 1, pinned=True)]
    with pytest.raises(PinnedOverBudgetError, match="needs 13 tokens"):
        allocator.allocate_memory_budget("ash", pinned, budget_tokens=12, layout=TenEach())


def test_layouts_of_other_ids_are_counted_apart() -> None:
    allocator = MemoryBudgetAllocator(token_counter=words)
    plain = allocator.allocate_memory_budget("oak", DOCUMENTS, budget_tokens=99)
    joined = allocator.allocate_memory_budget(
        "oak", DOCUMENTS, budget_tokens=99, layout=JoinedTexts()
    )
    assert (plain.used_tokens, joined.used_tokens) == (2 + 15, 12)


@pytest.mark.parametrize(("budget", "chosen"), [(12, "oak elm fir"), (11, "oak elm"), (4, "elm")])
def test_priced_messages_cost_what_is_said(budget: int, chosen: str) -> None:
    prices = {"oak": 5, "elm": 4, "fir": 3}
    allocator = MemoryBudgetAllocator(token_counter=words)
    turns = [
        MemoryItem(name, f"{name} tree", "working", position=place, importance=1 - place / 4)
        for place, name in enumerate(prices)
    ]
    layout = PricedMessages("prices", lambda item: prices[item.id])
    allocation = allocator.allocate_memory_budget("", turns, budget_tokens=budget, layout=layout)
    ids = list(allocation.selected_ids)
    assert ids == [selected.id for selected in allocation.selected]
    assert allocation.to_messages() == []
    assert allocation.used_tokens == sum(prices[name] for name in ids) <= budget
    assert ids == chosen.split()
