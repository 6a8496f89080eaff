from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter, JoinCounter

from mba_integrations.core.budget.plan import plan_budget
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError, PinnedOverBudgetError
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import (
    REASONS,
    MemoryItem,
    MemoryTier,
    OmissionReason,
    QueryComplexity,
)
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.selection.problem import selection_problem
from mba_integrations.core.selection.select import Selection, select
from mba_integrations.core.value.worth import Worth


def memory(name: str, size: int, tier: str = "rag", **fields: Any) -> MemoryItem:
    """An item whose rendered line has *size* characters."""
    return MemoryItem(name, name[0] * (size - 3), tier, **fields)


def run(
    items: Sequence[MemoryItem],
    budget: int,
    *,
    scores: Sequence[float] | None = None,
    counter: CharCounter | None = None,
    min_score: float = 0.0,
    **settings: Any,
) -> tuple[Selection, set[str], dict[str, OmissionReason]]:
    titles = {tier: tier.value[0].upper() for tier in MemoryTier}
    rendering = {"section_titles": titles, **settings.pop("rendering", {})}
    config = WorkspaceConfig(workspace_id="w", rendering=rendering, **settings)
    snapshot = PoolSnapshot(items)
    renderer = Renderer(config.rendering)
    counter = counter or CharCounter()
    score = np.array(scores if scores is not None else [0.5] * len(items))
    problem = selection_problem(
        snapshot,
        plan=plan_budget(config, QueryComplexity.EXPERT, budget_tokens=budget),
        layout=renderer,
        counter=counter,
        tokens=snapshot.token_column(renderer, counter),
        worth=Worth(of_item=score, per_token=False),
        score=score,
        min_score=min_score,
    )
    selection = select(problem)
    chosen = {snapshot.items[row].id for row in selection.prompt.rows}
    omitted = {
        item.id: REASONS[selection.reason[row]]
        for row, item in enumerate(items)
        if item.id not in chosen
    }
    assert selection.tokens.used == counter.count(selection.prompt.written.text) <= budget
    return selection, chosen, omitted


HEADING = 5  # "## R\n"


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param(HEADING + 60, {"a", "b", "c"}, id="exact-fit-of-all"),
        pytest.param(HEADING + 59, {"a", "b"}, id="one-under-loses-the-least"),
        pytest.param(HEADING + 30, {"a", "b"}, id="exact-fit-of-two"),
        pytest.param(HEADING + 29, {"a"}, id="then-the-next"),
        pytest.param(HEADING + 10, {"a"}, id="exact-fit-of-one"),
        pytest.param(HEADING + 9, set(), id="nothing-fits"),
        pytest.param(1, set(), id="one-token"),
    ],
)
def test_items_disappear_in_the_order_of_their_density(budget: int, expected: set[str]) -> None:
    items = [memory("a", 10), memory("b", 20), memory("c", 30)]
    _, chosen, _ = run(items, budget, scores=[0.9, 0.6, 0.3])
    assert chosen == expected


def test_nothing_selected_is_an_empty_prompt() -> None:
    selection, _, omitted = run([memory("a", 50)], 10)
    assert (selection.prompt.written.text, selection.tokens.used, selection.value) == ("", 0, 0.0)
    assert omitted == {"a": OmissionReason.TOO_LARGE}


def test_no_items_are_no_prompt() -> None:
    selection, chosen, _ = run([], 10)
    assert (selection.prompt.written.text, chosen, selection.upper_bound) == ("", set(), 0.0)


def test_each_omission_has_its_reason() -> None:
    items = [
        memory("big", 500),
        memory("low", 10),
        memory("out", 10, "working"),
        memory("good", 50),
        memory("next", 90),
    ]
    _, chosen, omitted = run(
        items,
        120,
        scores=[0.9, 0.05, 0.9, 0.9, 0.2],
        min_score=0.1,
        borrowing=False,
        working_memory_pct=0.0,
        project_memory_pct=0.0,
        long_term_memory_pct=0.0,
        rag_memory_pct=1.0,
    )
    assert chosen == {"good"}
    assert omitted == {
        "big": OmissionReason.TOO_LARGE,
        "low": OmissionReason.BELOW_THRESHOLD,
        "out": OmissionReason.TIER_EXCLUDED,
        "next": OmissionReason.OUTRANKED,
    }


def test_a_pinned_item_is_in_whatever_its_score_and_its_tier() -> None:
    items = [memory("pin", 40, "working", pinned=True), memory("a", 20), memory("b", 20)]
    _, chosen, _ = run(
        items, 80, scores=[0.0, 0.9, 0.8], min_score=0.5, tier_cap_tokens={"working": 5}
    )
    assert chosen == {"pin", "a"}


def test_pins_that_do_not_fit_fail_with_the_arithmetic() -> None:
    items = [memory("p", 60, pinned=True), memory("q", 40, pinned=True), memory("a", 5)]
    with pytest.raises(PinnedOverBudgetError) as caught:
        run(items, 80)
    assert str(caught.value) == (
        "2 pinned items need 105 tokens with their headings, budget_tokens is 80 (25 over). "
        "Largest: 'p' with 60 tokens. Raise budget_tokens or unpin an item."
    )
    assert (caught.value.needed_tokens, caught.value.budget_tokens) == (105, 80)


def test_pins_that_fit_exactly_leave_no_room() -> None:
    items = [memory("p", 60, pinned=True), memory("a", 5)]
    _, chosen, omitted = run(items, HEADING + 60)
    assert chosen == {"p"}
    assert omitted == {"a": OmissionReason.TOO_LARGE}


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param(HEADING + 60, {"call", "result", "other"}, id="all-fit"),
        pytest.param(HEADING + 59, {"call", "result"}, id="the-group-is-worth-more"),
        pytest.param(HEADING + 49, {"other"}, id="a-group-is-never-split"),
    ],
)
def test_a_group_is_kept_or_left_out_together(budget: int, expected: set[str]) -> None:
    items = [
        memory("call", 20, group="g"),
        memory("other", 10),
        memory("result", 30, group="g"),
    ]
    _, chosen, _ = run(items, budget, scores=[0.9, 0.1, 0.9])
    assert chosen == expected


def test_one_pinned_item_pins_its_group() -> None:
    items = [
        memory("call", 20, group="g", pinned=True),
        memory("x", 10),
        memory("r", 20, group="g"),
    ]
    _, chosen, _ = run(items, HEADING + 45, scores=[0.0, 0.9, 0.0])
    assert chosen == {"call", "r"}


def test_a_group_over_the_budget_is_too_large_as_a_whole() -> None:
    items = [memory("call", 40, group="g"), memory("r", 60, group="g"), memory("x", 10)]
    _, chosen, omitted = run(items, 100)
    assert chosen == {"x"}
    assert set(omitted.values()) == {OmissionReason.TOO_LARGE}


def test_a_group_of_two_tiers_is_refused() -> None:
    items = [memory("a", 10, "working", group="g"), memory("b", 10, "rag", group="g")]
    with pytest.raises(InputError, match="group 'g' has items of two tiers"):
        run(items, 100)


def test_unused_tokens_flow_to_the_tier_that_needs_them() -> None:
    items = [memory("w", 20, "working"), *(memory(f"r{n}", 30) for n in range(10))]
    shares = {
        "working_memory_pct": 0.7,
        "project_memory_pct": 0.0,
        "long_term_memory_pct": 0.0,
        "rag_memory_pct": 0.3,
    }
    lent, chosen, _ = run(items, 210, **shares)
    assert len(chosen) == 7
    assert lent.tokens.used == 210
    kept, chosen, _ = run(items, 210, borrowing=False, **shares)
    assert len(chosen) == 2
    assert kept.tier_used_tokens.tolist() == [25, 0, 0, 35]


@pytest.mark.parametrize("per_join", [1, 3, 7])
def test_a_counter_that_charges_for_joins_is_never_over(per_join: int) -> None:
    items = [memory(f"m{n}", 10 + n) for n in range(20)]
    for budget in range(20, 400, 7):
        run(items, budget, counter=JoinCounter(per_join))


def test_a_counter_that_saves_on_joins_fills_the_budget() -> None:
    items = [memory(f"m{n}", 20) for n in range(40)]
    selection, chosen, _ = run(items, 300, counter=JoinCounter(-8))
    assert len(chosen) > 300 // 20 + 5
    assert selection.tokens.used > 285


def test_pins_that_only_fit_as_rendered_are_kept() -> None:
    items = [memory(f"p{n}", 20, pinned=True) for n in range(5)]
    _, chosen, _ = run(items, 90, counter=JoinCounter(-5))
    assert len(chosen) == 5


def test_chat_messages_and_text_are_both_within_the_budget() -> None:
    items = [
        memory(f"m{n}", 30, "working", metadata={"role": "user" if n % 2 else "assistant"})
        for n in range(10)
    ] + [memory(f"d{n}", 25) for n in range(5)]
    for budget in range(1, 500, 9):
        selection, _, _ = run(items, budget, rendering={"format": "messages"})
        assert selection.tokens.messages <= budget
        spoken = [
            message for message in selection.prompt.written.messages if message["role"] != "system"
        ]
        assert all(message["content"] for message in spoken)
