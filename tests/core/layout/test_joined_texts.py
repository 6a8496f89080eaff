"""Joined texts are within the budget however they are counted: as one text, and in pieces."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mba_integrations import MemoryBudgetAllocator, MemoryItem, MemoryTier, counter_for_model
from mba_integrations.core.config.settings import ItemOrder
from mba_integrations.core.counting.given_counters import as_token_counter
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.joined_texts import JoinedTexts

COUNTERS: dict[str, Callable[[str], int]] = {
    "o200k": counter_for_model("gpt-4o").count,
    "cl100k": counter_for_model("gpt-4").count,
    "words": lambda text: len(text.split()),
    "something-for-nothing": lambda text: 2 + len(text.split()),
    "joins-are-dear": lambda text: len(text.split()) ** 2,
    "joins-are-free": lambda text: int(len(text) ** 0.5),
    "constant": lambda text: 3,
    "every-seventh-is-long": lambda text: 1000 if len(text) % 7 == 0 else len(text.split()),
}
# Pieces that merge across a join, in one encoding or the other, and pieces that do not.
PIECES = [
    "docu",
    "mentation",
    "a",
    "/b",
    "\n",
    "\n\n",
    " ",
    "'s",
    "un",
    "believ",
    "able",
    "12",
    "3",
]
pieces = st.lists(st.sampled_from(PIECES), max_size=4).map("".join)
contents = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)


@settings(max_examples=200, deadline=None)
@given(
    counter=st.sampled_from(sorted(COUNTERS)),
    texts=st.lists(contents.filter(str.strip), min_size=1, max_size=4),
    before=pieces,
    separator=pieces,
    after=pieces,
    budget=st.integers(1, 20),
)
@example("o200k", ["docu"], "", "\n\n", "mentation", 1)
@example("o200k", ["docu"], "", "\n\n", "mentation", 2)
@example("words", ["a"], "docu", "", "mentation", 2)
def test_the_whole_and_its_pieces_are_within_the_budget(
    counter: str, texts: list[str], before: str, separator: str, after: str, budget: int
) -> None:
    count = COUNTERS[counter]
    layout = JoinedTexts(before=before, separator=separator, after=after)
    items = [MemoryItem(f"m{place}", text, "rag") for place, text in enumerate(texts)]
    found = MemoryBudgetAllocator(count).allocate_memory_budget(
        "docu", items, budget_tokens=budget, layout=layout
    )
    joined = separator.join(selected.item.content for selected in found.selected)
    assert found.prompt_text == joined
    if not joined:
        return
    assert found.used_tokens == count(joined)
    around = [part for part in (before, after) if part]
    assert sum(map(count, [joined, *around])) <= budget
    if around:
        assert count(before + joined + after) <= budget


@pytest.mark.parametrize(
    ("text", "before", "after", "needed"),
    [
        pytest.param("docu", "", "mentation", 3, id="less-as-one-text"),
        pytest.param("the", "", "self", 3, id="more-as-one-text"),
        pytest.param("the", "the", "", 2, id="as-much"),
        pytest.param("docu", "", "", 2, id="nothing-around"),
        pytest.param("", "before", "after", 0, id="no-text-needs-nothing"),
    ],
)
def test_what_is_needed_is_the_more_of_the_two_counts(
    text: str, before: str, after: str, needed: int
) -> None:
    counter = counter_for_model("gpt-4o")
    layout = JoinedTexts(before=before, after=after)
    sections = [(MemoryItem("m", "x", "rag").tier, [MemoryItem("m", text, "rag")])] if text else []
    measured = layout.measure(layout.write(sections), counter)
    assert measured.needed == needed
    assert measured.used == counter.count(text)


def test_nothing_around_costs_nothing_even_where_no_text_is_some_tokens() -> None:
    dear = as_token_counter(lambda text: 5 + len(text))
    assert JoinedTexts().fixed_tokens(dear) == 0
    assert JoinedTexts(after="abc").fixed_tokens(dear) == 8


def letters(text: str) -> int:
    return len(text)


NO_TEXT: Sequence[Any] = (None, 3, b"bytes", ["list"])


@pytest.mark.parametrize("value", NO_TEXT)
@pytest.mark.parametrize("name", ["name", "separator", "before", "after"])
def test_an_argument_that_is_no_text_is_named(name: str, value: object) -> None:
    with pytest.raises(InputError, match=f"^{name} must be a text, got "):
        JoinedTexts(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", NO_TEXT)
def test_a_text_of_an_item_that_is_none_is_named_with_the_item(value: object) -> None:
    layout = JoinedTexts(text_of=lambda _: value)  # type: ignore[arg-type, return-value]
    items = [MemoryItem("oak", "text", "rag")]
    with pytest.raises(InputError, match="text_of must give a text for 'oak', got "):
        MemoryBudgetAllocator(letters).allocate_memory_budget("?", items, layout=layout)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        pytest.param({"text_of": 3}, "text_of must be callable, got 3", id="function"),
        pytest.param({"order": "sideways"}, "order must be one of value, ", id="order"),
        pytest.param(
            {"order": ["value"]}, r"order must be one of value, .* got \['value'\]", id="l"
        ),
        pytest.param({"section_order": ()}, "section_order must name every tier once", id="none"),
        pytest.param({"section_order": ("rag",)}, "section_order must name every", id="one"),
        pytest.param({"section_order": [*MemoryTier, 3]}, "section_order must name", id="more"),
        pytest.param({"section_order": 3}, "section_order must be tiers, got int", id="number"),
        pytest.param({"section_order": ["x"] * 4}, "section_order must name every", id="unknown"),
    ],
)
def test_other_arguments_are_named_as_well(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        JoinedTexts(**fields)


def test_names_of_orders_and_tiers_are_taken_as_such() -> None:
    order: Any = "input"
    tiers: Any = ["rag", "working", "project", "long_term"]
    named = JoinedTexts(order=order, section_order=tiers)
    assert named.section_order[0] is MemoryTier.RAG
    assert named.order_of(MemoryTier.RAG) is ItemOrder.INPUT
