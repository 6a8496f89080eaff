"""What a person and a program can read of an allocation afterwards."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes import CharCounter, line
from hypothesis import given
from hypothesis import strategies as st
from strategies import NOW, memories, texts, workspaces

from mba_integrations import (
    Allocation,
    InputError,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryTier,
    WorkspaceConfig,
)

SECRET = "the safe is behind the third painting"


def allocate(items: list[MemoryItem], budget: int = 200, **settings: Any) -> Allocation:
    allocator = MemoryBudgetAllocator(CharCounter())
    allocator.register_workspace(WorkspaceConfig(**{"workspace_id": "w", **settings}))
    return allocator.allocate_memory_budget("What is it?", items, "w", budget, now=NOW)


@pytest.fixture(scope="module")
def mixed() -> Allocation:
    items = [
        line("pin", 30, "project", pinned=True, importance=0.9),
        line("good", 40, relevance=0.9, created_at=datetime(2026, 5, 2, 12, tzinfo=UTC)),
        line("next", 60, relevance=0.2),
        line("huge", 5000, relevance=0.8),
    ]
    return allocate(items, 120, scoring_method="weighted_sum", half_life_days=30)


def test_the_table_names_workspace_query_use_and_gap(mixed: Allocation) -> None:
    summary = mixed.explain().splitlines()[:2]
    assert summary[0] == (
        f"Workspace w, {mixed.complexity.value} query: {mixed.used_tokens} of 120 tokens used "
        f"({mixed.utilisation:.1%}), counted by characters."
    )
    assert summary[1].startswith("2 items selected, 2 omitted; value ")
    assert summary[1].endswith("% below the optimum.")


def test_the_table_has_a_row_for_each_tier_with_its_tokens(mixed: Allocation) -> None:
    rows = {row.split()[0]: row.split() for row in mixed.explain().splitlines()[4:9] if row}
    for tier, usage in mixed.tiers.items():
        borrowed = f"{usage.borrowed_tokens:+}" if usage.borrowed_tokens else "0"
        numbers = [str(usage.share_tokens), borrowed, str(usage.used_tokens)]
        assert rows[tier.value][1:4] == numbers
        counts = [str(usage.selected_count), str(usage.omitted_count)]
        assert rows[tier.value][4:] == counts


def test_each_item_has_one_row_with_its_figures_and_its_reason(mixed: Allocation) -> None:
    table = mixed.explain().splitlines()
    rows = {row.split()[1]: row for row in table if "  " in row and len(row.split()) > 7}
    assert rows["pin"].split()[5] == "pinned"
    assert rows["good"].split()[2:5] == ["40", "78%", "90%"]
    assert "  relevance given 90%; importance 50%; freshness 50%  " in rows["good"]
    assert rows["huge"].split()[2] == "5,000"
    assert rows["huge"].split()[5] == "too_large"
    assert rows["next"].split()[5] == "outranked"
    assert {"pin", "good", "next", "huge"} <= set(rows)


def test_columns_stay_aligned(mixed: Allocation) -> None:
    lines = mixed.explain().splitlines()
    for title in ("Selected", "Omitted"):
        head = lines.index(title) + 1
        starts = [place for place, mark in enumerate(lines[head + 1]) if mark == "-"]
        gaps = [place for place in range(starts[-1]) if place not in starts]
        for row in lines[head : head + 4]:
            assert all(row[place : place + 1] in ("", " ") for place in gaps)


def test_the_best_items_stand_first_in_both_lists(mixed: Allocation) -> None:
    text = mixed.explain()
    assert text.index("huge") < text.index("next")
    assert text.index("good") < text.index("pin")


def test_rows_are_limited_and_the_rest_is_counted() -> None:
    allocation = allocate([line(f"m{number:03}", 20) for number in range(120)], 1300)
    selected, omitted = len(allocation.selected), len(allocation.omitted)
    assert (selected > 50, omitted > 50) == (True, True)
    short = allocation.explain()
    assert f"... and {selected - 50} more" in short
    assert f"... and {omitted - 50} more" in short
    full = allocation.explain(max_rows=None)
    assert all(f"m{number:03}" in full for number in range(120))
    assert "more" not in full


def test_no_rows_still_say_how_many_items_there_are(mixed: Allocation) -> None:
    text = mixed.explain(max_rows=0)
    assert "Selected: 2 not shown" in text
    assert "Omitted: 2 not shown" in text
    with pytest.raises(InputError, match="max_rows must be an integer >= 0, got -1"):
        mixed.explain(max_rows=-1)


def test_nothing_handed_in_is_explained_too() -> None:
    text = allocate([]).explain()
    assert "Selected: none" in text
    assert "Omitted: none" in text


def test_notes_stand_at_the_end() -> None:
    item = line("late", 20, created_at=datetime(2027, 1, 1, tzinfo=UTC))
    last = allocate([item]).explain().split("\n\n")[-1]
    assert last.startswith("Note: 1 items have a created_at after now")


@pytest.mark.parametrize(
    "mark", ["\n", "\r\n", "\u2028", "\x0b", "\x85", "\t", "\x1b[2J", "\x00"], ids=ascii
)
def test_marks_in_ids_and_texts_cannot_break_the_table(mark: str) -> None:
    plain = allocate([MemoryItem("a b", "x y", "rag"), MemoryItem("c", "z" * 900, "rag")])
    broken = allocate(
        [MemoryItem(f"a{mark}b", f"x{mark}y", "rag"), MemoryItem("c", "z" * 900, "rag")]
    )
    text = broken.explain()
    assert len(text.splitlines()) == len(plain.explain().splitlines())
    assert "\x1b" not in text
    assert "\x00" not in text


@given(memories(), workspaces(), st.integers(1, 250), texts)
def test_the_table_has_a_line_for_each_item_whatever_it_holds(
    items: list[MemoryItem], config: WorkspaceConfig, budget: int, workspace_id: str
) -> None:
    loose = [
        MemoryItem(item.content + item.id, item.content, item.tier, relevance=item.relevance)
        for item in items
    ]
    named = config.model_copy(update={"workspace_id": workspace_id})
    allocator = MemoryBudgetAllocator(CharCounter())
    allocator.register_workspace(named)
    allocation = allocator.allocate_memory_budget("?", loose, workspace_id, budget, now=NOW)
    lists = sum(3 if part else 1 for part in (allocation.selected, allocation.omitted))
    tiers, summary, blanks = 2 + len(MemoryTier), 2, 3
    expected = summary + tiers + lists + len(loose) + blanks + 2 * len(allocation.notes)
    assert len(allocation.explain(max_rows=None).splitlines()) == expected


def test_the_dictionary_is_versioned_and_survives_json(mixed: Allocation) -> None:
    plain = mixed.to_dict()
    assert plain["schema_version"] == 1
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


@given(memories(), workspaces(), st.integers(1, 250))
def test_the_dictionary_accounts_for_every_item(
    items: list[MemoryItem], config: WorkspaceConfig, budget: int
) -> None:
    allocator = MemoryBudgetAllocator(CharCounter())
    allocator.register_workspace(config)
    free = [MemoryItem(item.id, item.content, item.tier) for item in items]
    plain = allocator.allocate_memory_budget("?", free, "w", budget, now=NOW).to_dict()
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain
    decided = [entry["id"] for entry in (*plain["selected"], *plain["omitted"])]
    assert sorted(decided) == sorted(item.id for item in items)
    assert all(entry["reason"] and entry["detail"] for entry in plain["omitted"])
    counted = [plain["tiers"][tier.value] for tier in MemoryTier]
    assert sum(tier["selected_count"] for tier in counted) == len(plain["selected"])
    assert sum(tier["omitted_count"] for tier in counted) == len(plain["omitted"])


def test_text_can_be_left_out_of_the_dictionary() -> None:
    items = [
        MemoryItem("in", SECRET, "project", pinned=True, metadata={"note": SECRET}),
        MemoryItem("out", SECRET * 30, "rag"),
    ]
    allocation = allocate(items)
    assert SECRET not in json.dumps(allocation.to_dict(include_text=False))
    assert "What is it?" not in json.dumps(allocation.to_dict(include_text=False))
    with_text = allocation.to_dict(include_text=True)
    assert with_text["prompt_text"] == allocation.prompt_text
    assert all("content" not in entry for entry in with_text["selected"])


def test_the_dictionary_of_an_item_has_its_figures(mixed: Allocation) -> None:
    (good,) = (entry for entry in mixed.to_dict()["selected"] if entry["id"] == "good")
    freshness, score = good.pop("freshness"), good.pop("score")
    assert (round(freshness, 9), round(score, 9)) == (0.5, 0.78)
    assert good == {
        "id": "good",
        "tier": "rag",
        "tokens": 40,
        "relevance": 0.9,
        "importance": 0.5,
        "signals": [
            {"kind": "given", "strength": 0.9, "of": []},
            {"kind": "importance", "strength": 0.5, "of": []},
            {"kind": "freshness", "strength": 0.5, "of": []},
        ],
        "pinned": False,
        "shortened": False,
    }


def test_a_member_of_a_pinned_group_is_shown_as_pinned() -> None:
    items = [line("a", 20, group="g", pinned=True), line("b", 20, group="g"), line("c", 20)]
    pinned = {entry.id: entry.pinned for entry in allocate(items).selected}
    assert pinned == {"a": True, "b": True, "c": False}


@pytest.mark.parametrize(
    ("name", "detail"),
    [
        pytest.param("low", "its score 0.100 is below min_score 0.300", id="below-threshold"),
        pytest.param("none", "the workspace gives tier working no tokens", id="tier-excluded"),
        pytest.param("huge", "it needs 500 tokens, more than it could have alone", id="too-large"),
        pytest.param("next", "other items are worth more for its 60 tokens", id="outranked"),
    ],
)
def test_an_omission_says_why_with_its_numbers(name: str, detail: str) -> None:
    items = [
        line("low", 20, relevance=0.1),
        line("none", 20, "working", relevance=0.9),
        line("huge", 500, relevance=0.9),
        line("good", 60, relevance=0.9),
        line("next", 60, relevance=0.4),
    ]
    weights = {"relevance_weight": 1.0, "importance_weight": 0.0, "freshness_weight": 0.0}
    allocation = allocate(
        items,
        120,
        scoring_method="weighted_sum",
        min_score=0.3,
        tier_cap_tokens={"working": 0},
        **weights,
    )
    decision = allocation.decision(name)
    assert getattr(decision, "detail", None) == detail


def test_a_decision_on_an_unknown_item_is_an_error(mixed: Allocation) -> None:
    with pytest.raises(InputError, match="no item 'nobody' was handed in"):
        mixed.decision("nobody")
