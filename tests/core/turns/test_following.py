"""From what is carried over to what the prompt follows."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter, line

from mba_integrations import MemoryItem, WorkspaceConfig
from mba_integrations.core.budget.plan import plan_budget
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import QueryComplexity
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.continuation import NOTHING_BEFORE, Continuation
from mba_integrations.core.selection.problem import SelectionProblem, selection_problem
from mba_integrations.core.turns.following import follow
from mba_integrations.core.turns.previous import NOTHING_CARRIED, Carried
from mba_integrations.core.value.worth import Worth


def problem_of(items: list[MemoryItem], scores: list[float], budget: int = 200) -> SelectionProblem:
    config = WorkspaceConfig(workspace_id="w", rendering={"item_order": {}})
    snapshot, layout, counter = PoolSnapshot(items), Renderer(config.rendering), CharCounter()
    score = np.array(scores)
    return selection_problem(
        snapshot,
        plan=plan_budget(config, QueryComplexity.EXPERT, budget_tokens=budget),
        layout=layout,
        counter=counter,
        tokens=snapshot.token_column(layout, counter),
        worth=Worth(of_item=score, per_token=False),
        score=score,
    )


ITEMS = [line("a", 20), line("b", 20), line("p", 20, pinned=True)]


def carried(*rows: int, **fields: Any) -> Carried:
    opens = tuple(place == 0 for place in range(len(rows)))
    return Carried(**{"rows": rows, "lead": len(rows), "opens": opens, **fields})


def test_nothing_carried_over_is_nothing_to_follow() -> None:
    problem = problem_of(ITEMS, [0.5, 0.5, 0.5])
    followed = follow(problem, NOTHING_CARRIED, "", stability=0.6)
    assert followed.problem is problem
    assert followed.continuation is NOTHING_BEFORE


def test_without_stability_what_is_carried_over_only_goes_ahead() -> None:
    problem = problem_of(ITEMS, [0.5, 0.5, 0.5])
    followed = follow(problem, carried(1, 0, changing=frozenset({2})), "", stability=0.0)
    assert followed.problem is problem
    assert followed.continuation == Continuation(ahead=(1, 0))


def test_new_pins_go_ahead_of_what_is_carried_over() -> None:
    problem = problem_of(ITEMS, [0.5, 0.5, 0.5])
    continuation = follow(problem, carried(1, 0), "", stability=0.6).continuation
    assert continuation.beginning == (1, 0)
    assert continuation.opens == (True, False)
    assert continuation.ahead == (2, 1, 0)


@pytest.mark.parametrize(("lead", "beginning"), [(2, (1, 0)), (1, (1,)), (0, ())])
def test_no_more_than_the_lead_is_kept(lead: int, beginning: tuple[int, ...]) -> None:
    problem = problem_of(ITEMS, [0.5, 0.5, 0.5])
    followed = follow(problem, carried(1, 0, lead=lead), "", stability=1.0)
    assert followed.continuation.beginning == beginning
    assert followed.continuation.ahead == (2, 1, 0)


def test_a_kept_passage_stays_that_passage_and_costs_its_tokens() -> None:
    text = "The key is red. It snows in May. It rains in June."
    problem = problem_of([ITEMS[0], replace(ITEMS[1], content=text)], [0.5, 0.5], budget=70)
    passage = replace(ITEMS[1], content="The key is red. […]")
    asked, other = (
        follow(problem, carried(1, shown={1: passage}), query, stability=1.0).problem
        for query in ("key", "rain")
    )
    assert asked.shown == {1: passage}
    assert asked.tokens.of(np.array([0, 1])).tolist() == [20, len("- The key is red. […]\n")]
    assert 0.5 > asked.values(np.array([1]))[0] > other.values(np.array([1]))[0] > 0.0


def test_a_kept_passage_that_was_cut_in_another_way_is_worth_its_part_of_the_text() -> None:
    problem = problem_of(ITEMS, [0.5, 0.5, 0.5], budget=45)
    half = replace(ITEMS[1], content="x" * 2)
    followed = follow(problem, carried(1, shown={1: half}), "", stability=1.0)
    part = 2 / len(ITEMS[1].content)
    assert followed.problem.values(np.array([1]))[0] == pytest.approx(0.5 * part)


def test_a_passage_that_is_not_kept_is_whole_again() -> None:
    problem = problem_of(ITEMS, [0.5, 0.5, 0.5])
    followed = follow(problem, carried(1, lead=0, shown={1: line("b", 8)}), "", stability=0.6)
    assert followed.problem is problem


def test_following_changes_nothing_that_was_handed_in() -> None:
    problem = problem_of(ITEMS, [0.5, 0.4, 0.3])
    given = carried(1, 0, shown={1: line("b", 8)}, changing=frozenset({2}))
    before = copy.deepcopy(given)
    tokens, worth = problem.tokens.all().tolist(), problem.units.worth.of_item.tolist()
    first = follow(problem, given, "", stability=0.6)
    second = follow(problem, given, "", stability=0.6)
    assert first.continuation == second.continuation
    assert given == before
    assert dict(problem.shown) == {}
    assert problem.tokens.all().tolist() == tokens
    assert problem.units.worth.of_item.tolist() == worth
