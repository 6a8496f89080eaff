"""What leaves the prompt as the budget is lowered one token at a time.

One character is one token and a heading is five of them, so each table below can be checked by
hand. A table maps a budget to what is in the prompt from there down to the next budget.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from allocators import lettered
from fakes import CharCounter, line

from mba_integrations import (
    Allocation,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    PinnedOverBudgetError,
)

HEADING = 5  # "## R\n"
REFUSED = "!"  # the pinned items do not fit
EQUAL = dict.fromkeys(
    ("working_memory_pct", "project_memory_pct", "long_term_memory_pct", "rag_memory_pct"), 0.25
)


def checked(allocation: Allocation, budget: int, items: Sequence[MemoryItem]) -> str:
    """Ids in the prompt, after what holds at every budget was checked."""
    text = allocation.prompt_text
    assert len(text) == allocation.used_tokens <= budget == allocation.budget_tokens
    chosen = {entry.id for entry in allocation.selected}
    assert len(allocation.selected) + len(allocation.omitted) == len(items)
    sections = {entry.tier for entry in allocation.selected}
    if allocation.prompt_format == "markdown":
        assert text.count("## ") == len(sections)
    if allocation.prompt_format == "xml":
        opened = {tier for tier in MemoryTier if f"<{tier}>\n" in text}
        closed = {tier for tier in MemoryTier if f"</{tier}>\n" in text}
        assert opened == closed == sections
    if allocation.prompt_format == "messages":
        assert allocation.message_tokens <= budget
    return "".join(item.id for item in items if item.id in chosen)


def disappearance(items: Sequence[MemoryItem], budget: int, **settings: Any) -> dict[int, str]:
    """What is in the prompt, at each budget where that changes on the way down to 1."""
    allocator = MemoryBudgetAllocator(CharCounter())
    allocator.register_workspace(lettered(**settings))
    changes: dict[int, str] = {}
    before = None
    for tokens in range(budget, 0, -1):
        try:
            allocation = allocator.allocate_memory_budget("?", items, "w", tokens)
            now = checked(allocation, tokens, items)
        except PinnedOverBudgetError as error:
            over = error.needed_tokens > error.budget_tokens == tokens
            now = REFUSED if over else f"refused at {tokens} with {error}"
        if now != before:
            changes[tokens] = before = now
    return changes


def test_one_tier_loses_the_least_relevant_first_and_the_heading_with_the_last() -> None:
    items = [
        line("a", 30, relevance=0.9),
        line("b", 30, relevance=0.6),
        line("c", 30, relevance=0.3),
    ]
    assert disappearance(items, 100) == {
        100: "abc",
        HEADING + 89: "ab",
        HEADING + 59: "a",
        HEADING + 29: "",
    }


def test_equal_items_leave_from_the_end_of_the_input() -> None:
    items = [line(name, 10, relevance=0.5) for name in "abcd"]
    assert disappearance(items, 50) == {50: "abcd", 44: "abc", 34: "ab", 24: "a", 14: ""}


def test_items_without_any_value_leave_first_and_come_in_where_there_is_room() -> None:
    items = [line("a", 10, relevance=0.0), line("b", 20, relevance=0.4)]
    assert disappearance(items, 40) == {40: "ab", 34: "b", 24: "a", 14: ""}


def test_four_tiers_keep_their_shares_and_lose_their_headings_with_their_last_item() -> None:
    items = [
        line("w", 15, "working", relevance=0.2),
        line("p", 15, "project", relevance=0.4),
        line("l", 15, "long_term", relevance=0.6),
        line("r", 15, "rag", relevance=0.8),
    ]
    assert disappearance(items, 90, **EQUAL) == {90: "wplr", 79: "plr", 59: "lr", 39: "r", 19: ""}


def test_a_share_protects_a_tier_from_more_relevant_items_of_another() -> None:
    items = [
        line("w", 15, "working", relevance=0.1),
        *(line(name, 20, "rag", relevance=0.9) for name in "abcd"),
    ]
    shares = {**EQUAL, "working_memory_pct": 0.2, "rag_memory_pct": 0.8}
    shares |= {"project_memory_pct": 0.0, "long_term_memory_pct": 0.0}
    # From 100 on, a fifth of the budget holds the line of 15 and its heading.
    assert disappearance(items, 110, **shares) == {
        110: "wabcd",
        104: "wabc",
        99: "abcd",
        84: "abc",
        64: "ab",
        44: "a",
        24: "w",
        19: "",
    }


def test_without_borrowing_each_tier_fits_in_its_own_share() -> None:
    items = [
        line("w", 15, "working", relevance=0.9),
        line("a", 15, "rag", relevance=0.8),
        line("b", 15, "rag", relevance=0.2),
    ]
    # Half of the budget each: the two documents need 35, so 70 in all; a line alone needs 40.
    halves = {"working_memory_pct": 0.5, "rag_memory_pct": 0.5}
    halves |= {"project_memory_pct": 0.0, "long_term_memory_pct": 0.0}
    assert disappearance(items, 80, borrowing=False, **halves) == {80: "wab", 69: "wa", 39: ""}
    assert disappearance(items, 80, borrowing=True, **halves) == {
        80: "wab",
        54: "wa",
        39: "ab",
        34: "w",
        19: "",
    }


def test_a_floor_keeps_a_tier_longer() -> None:
    items = [line("w", 15, "working", relevance=0.1), line("r", 15, "rag", relevance=0.9)]
    # 39 tokens hold one of the two; a floor of 20 holds the less relevant one.
    assert disappearance(items, 45, **EQUAL) == {45: "wr", 39: "r", 19: ""}
    floor = {"tier_floor_tokens": {"working": 20}}
    assert disappearance(items, 45, **EQUAL, **floor) == {45: "wr", 39: "w", 19: ""}


def test_a_cap_keeps_items_out_at_any_budget() -> None:
    items = [line(name, 15, "rag", relevance=0.5) for name in "abc"]
    assert disappearance(items, 90, tier_cap_tokens={"rag": 35}) == {90: "ab", 34: "a", 19: ""}
    assert disappearance(items, 90, tier_cap_tokens={"rag": 0}) == {90: ""}


def test_a_pinned_item_is_the_last_and_then_the_call_is_refused() -> None:
    items = [
        line("p", 20, "project", relevance=0.0, pinned=True),
        line("a", 20, "rag", relevance=0.9),
        line("b", 20, "project", relevance=0.5),
    ]
    assert disappearance(items, 80) == {80: "pab", 69: "pa", 49: "pb", 44: "p", 24: REFUSED}


def test_a_group_leaves_as_a_whole() -> None:
    items = [
        line("c", 10, relevance=0.9, group="call"),
        line("x", 15, relevance=0.5),
        line("r", 20, relevance=0.9, group="call"),
    ]
    assert disappearance(items, 60) == {60: "cxr", 49: "cr", 34: "x", 19: ""}


def test_a_pinned_group_is_refused_as_a_whole() -> None:
    items = [
        line("c", 10, group="call", pinned=True),
        line("x", 15, relevance=0.9),
        line("r", 20, group="call"),
    ]
    assert disappearance(items, 60) == {60: "cxr", 49: "cr", 34: REFUSED}


def test_xml_loses_both_tags_of_a_section_with_its_last_item() -> None:
    items = [
        MemoryItem("a", "aaaaa", "rag", relevance=0.9),
        MemoryItem("b", "bbbbb", "rag", relevance=0.5),
        MemoryItem("w", "wwwww", "working", relevance=0.2),
    ]
    documents = len("<rag>\n</rag>\n")
    turns = len("<working>\n</working>\n")
    item = len("<item>aaaaa</item>\n")
    everything = documents + turns + 3 * item
    assert disappearance(items, everything + 3, rendering={"format": "xml"}) == {
        everything + 3: "abw",
        everything - 1: "ab",
        documents + 2 * item - 1: "a",
        documents + item - 1: "",
    }


def test_messages_count_their_frames() -> None:
    items = [
        MemoryItem("a", "a" * 20, "working", relevance=0.9, metadata={"role": "user"}),
        MemoryItem("b", "b" * 20, "working", relevance=0.5, metadata={"role": "assistant"}),
    ]
    # A message costs three tokens, its role and its text, or its line if that is longer; the
    # reply costs three more. Role and mark: "user" + 3, "Assistant: " + 1.
    user, assistant, reply = 20 + 4 + 3, 20 + 11 + 1, 3
    assert disappearance(items, 80, rendering={"format": "messages"}) == {
        80: "ab",
        user + assistant + reply - 1: "a",
        user + reply - 1: "",
    }


@pytest.mark.parametrize(
    ("prompt_format", "all_fit"), [("markdown", 210), ("xml", 350), ("messages", 250)]
)
@pytest.mark.parametrize("borrowing", [True, False], ids=["borrowing", "strict"])
def test_a_mixed_pool_goes_down_to_nothing(
    prompt_format: str, all_fit: int, borrowing: bool
) -> None:
    tiers = tuple(MemoryTier)
    items = [
        line(
            name,
            8 + 3 * number,
            tiers[number % 4],
            relevance=(number * 7 % 10) / 10,
            group="g" if name in "bf" else None,
            metadata={"role": "user"} if number % 3 else {},
        )
        for number, name in enumerate("abcdefgh")
    ]
    changes = disappearance(
        items, all_fit, borrowing=borrowing, rendering={"format": prompt_format}, **EQUAL
    )
    assert next(iter(changes.values())) == "abcdefgh"
    assert list(changes.values())[-1] == ""
    assert all(("b" in left) == ("f" in left) for left in changes.values())
