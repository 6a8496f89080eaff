"""What of a talk stays together, and what comes in before others are chosen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from fakes import CharCounter
from hypothesis import assume, given
from hypothesis import strategies as st
from problems import problem_of

from mba_integrations import MemoryBudgetAllocator, MemoryItem, WorkspaceConfig
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.select import select

LINE = len("- \n")


def said(number: int, role: str, tokens: int, **fields: object) -> MemoryItem:
    """An item of the talk whose line has so many tokens, by characters."""
    metadata = fields.pop("metadata", {})
    return MemoryItem(
        f"m{number}",
        "x" * (tokens - LINE),
        "working",
        source="chat",
        position=number,
        metadata={"role": role, **metadata},  # type: ignore[dict-item]
        **fields,  # type: ignore[arg-type]
    )


def call(number: int, tokens: int, call_id: str) -> MemoryItem:
    calls = [{"id": call_id, "name": "look"}]
    return said(number, "assistant", tokens, metadata={"tool_calls": calls})


def result(number: int, tokens: int, call_id: str) -> MemoryItem:
    return said(number, "tool", tokens, metadata={"tool_call_id": call_id})


def problem(items: list[MemoryItem], budget: int, share: float = 0.0) -> SelectionProblem:
    made = problem_of(items, budget)
    return made if not share else with_share(made, share)


def with_share(made: SelectionProblem, share: float) -> SelectionProblem:
    return replace(made, recent_share=share).with_plan(made.plan)


def together(made: SelectionProblem) -> list[list[int]]:
    """Rows of the units that have several."""
    units = made.units
    rows = [np.flatnonzero(units.unit_of == unit).tolist() for unit in range(len(units))]
    return [of_unit for of_unit in rows if len(of_unit) > 1]


EXAMPLE = [
    said(0, "user", 20),
    said(1, "assistant", 30),
    said(2, "user", 40),
    call(3, 90, "a"),
    result(4, 50, "a"),
    said(5, "user", 30),
    said(6, "assistant", 120),
]


def test_the_worked_example() -> None:
    made = problem(EXAMPLE, 1_100, 0.25)
    assert together(made) == [[0, 1], [3, 4], [5, 6]]
    assert made.units.rows(made.recent).tolist() == [5, 6]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        pytest.param(44, [[0, 1]], id="exactly-small"),
        pytest.param(45, [], id="one-token-more"),
    ],
)
def test_an_exchange_is_whole_up_to_a_bound(answer: int, expected: list[list[int]]) -> None:
    talk = [said(0, "user", 20), said(1, "assistant", answer), said(2, "user", 9)]
    assert together(problem(talk, 500)) == expected


def test_an_exchange_that_does_not_fit_beside_the_pins_comes_in_parts() -> None:
    pin = MemoryItem("p", "p" * 60, "rag", pinned=True)
    talk = [said(0, "user", 20), said(1, "assistant", 20)]
    assert together(problem([*talk, pin], 200)) == [[0, 1]]
    assert together(problem([*talk, pin], 100)) == []


@pytest.mark.parametrize(
    ("groups", "expected"),
    [
        pytest.param({1: "g", 2: "g"}, [[0, 1, 2, 3]], id="a-group-within-is-a-part"),
        pytest.param({3: "g", 4: "g"}, [[0, 1, 2], [3, 4]], id="one-that-goes-beyond-stays"),
        pytest.param({0: "g", 5: "g"}, [[0, 5], [1, 2, 3]], id="one-with-an-item-that-is-no-talk"),
    ],
)
def test_groups_of_the_caller_stay(groups: dict[int, str], expected: list[list[int]]) -> None:
    roles = ["user", "assistant", "assistant", "assistant", "user", "elf"]
    talk = [said(n, role, 9, group=groups.get(n)) for n, role in enumerate(roles[:5])]
    fact = MemoryItem("f", "fact", "working", group=groups.get(5))
    assert together(problem([*talk, fact], 500)) == expected


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({}, [[1, 2, 3]], id="free"),
        pytest.param({"pinned": True}, [], id="a-pinned-result"),
        pytest.param({"group": "g"}, [[2, 4]], id="a-result-in-a-group-of-the-caller"),
    ],
)
def test_a_round_is_whole_unless_a_pin_or_a_group_cuts_it(
    fields: dict[str, object], expected: list[list[int]]
) -> None:
    calls = [{"id": one, "name": "look"} for one in ("a", "b")]
    talk = [
        said(0, "user", 200),
        said(1, "assistant", 9, metadata={"tool_calls": calls}),
        said(2, "tool", 9, metadata={"tool_call_id": "b"}, **fields),
        said(3, "tool", 9, metadata={"tool_call_id": "a"}),
        said(4, "user", 9, group=fields.get("group")),
    ]
    assert together(problem(talk, 900)) == expected


def test_a_pinned_question_pulls_nothing_in() -> None:
    talk = [said(0, "user", 20, pinned=True), said(1, "assistant", 9), said(2, "assistant", 9)]
    made = problem(talk, 500, 1.0)
    assert together(made) == [[1, 2]]
    assert made.units.pinned.tolist() == [True, False]


def test_a_talk_without_roles_is_not_cut() -> None:
    talk = [MemoryItem(f"m{n}", f"Kate: text {n}", "working", position=n) for n in range(6)]
    made = problem(talk, 500, 1.0)
    assert (together(made), len(made.recent)) == ([], 0)


@pytest.mark.parametrize(
    ("budget", "first"),
    [
        pytest.param(300, True, id="its-share-holds-it"),
        pytest.param(299, False, id="one-token-less"),
    ],
)
def test_the_newest_exchange_has_a_share_of_what_is_beyond_a_hundred(
    budget: int, first: bool
) -> None:
    talk = [said(0, "user", 9), said(1, "assistant", 9), said(2, "user", 20), said(3, "ai", 80)]
    made = problem(talk, budget, 0.5)
    assert (made.units.rows(made.recent).tolist() == [2, 3]) is first
    assert ([2, 3] in together(made)) is first


def test_without_borrowing_its_tier_has_to_hold_it() -> None:
    talk = [said(0, "user", 20), said(1, "assistant", 80)]
    narrow = problem_of(talk, 600, borrowing=False, working_memory_pct=0.1, project_memory_pct=0.4)
    assert len(with_share(narrow, 1.0).recent) == 0


def allocated(items: list[MemoryItem], budget: int, **settings: object) -> set[str]:
    allocator = MemoryBudgetAllocator(token_counter=CharCounter())
    config = WorkspaceConfig(workspace_id="w", **settings)  # type: ignore[arg-type]
    allocator.register_workspace(config)
    allocation = allocator.allocate_memory_budget("tram to the harbour", items, "w", budget)
    assert allocation.used_tokens <= budget
    return {item.id for item in allocation.selected}


def test_the_newest_exchange_is_in_the_prompt_whatever_is_asked() -> None:
    facts = [MemoryItem(f"f{n}", f"the tram to the harbour, line {n}", "rag") for n in range(40)]
    talk = [said(n, role, 30) for n, role in enumerate(["user", "assistant"] * 20)]
    newest = {"m38", "m39"}
    assert newest <= allocated([*talk, *facts], 600)
    assert not newest & allocated([*talk, *facts], 600, recent_share=0.0)


@st.composite
def talks(draw: st.DrawFn) -> list[MemoryItem]:
    items: list[MemoryItem] = []
    for number in range(draw(st.integers(0, 14))):
        role = draw(st.sampled_from(["user", "assistant", "tool", "elf", "system"]))
        tokens = draw(st.integers(4, 90))
        group = draw(st.sampled_from([None, None, None, "g", "h"]))
        pinned = draw(st.integers(0, 9)) == 0
        items.append(said(number, role, tokens, group=group, pinned=pinned))
    return items


@given(talks(), st.integers(60, 900), st.sampled_from([0.0, 0.25, 1.0]))
def test_small_exchanges_and_groups_are_whole_or_out(
    items: list[MemoryItem], budget: int, share: float
) -> None:
    held = sum(len(item.content) + LINE for item in items if item.pinned or item.group)
    assume(held + 80 <= budget)
    made = with_share(problem_of(items, budget), share)
    selection = select(made)
    chosen = set(selection.prompt.rows.tolist())
    for rows in together(made):
        assert len(chosen & set(rows)) in (0, len(rows))
    for name in ("g", "h"):
        assert len({row in chosen for row, item in enumerate(items) if item.group == name}) <= 1
    assert set(made.units.rows(made.recent).tolist()) <= chosen
    assert selection.tokens.needed <= budget
