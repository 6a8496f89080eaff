"""A tier whose items stand in two places has two headings, and its limits hold for both.

One character is one token and a heading is five of them.
"""

from __future__ import annotations

from typing import Any

import pytest
from allocators import lettered
from fakes import CharCounter, line

from mba_integrations import MemoryBudgetAllocator, MemoryItem, MemoryTier

HEADING = 5  # "## P\n"


def status(text: str) -> MemoryItem:
    return MemoryItem("now", text, "project", relevance=1.0)  # its line has 3 characters more


ONE_HEADING = HEADING + 20 + 10
TWO_HEADINGS = ONE_HEADING + HEADING


@pytest.mark.parametrize(
    ("settings", "prompt"),
    [
        pytest.param({}, "rule, page, status", id="no-limit"),
        pytest.param(
            {"tier_cap_tokens": {"project": TWO_HEADINGS}}, "rule, page, status", id="cap-for-two"
        ),
        pytest.param(
            {"tier_cap_tokens": {"project": TWO_HEADINGS - 1}}, "status, rule, page", id="cap"
        ),
        pytest.param(
            {
                "borrowing": False,
                "project_memory_pct": ONE_HEADING / 100,
                "rag_memory_pct": 1 - ONE_HEADING / 100,
                "working_memory_pct": 0.0,
                "long_term_memory_pct": 0.0,
            },
            "status, rule, page",
            id="share-without-borrowing",
        ),
    ],
)
def test_what_changes_stands_last_where_its_tier_can_pay_for_a_second_heading(
    settings: dict[str, Any], prompt: str
) -> None:
    allocator = MemoryBudgetAllocator(CharCounter())
    order = ("project", "rag", "working", "long_term")
    allocator.register_workspace(lettered(rendering={"section_order": order}, **settings))
    rule = line("rule", 20, "project", relevance=0.9)
    page = line("page", 20, "rag", relevance=0.8)
    before = allocator.allocate_memory_budget("?", [status("is red.")], "w", 100)
    after = allocator.allocate_memory_budget(
        "?", [status("is off."), rule, page], "w", 100, previous=before
    )
    names = {"now": "status", "rule": "rule", "page": "page"}
    assert ", ".join(names[entry.id] for entry in after.selected) == prompt
    used = sum(after.tiers[tier].used_tokens for tier in MemoryTier)
    assert used == after.used_tokens == len(after.prompt_text)
    project = after.tiers[MemoryTier.PROJECT]
    assert project.used_tokens == (TWO_HEADINGS if prompt.endswith("status") else ONE_HEADING)
