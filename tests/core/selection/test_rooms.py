"""What is left beside pins and what is kept, which round follows, and that nothing changes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fakes import line
from hypothesis import given
from hypothesis import strategies as st
from problems import HEADING, problem_of

from mba_integrations import MemoryItem, PinnedOverBudgetError
from mba_integrations.core.model import REASONS, TIERS, MemoryTier, OmissionReason
from mba_integrations.core.selection.continuation import NOTHING_BEFORE, Continuation
from mba_integrations.core.selection.draft import drop_until_fits, write_draft
from mba_integrations.core.selection.fitting import pack_to_fit, round_after, round_without
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.room import omission_codes, room_beside, room_of_pins
from mba_integrations.core.selection.select import Selection, packed, select


def order(problem: SelectionProblem, selection: Selection) -> str:
    return "".join(problem.snapshot.items[row].id for row in selection.prompt.rows.tolist())


SHARES = {
    "working_memory_pct": 0.0,
    "project_memory_pct": 0.4,
    "long_term_memory_pct": 0.0,
    "rag_memory_pct": 0.6,
}
WORKED = [
    line("a", 20, pinned=True),
    line("b", 30),
    line("c", 50),
    line("d", 10, "project"),
    line("e", 85, "project"),
]


def test_the_room_beside_a_pin_is_that_of_the_worked_example() -> None:
    problem = problem_of(WORKED, 100, **SHARES)
    room = room_of_pins(problem)
    assert (room.forced.tolist(), room.forced_tokens, room.total) == ([0], 25, 75)
    left = dict(zip(TIERS, room.tier_tokens.tolist(), strict=True))
    assert left[MemoryTier.RAG] == pytest.approx(35)
    assert left[MemoryTier.PROJECT] == pytest.approx(40)
    assert room.opening[[MemoryTier.RAG.code, MemoryTier.PROJECT.code]].tolist() == [0, 5]
    codes = omission_codes(problem, room)
    assert [REASONS[code].value for code in codes.tolist()[1:]] == [
        "outranked",
        "outranked",
        "outranked",
        "too_large",
    ]


def test_the_selection_of_the_worked_example() -> None:
    said_twice = [("b", "the key is under the mat", 0.8), ("c", "the key is under the mat", 0.8)]
    items = [
        line("a", 20),
        *(MemoryItem(name, text + "!" * (27 - len(text)), "rag") for name, text, _ in said_twice),
        line("d", 90),
        line("e", 10),
    ]
    scores = [0.9, 0.8, 0.8, 0.9, 0.2]
    small = problem_of(items, 75, scores, duplicate_threshold=0.9)
    selection = select(small)
    assert sorted(order(small, selection)) == ["a", "b", "e"]
    assert selection.value == pytest.approx(1.9)
    assert selection.tokens.used == 65
    large = problem_of(items, 105, scores, duplicate_threshold=0.9)
    selection = select(large)
    assert sorted(order(large, selection)) == ["a", "b", "e"]
    assert REASONS[selection.reason[2]] is OmissionReason.DUPLICATE
    assert REASONS[selection.reason[3]] is OmissionReason.OUTRANKED
    assert sorted(order(large, select(problem_of(items, 105, scores)))) == ["a", "b", "c", "e"]


def test_what_is_kept_takes_its_tokens_and_its_headings() -> None:
    items = [line("a", 20), line("b", 20, "project"), line("c", 20), line("p", 20, pinned=True)]
    problem = problem_of(items, 200)
    kept = Continuation(beginning=(0, 1), opens=(True, True), ahead=(0, 1))
    room = room_beside(problem, kept)
    assert room is not None
    # Three items, the headings of the beginning, and one more for the pin behind it.
    assert room.forced.tolist() == [0, 1, 3]
    assert room.forced_tokens == 3 * 20 + 3 * HEADING
    assert room.opening[[MemoryTier.RAG.code, MemoryTier.PROJECT.code]].tolist() == [0, 0]
    # Where the beginning ends in the pin's tier, the section goes on.
    ends_there = room_beside(problem, kept.cut(1))
    assert ends_there is not None
    assert ends_there.forced_tokens == 2 * 20 + HEADING


def test_a_beginning_over_the_budget_has_no_room_and_is_let_go() -> None:
    items = [line("a", 20), line("b", 20)]
    problem = problem_of(items, 30)
    kept = Continuation(beginning=(0, 1), opens=(True, False), ahead=(0, 1))
    assert room_beside(problem, kept) is None
    first = round_after(problem, kept, np.ones(2, dtype=bool))
    assert first.continuation == kept.cut(0)
    assert first.room.total == 30
    assert select(problem, kept).continuation.beginning == ()


def test_the_next_round_ends_the_beginning_before_what_goes() -> None:
    items = [line(name, 20) for name in "abcd"]
    problem = problem_of(items, 200)
    kept = Continuation(beginning=(2, 0, 1), opens=(True, False, False), ahead=(2, 0, 1))
    first = round_after(problem, kept, np.ones(4, dtype=bool))
    assert first.is_open.tolist() == [False, False, False, True]
    following = round_without(problem, first, [0])
    assert following.continuation.beginning == (2,)
    assert following.is_open.tolist() == [False, True, False, True]
    assert following.room.forced.tolist() == [2]
    assert first.is_open.tolist() == [False, False, False, True]
    assert first.continuation.beginning == (2, 0, 1)


def test_the_next_round_keeps_all_where_nothing_kept_goes() -> None:
    items = [line(name, 20) for name in "abc"]
    problem = problem_of(items, 200)
    kept = Continuation(beginning=(0,), opens=(True,))
    first = round_after(problem, kept, np.ones(3, dtype=bool))
    following = round_without(problem, first, [2])
    assert following.room is first.room
    assert first.is_open.tolist() == [False, True, True]
    assert following.is_open.tolist() == [False, True, False]


def test_closed_rows_are_not_open_but_come_in_again_without_the_continuation() -> None:
    items = [line("a", 20), line("b", 20)]
    problem = problem_of(items, 200)
    closed = Continuation(beginning=(1,), opens=(True,), closed=np.array([0]))
    assert order(problem, select(problem, closed)) == "b"
    assert sorted(order(problem, select(problem))) == ["a", "b"]


def test_items_go_from_the_largest_until_the_draft_fits() -> None:
    items = [line("a", 10), line("b", 40), line("c", 30), line("p", 50, pinned=True)]
    problem = problem_of(items, HEADING + 65)
    every = write_draft(problem, np.arange(4), NOTHING_BEFORE)
    draft, dropped = drop_until_fits(problem, every)
    assert (draft.rows.tolist(), dropped) == ([0, 3], 2)
    with pytest.raises(PinnedOverBudgetError):
        drop_until_fits(problem_of(items, 40), every)


def test_of_drafts_that_fit_the_most_valuable_is_taken_and_the_first_packing_bounds() -> None:
    problem = problem_of([line(name, 20) for name in "abcd"], 70)
    begin = round_after(
        problem,
        NOTHING_BEFORE,
        np.ones(4, dtype=bool),
        beside_pins=room_of_pins(problem),
    )
    fitted = pack_to_fit(problem, begin)
    assert len(fitted.rows) == 3
    assert fitted.draft.needed == HEADING + 60
    assert fitted.packing.value == pytest.approx(1.5)


def best_by_force(tokens: Sequence[int], values: Sequence[float], budget: int) -> float:
    """The slow way: every subset of one section."""
    best = 0.0
    for chosen in range(1, 2 ** len(tokens)):
        rows = [row for row in range(len(tokens)) if chosen >> row & 1]
        if HEADING + sum(tokens[row] for row in rows) <= budget:
            best = max(best, sum(values[row] for row in rows))
    return best


sizes = st.lists(st.tuples(st.integers(4, 30), st.floats(0.0, 1.0)), max_size=9)


@given(sizes, st.integers(1, 150))
def test_a_selection_of_one_tier_is_the_best_of_all_subsets(
    entries: list[tuple[int, float]], budget: int
) -> None:
    tokens, values = [size for size, _ in entries], [value for _, value in entries]
    items = [line(f"m{row}", size) for row, size in enumerate(tokens)]
    problem = problem_of(items, budget, values)
    selection = select(problem)
    best = best_by_force(tokens, values, budget)
    assert selection.value == pytest.approx(best, abs=1e-9)
    assert selection.upper_bound >= best - 1e-9
    assert packed(problem, NOTHING_BEFORE).rows.tolist() == sorted(selection.prompt.rows.tolist())


@st.composite
def followed(draw: st.DrawFn) -> tuple[SelectionProblem, Continuation]:
    entries = draw(sizes.filter(bool))
    texts = st.sampled_from(["the key is under the mat", "a cat and a dog sleep here", "x"])
    items = [
        MemoryItem(
            f"m{row}",
            draw(texts) + "." * size,
            draw(st.sampled_from(MemoryTier)),
            pinned=row < 2 and draw(st.booleans()),  # two always fit
        )
        for row, (size, _) in enumerate(entries)
    ]
    problem = problem_of(
        items,
        draw(st.integers(200, 500)),
        [value for _, value in entries],
        duplicate_threshold=0.8,
        min_score=draw(st.sampled_from([0.0, 0.2])),
    )
    rows = draw(st.permutations(range(len(items))))
    ahead = tuple(rows[: draw(st.integers(0, len(rows)))])
    count = draw(st.integers(0, len(ahead)))
    opens = tuple(
        place == 0 or items[row].tier is not items[ahead[place - 1]].tier
        for place, row in enumerate(ahead[:count])
    )
    return problem, Continuation(beginning=ahead[:count], opens=opens, ahead=ahead)


def numbers(selection: Selection) -> tuple[Any, ...]:
    return (
        selection.prompt.written,
        selection.prompt.rows.tolist(),
        selection.tokens,
        selection.tier_used_tokens.tolist(),
        (selection.value, selection.upper_bound, selection.proven_optimal, selection.repaired),
        selection.reason.tolist(),
        selection.continuation,
    )


def state(problem: SelectionProblem) -> list[Any]:
    units = problem.units
    columns = (units.unit_of, units.score, units.worth.of_item, units.pinned, problem.score)
    plan = (problem.plan.tier_tokens, problem.plan.tier_cap_tokens, problem.opening)
    return [problem.tokens.all().tolist(), *(column.tolist() for column in (*columns, *plan))]


@given(followed())
def test_selecting_twice_is_the_same_and_changes_nothing(
    given_problem: tuple[SelectionProblem, Continuation],
) -> None:
    problem, continuation = given_problem
    before = state(problem)
    first = select(problem, continuation)
    packed(problem, continuation)
    select(problem)
    assert numbers(select(problem, continuation)) == numbers(first)
    assert state(problem) == before


@given(followed())
def test_what_is_kept_begins_the_prompt(
    given_problem: tuple[SelectionProblem, Continuation],
) -> None:
    problem, continuation = given_problem
    selection = select(problem, continuation)
    kept = selection.continuation.beginning
    assert kept == continuation.beginning[: len(kept)]
    rows = selection.prompt.rows.tolist()
    still = [row for row in kept if row in rows]
    assert rows[: len(still)] == still
    assert selection.tokens.needed <= problem.plan.total_tokens
