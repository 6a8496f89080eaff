"""Dates stand in the lines of items that cannot be read rightly without them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes import CharCounter
from hypothesis import given
from hypothesis import strategies as st
from strategies import NOW

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, WorkspaceConfig

OLD, NEW = datetime(2026, 1, 5, tzinfo=UTC), datetime(2026, 3, 5, tzinfo=UTC)
WORDS = "The release day is Thursday, merge until noon."
CHANGED = "From now on the release goes out each Tuesday instead of Thursday."
OTHERS = [MemoryItem(f"n{n}", f"Lamp {n} is blue.", "project", created_at=OLD) for n in range(9)]
RELEASE = "On which day is the release, and how long can I merge?"


def items(**keywords: Any) -> list[MemoryItem]:
    old = MemoryItem("old", WORDS, "project", created_at=OLD)
    new = MemoryItem("new", CHANGED, **{"tier": "project", "created_at": NEW, **keywords})
    return [old, new, *OTHERS]


def allocate(query: str, given: list[MemoryItem], budget: int = 400, **settings: Any) -> Allocation:
    allocator = MemoryBudgetAllocator(CharCounter())
    previous = settings.pop("previous", None)
    allocator.register_workspace(WorkspaceConfig(workspace_id="w", **settings))
    return allocator.allocate_memory_budget(query, given, "w", budget, now=NOW, previous=previous)


def dated_lines(allocation: Allocation) -> list[str]:
    return [line for line in allocation.prompt_text.splitlines() if line.startswith("- [20")]


def test_a_newer_statement_and_the_older_one_stand_with_their_dates() -> None:
    allocation = allocate(RELEASE, items())
    assert sorted(dated_lines(allocation)) == [
        f"- [2026-01-05] {WORDS}",
        f"- [2026-03-05] {CHANGED}",
    ]
    assert allocation.used_tokens == len(allocation.prompt_text) <= allocation.budget_tokens
    (new,) = (chosen for chosen in allocation.selected if chosen.id == "new")
    assert new.tokens == len(f"- [2026-03-05] {CHANGED}\n")
    assert (new.content, new.passage) == (CHANGED, None)
    assert new.to_dict()["shortened"] is False


TOLD = [
    MemoryItem("dentist", "Kate went to the dentist.", "long_term", created_at=OLD),
    MemoryItem("bridge", "The bridge by the dentist opened in 1890.", "long_term", created_at=OLD),
    MemoryItem("undated", "The dentist is kind.", "long_term"),
    MemoryItem("said", "I was at the dentist.", "working", created_at=OLD),
]


@pytest.mark.parametrize(
    ("query", "dated"),
    [
        pytest.param("When did Kate go to the dentist?", True, id="when"),
        pytest.param("Wann war Kate beim dentist?", True, id="german"),
        pytest.param("What did Kate do at the dentist last week?", True, id="a-time"),
        pytest.param("Is the dentist kind?", False, id="no-time"),
        pytest.param("What if it hurts when I go to the dentist?", False, id="when-in-a-clause"),
    ],
)
def test_a_question_of_time_shows_dates_of_texts_without_their_own(query: str, dated: bool) -> None:
    expected = ["- [2026-01-05] Kate went to the dentist."] if dated else []
    assert dated_lines(allocate(query, TOLD)) == expected


@pytest.mark.parametrize(
    ("keywords", "settings"),
    [
        pytest.param({"pinned": True}, {}, id="pinned"),
        pytest.param({"group": "g"}, {}, id="grouped"),
        pytest.param({}, {"rendering": {"line_templates": {"project": "{text}!"}}}, id="template"),
    ],
)
def test_lines_stay_where_somebody_else_says_how_they_are_written(
    keywords: dict[str, Any], settings: dict[str, Any]
) -> None:
    text = allocate(RELEASE, items(**keywords), **settings).prompt_text
    assert f"[2026-03-05] {CHANGED}" not in text
    assert CHANGED in text


def test_a_line_stays_as_it_stood_in_the_previous_prompt() -> None:
    plain = allocate("lamp release Thursday Tuesday", items(), 900)
    assert CHANGED in plain.prompt_text
    asked = allocate(RELEASE, items(), 900, previous=plain)
    dated = allocate(RELEASE, items(), 900)
    later = allocate("the Thursday release", items(), 900, previous=dated)
    assert len(dated_lines(dated)) == 2
    assert dated_lines(later) == dated_lines(dated)
    kept = asked.prompt_text[: asked.stable_prefix_tokens]
    assert asked.stable_prefix_tokens > 0
    assert plain.prompt_text.startswith(kept)
    for allocation in (asked, later):
        assert allocation.used_tokens == len(allocation.prompt_text) <= 900


texts = st.sampled_from([WORDS, CHANGED, "Kate went to the dentist.", "Now the lamp is new.", "x"])
times = st.none() | st.integers(0, 60).map(lambda days: OLD + timedelta(days=days))


@given(
    st.lists(st.tuples(texts, times, st.booleans()), max_size=8),
    st.sampled_from([RELEASE, "When did Kate go to the dentist last week?"]),
    st.integers(1, 300),
    st.integers(1, 300),
)
def test_dates_never_break_the_budget(
    told: list[tuple[str, datetime | None, bool]], query: str, budget: int, later: int
) -> None:
    given = [
        MemoryItem(f"m{n}", text, "rag" if rag else "project", created_at=when)
        for n, (text, when, rag) in enumerate(told)
    ]
    first = allocate(query, given, budget)
    second = allocate(RELEASE, given, later, previous=first)
    for allocation in (first, second):
        assert allocation.used_tokens == len(allocation.prompt_text) <= allocation.budget_tokens
