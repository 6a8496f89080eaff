"""One call: the order of its steps, what each takes from the arguments, and what it gives back."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import FrameType
from typing import Any

import pytest
from allocators import NOW, allocator_with, ids, lettered
from fakes import CharCounter, line
from problems import HEADING, problem_of
from repository import ROOT

from mba_integrations import (
    Allocation,
    InputError,
    JoinedTexts,
    MemoryItem,
    MemoryPool,
    MemoryTier,
    WorkspaceConfig,
)
from mba_integrations.core.calls.call import Call, Equipment, tier_allocations
from mba_integrations.core.calls.counters import WorkspaceCounters
from mba_integrations.core.pool.prepared import PreparedPools
from mba_integrations.core.selection.select import select
from mba_integrations.testing import Clock, RecordingLayout

ITEMS = [
    line("a", 20, relevance=0.9),
    line("b", 30, relevance=0.5),
    line("c", 40, "project", relevance=0.7),
    line("d", 900, relevance=0.8),
]


def equipment(**given: Any) -> Equipment:
    parts = {
        "counters": WorkspaceCounters(CharCounter()),
        "prepared": PreparedPools(),
        "embedder": None,
        "reranking": None,
        "clock": Clock(),
    }
    return Equipment(**{**parts, **given})


def call(items: Any = ITEMS, **arguments: Any) -> Call:
    given: dict[str, Any] = {
        "equipment": equipment(),
        "config": lettered(),
        "config_notes": (),
        "query": "?",
        "memories": items,
        "budget_tokens": 100,
        "reserved_tokens": None,
        "query_embedding": None,
        "now": NOW,
        "previous": None,
        "layout": None,
    }
    return Call(**{**given, **arguments})


# The order of the steps


def steps_of(run: Callable[[], object]) -> list[str]:
    """Functions of other rooms that `Call.run`, or a step of it, calls; in order, each once."""
    steps: list[str] = []

    def look(frame: FrameType, event: str, _: object) -> None:
        caller, called = frame.f_back, frame.f_code
        if event != "call" or caller is None or "calls/call.py" not in caller.f_code.co_filename:
            return
        if "calls/" not in called.co_filename and called.co_name not in steps:
            steps.append(called.co_name)

    sys.setprofile(look)
    try:
        run()
    finally:
        sys.setprofile(None)
    return steps


def test_the_page_on_the_architecture_names_the_steps_in_their_order() -> None:
    before = call().run()
    steps = steps_of(call([*ITEMS], previous=before).run)
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    way = page.split("opens the rooms of the core in this order:")[1].split("\n## ")[0]
    named = [name for name in dict.fromkeys(re.findall(r"`(\w+)`", way)) if name in steps]
    assert named == [step for step in steps if step in named]
    assert named == [
        *("estimate_complexity", "plan_budget", "evaluate", "selection_problem"),
        *("carried_over", "follow", "select_with_talk", "shorten"),
    ]


# The candidates


@pytest.mark.parametrize(
    "source",
    [list, tuple, iter, MemoryPool.from_items, lambda items: (item for item in items)],
    ids=["list", "tuple", "iterator", "pool", "generator"],
)
def test_candidates_of_any_source_are_chosen_from_alike(source: Any) -> None:
    assert call(source(ITEMS)).run() == call().run()


@pytest.mark.parametrize("wrong", [None, 7, "items", b"items"], ids=repr)
def test_what_cannot_be_walked_through_is_no_candidates(wrong: Any) -> None:
    with pytest.raises(
        InputError, match=r"^available_memories must be a sequence of MemoryItem or"
    ):
        call(wrong).run()


def test_a_list_that_was_handed_in_before_is_not_prepared_again() -> None:
    lent = equipment()
    first = call(equipment=lent)._snapshot()
    assert call(equipment=lent)._snapshot() is first
    assert call(equipment=equipment())._snapshot() is not first


def test_no_list_is_kept_where_the_workspace_keeps_none() -> None:
    lent, config = equipment(), lettered(performance={"prepared_pools": 0})
    first = call(equipment=lent, config=config)._snapshot()
    assert call(equipment=lent, config=config)._snapshot() is not first


# The layout: a scripted one says what each item and each prompt costs


class Priced(JoinedTexts):
    """Items cost what their ids say, and prompts *extra* more than their items."""

    extra = 0

    def item_tokens(self, items: Sequence[MemoryItem], counter: Any) -> list[int]:
        return [int(item.id[1:]) for item in items]

    def measure(self, written: Any, counter: Any) -> Any:
        told = sum(int(number) for number in re.findall(r"\d+", written.text))
        needed = told + (self.extra if written.text else 0)
        return replace(super().measure(written, counter), used=needed, needed=needed)


def priced(*tokens: int, **fields: Any) -> list[MemoryItem]:
    return [
        MemoryItem(f"m{size}", f"item {size}", "rag", relevance=0.9 - place / 10, **fields)
        for place, size in enumerate(tokens)
    ]


@pytest.mark.parametrize(
    ("tokens", "extra", "budget", "chosen", "used"),
    [
        pytest.param((30, 20, 10), 0, 60, {"m30", "m20", "m10"}, 60, id="all-fit-exactly"),
        pytest.param((30, 20, 10), 0, 59, {"m30", "m20"}, 50, id="one-token-less"),
        pytest.param((30, 20, 10), 9, 60, {"m30", "m20"}, 59, id="the-prompt-costs-more"),
        pytest.param((30, 20, 10), -9, 51, {"m30", "m20", "m10"}, 51, id="the-prompt-costs-less"),
        pytest.param((70,), 0, 60, set(), 0, id="one-too-large"),
        pytest.param((), 0, 60, set(), 0, id="no-items"),
    ],
)
def test_what_the_layout_measures_is_used(
    tokens: tuple[int, ...], extra: int, budget: int, chosen: set[str], used: int
) -> None:
    layout = Priced(name=f"priced{extra}", separator=" ")
    object.__setattr__(layout, "extra", extra)
    allocation = call(priced(*tokens), layout=layout, budget_tokens=budget).run()
    assert set(allocation.selected_ids) == chosen
    assert allocation.used_tokens == used


def test_the_last_prompt_that_was_written_is_the_one_given_back() -> None:
    layout = RecordingLayout(separator="\n")
    allocation = call(layout=layout).run()
    assert layout.written[-1] == allocation.selected_ids
    texts = [item.content for item in ITEMS]
    assert allocation.prompt_text == "\n".join([texts[2], texts[0], texts[1]])


def test_without_a_layout_the_workspace_says_how_prompts_are_written() -> None:
    xml = call(config=lettered(rendering={"format": "xml"}), budget_tokens=200).run()
    assert xml.prompt_text.startswith("<project>\n<item>ccc")
    assert call(budget_tokens=200).run().prompt_text.startswith("## P\n- ccc")


# The prompt before


def outcome(allocation: Allocation) -> tuple[Any, ...]:
    return allocation.prompt_text, allocation.stable_prefix_tokens, allocation.notes


def test_an_allocation_and_its_previous_prompt_are_followed_alike() -> None:
    before = call().run()
    again = call(previous=before).run()
    assert outcome(again) == outcome(call(previous=before.as_previous).run())
    assert again.stable_prefix_tokens == before.used_tokens


@pytest.mark.parametrize(
    ("changed", "note"),
    [
        pytest.param(
            {"config": lettered().with_changes(workspace_id="x")}, "of workspace 'w'", id="another"
        ),
        pytest.param({"layout": JoinedTexts()}, "by another layout", id="layout"),
    ],
)
def test_what_cannot_be_followed_is_told_and_changes_nothing(
    changed: dict[str, Any], note: str
) -> None:
    before = call().run()
    alone, followed = call(**changed).run(), call(previous=before, **changed).run()
    assert followed.prompt_text == alone.prompt_text
    assert followed.stable_prefix_tokens == 0
    assert [note in told for told in followed.notes] == [True]


# Time and notes


def test_the_clock_is_asked_only_without_now() -> None:
    asked: list[datetime] = []

    def clock() -> datetime:
        asked.append(NOW)
        return NOW

    lent = equipment(clock=clock)
    call(equipment=lent).run()
    assert asked == []
    call(equipment=lent, now=None).run()
    assert asked == [NOW]


def test_notes_of_the_settings_are_passed_on() -> None:
    assert "the file is old" in call(config_notes=("the file is old",)).run().notes


def test_ages_are_counted_from_now() -> None:
    old = [line("a", 20, created_at=NOW - timedelta(days=30)), line("b", 20, created_at=NOW)]
    by_age = {"relevance_weight": 0.0, "importance_weight": 0.0, "freshness_weight": 1.0}
    config = lettered(**by_age)
    decided = call(old, config=config).run()
    assert decided.decision("a").freshness < decided.decision("b").freshness == 1.0


# What each tier got


def test_tiers_are_told_by_their_share_use_and_loan() -> None:
    shares = {"working_memory_pct": 0.0, "project_memory_pct": 0.5}
    config: dict[str, Any] = {**shares, "long_term_memory_pct": 0.0, "rag_memory_pct": 0.5}
    items = [line("a", 40), line("b", 40), line("c", 10, "project"), line("d", 500)]
    problem = problem_of(items, 110, **config)
    tiers = tier_allocations(problem, select(problem))
    rag, project = tiers[MemoryTier.RAG], tiers[MemoryTier.PROJECT]
    assert (rag.share_tokens, rag.used_tokens) == (55, 80 + HEADING)
    assert (project.share_tokens, project.used_tokens) == (55, 10 + HEADING)
    assert rag.borrowed_tokens == -project.borrowed_tokens == 30
    assert (rag.selected_count, rag.omitted_count) == (2, 1)
    assert tiers[MemoryTier.WORKING].to_dict() == dict.fromkeys(rag.to_dict(), 0)


def test_counters_are_one_for_each_model_and_size_of_cache() -> None:
    counters = WorkspaceCounters(None)
    small = WorkspaceConfig(workspace_id="a", counting={"cache_entries": 5})
    same = WorkspaceConfig(workspace_id="b", counting={"cache_entries": 5})
    other = WorkspaceConfig(workspace_id="c", counting={"model": "gpt-4", "cache_entries": 5})
    assert counters.of(small) is counters.of(same)
    assert counters.of(small)[0].id != counters.of(other)[0].id
    assert counters.of(small)[1].max_entries == 5
    given = CharCounter()
    assert WorkspaceCounters(given).of(other)[0] is given


def test_a_call_of_the_allocator_is_the_call_with_its_equipment() -> None:
    allocator = allocator_with(lettered())
    assert allocator.allocate_memory_budget("?", ITEMS, "w", 100, now=NOW) == call().run()
    assert ids(call().run()) == list(call().run().selected_ids)
