"""What the caller is told of a call, and in which order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allocators import NOW, allocator_with, workspace
from fakes import CharCounter, JoinCounter, line

from mba_integrations import InputError, PreviousPrompt
from mba_integrations.core.calls.notes import (
    carried_notes,
    counter_notes,
    future_notes,
    ignored_notes,
    repair_notes,
)
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.turns.previous import Carried, PreviousItem, digest_of


class Estimate(CharCounter):
    exact = False


def only(notes: Iterator[str]) -> str:
    (note,) = notes
    return note


ITEM = PreviousItem(
    id="a", tier=line("a", 9).tier, digest=digest_of("a"), passage=None, opens=True, changing=False
)


def previous(*items: PreviousItem, **fields: Any) -> PreviousPrompt:
    known = {"workspace_id": "w", "layout_id": "l", "text": "", "items": items}
    return PreviousPrompt(**{**known, **fields})


@pytest.mark.parametrize(
    "notes",
    [
        pytest.param(repair_notes(0), id="nothing-taken-out"),
        pytest.param(counter_notes(CharCounter(), "m"), id="exact-counter"),
        pytest.param(future_notes(PoolSnapshot([line("a", 9)]), NOW), id="no-times"),
        pytest.param(
            future_notes(PoolSnapshot([line("a", 9, created_at=NOW)]), NOW), id="made-just-now"
        ),
        pytest.param(ignored_notes(previous(), workspace_id="w", layout_id="l"), id="followed"),
        pytest.param(carried_notes(previous(), Carried()), id="empty-prompt"),
        pytest.param(carried_notes(previous(ITEM), Carried(rows=(0,))), id="carried-over"),
    ],
)
def test_where_all_is_well_nothing_is_said(notes: Iterator[str]) -> None:
    assert list(notes) == []


def test_an_estimate_names_counter_and_model() -> None:
    assert only(counter_notes(Estimate(), "gpt-9")) == (
        f"Counts are estimates: {Estimate.id} is not the tokenizer of 'gpt-9'."
    )


def test_items_of_the_future_are_counted_and_the_latest_is_named() -> None:
    items = [
        line(name, 9, created_at=NOW + timedelta(days=days))
        for name, days in zip("abc", (1, 3, -1), strict=True)
    ]
    note = only(future_notes(PoolSnapshot(items), NOW))
    assert note.startswith(
        "2 items have a created_at after now and count as new; the latest is 'b'"
    )


def test_another_workspace_is_named_before_another_layout() -> None:
    other = previous(workspace_id="x", layout_id="y")
    assert only(ignored_notes(other, workspace_id="w", layout_id="l")) == (
        "previous is an allocation of workspace 'x', not 'w'; it is ignored."
    )
    assert only(ignored_notes(other, workspace_id="x", layout_id="l")) == (
        "previous was written by another layout; it is ignored."
    )


def test_three_changed_items_are_named_and_the_others_counted() -> None:
    notes = carried_notes(previous(ITEM), Carried(changed=tuple("abcde")))
    assert only(notes) == (
        "'a', 'b', 'c' and 2 more: text or tier is another than in previous, so it counts as new."
    )


def test_a_previous_prompt_without_a_candidate_is_ignored_aloud() -> None:
    assert only(carried_notes(previous(ITEM), Carried())) == (
        "previous has no item that is a candidate now; it is ignored."
    )


def test_notes_of_a_call_stand_in_the_order_of_its_steps() -> None:
    allocator = allocator_with(workspace(), token_counter=Estimate())
    allocator.register_workspace(workspace("x"))
    before = allocator.allocate_memory_budget("?", [], "x", 50)
    late = line("late", 9, created_at=NOW + timedelta(days=1))
    notes = allocator.allocate_memory_budget("?", [late], "w", 50, previous=before).notes
    assert [note.split()[0] for note in notes] == ["Counts", "1", "previous"]


def test_a_repair_is_told() -> None:
    assert only(repair_notes(3)).startswith("3 items were taken out because the counted prompt")
    pinned = [line(name, 20, pinned=True) for name in "ab"]
    allocator = allocator_with(workspace(), token_counter=JoinCounter(-5))
    assert allocator.allocate_memory_budget("?", pinned, "w", 70).notes == ()


@pytest.mark.parametrize("previous_argument", ["before", 3, {}])
def test_a_previous_of_another_type_is_refused(previous_argument: Any) -> None:
    with pytest.raises(
        InputError, match="previous must be an Allocation, a PreviousPrompt or None, got"
    ):
        allocator_with(workspace()).allocate_memory_budget(
            "?", [], "w", 50, previous=previous_argument
        )
