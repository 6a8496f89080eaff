"""A result that is data: it goes to another process and comes back equal."""

from __future__ import annotations

import copy
import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter, line
from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st
from repository import ROOT
from strategies import NOW, memories, workspaces

from mba_integrations import (
    Allocation,
    InputError,
    MemoryBudgetAllocator,
    MemoryItem,
    MemoryPool,
    PinnedOverBudgetError,
    WorkspaceConfig,
)
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.selection.portable import AbsentPart, portable_counter

BUDGETS = (20, 90, 300)


def read(allocation: Allocation) -> dict[str, Any]:
    """All that can be read of an allocation without a counter."""
    return {
        "dict": allocation.to_dict(),
        "selected": allocation.selected,
        "omitted": allocation.omitted,
        "counts": allocation.omission_counts(),
        "explained": allocation.explain(max_rows=None),
        "messages": allocation.to_messages(),
        "blocks": allocation.to_cache_blocks(),
        "marginal": allocation.marginal_value,
        "curve": allocation.budget_curve(BUDGETS),
        "previous": allocation.as_previous,
        "first cost": allocation.estimated_cost(),
    }


def allocate(
    items: list[MemoryItem] | MemoryPool, counter: object = None, **arguments: Any
) -> Allocation:
    allocator = MemoryBudgetAllocator(counter or CharCounter())
    return allocator.allocate_memory_budget("which one?", items, now=NOW, **arguments)


ITEMS = [
    line("good", 40, relevance=0.9, embedding=[0.5, 0.5]),
    line("next", 60, relevance=0.2, metadata={"role": "user"}),
    line("pin", 30, "project", pinned=True),
    line("huge", 5000, relevance=0.8),
    line("one", 10, "working", group="g"),
    line("two", 10, "working", group="g"),
]

COPIES = [
    pytest.param(lambda allocation: pickle.loads(pickle.dumps(allocation)), id="pickled"),
    pytest.param(copy.copy, id="copied"),
    pytest.param(copy.deepcopy, id="deep-copied"),
]


@pytest.mark.parametrize("copied", COPIES)
@pytest.mark.parametrize("source", [list, MemoryPool.from_items], ids=["list", "pool"])
def test_a_copy_is_read_as_the_allocation_itself(copied: Any, source: Any) -> None:
    allocation = allocate(source(ITEMS), budget_tokens=150)
    other = copied(allocation)
    assert other == allocation
    assert read(other) == read(allocation)


@pytest.mark.parametrize("copied", COPIES)
def test_a_copied_item_keeps_its_embedding_from_being_written_to(copied: Any) -> None:
    item = copied(ITEMS[0])
    assert item == ITEMS[0]
    assert np.array_equal(item.embedding, ITEMS[0].embedding)
    assert not item.embedding.flags.writeable


@examples(max_examples=40)
@given(memories(), memories(), workspaces(stability=0.6), st.integers(1, 250))
def test_any_allocation_that_follows_another_is_the_same_after_pickling(
    first: list[MemoryItem], second: list[MemoryItem], config: WorkspaceConfig, budget: int
) -> None:
    allocator = MemoryBudgetAllocator(CharCounter())
    allocator.register_workspace(config)
    try:
        before = allocator.allocate_memory_budget("Zebra", first, "w", 250, now=NOW)
        after = allocator.allocate_memory_budget(
            "é 9", second, "w", budget, now=NOW, previous=before
        )
    except PinnedOverBudgetError:
        return
    other = pickle.loads(pickle.dumps(after))
    assert other == after
    assert read(other) == read(after)
    assert other.estimated_cost(before) == after.estimated_cost(before)


READ_IT = """
import pickle, sys
from pathlib import Path
allocation = pickle.loads(Path(sys.argv[1]).read_bytes())
print(allocation.explain())
print([entry.detail for entry in allocation.omitted], allocation.to_messages())
print(allocation.budget_curve((20, 90, 300)), allocation.marginal_value)
print(allocation.prefix_hash, allocation.as_previous)
"""


def test_another_process_reads_what_this_one_reads(tmp_path: Path) -> None:
    allocation = allocate(ITEMS, counter=lambda text: len(text.split()), budget_tokens=40)
    path = tmp_path / "allocation.pickle"
    path.write_bytes(pickle.dumps(allocation))
    done = subprocess.run(
        [sys.executable, "-c", READ_IT, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "\n".join(
        [
            allocation.explain(),
            f"{[entry.detail for entry in allocation.omitted]} {allocation.to_messages()}",
            f"{allocation.budget_curve(BUDGETS)} {allocation.marginal_value}",
            f"{allocation.prefix_hash} {allocation.as_previous}",
            "",
        ]
    )


def test_without_its_counter_an_allocation_says_what_is_missing() -> None:
    allocator = MemoryBudgetAllocator(lambda text: len(text))
    before = allocator.allocate_memory_budget("?", ITEMS, budget_tokens=400, now=NOW)
    other = pickle.loads(pickle.dumps(before))
    assert other.counter_id == before.counter_id
    beginning = before.prompt_text.splitlines(keepends=True)[0]
    shorter = replace(before.as_previous, text=beginning)
    assert before.estimated_cost(shorter) > 0
    with pytest.raises(InputError, match=r"^the token counter '.*' stayed in the process that"):
        other.estimated_cost(shorter)


def test_without_its_layout_an_allocation_is_still_read() -> None:
    layout = JoinedTexts(name="shouted", text_of=lambda item: item.content.upper())
    allocation = allocate(ITEMS[:2], budget_tokens=150, layout=layout)
    other = pickle.loads(pickle.dumps(allocation))
    assert read(other) == read(allocation)
    assert other.as_previous.layout_id == layout.id


def test_pins_that_may_not_fit_another_budget_need_the_layout() -> None:
    layout = JoinedTexts(name="shouted", text_of=lambda item: item.content.upper())
    allocation = allocate(ITEMS, budget_tokens=150, layout=layout)
    other = pickle.loads(pickle.dumps(allocation))
    assert other.budget_curve([90, 300]) == allocation.budget_curve([90, 300])
    with pytest.raises(InputError, match="the layout 'joined:shouted"):
        other.budget_curve([20])


def test_a_part_whose_module_is_missing_is_absent() -> None:
    sent = portable_counter(CharCounter())
    assert sent.pickled is not None
    lost = type(sent)(
        sent.kind, sent.known, sent.pickled.replace(b"CharacterCounter", b"CharacterAbacus_")
    )
    assert isinstance(lost.unpacked(), AbsentPart)
    assert lost.unpacked().id == "characters"


def test_an_absent_part_can_be_pickled_again() -> None:
    absent = AbsentPart("token counter", {"id": "mine", "exact": False})
    again = pickle.loads(pickle.dumps(copy.deepcopy(absent)))
    assert (again.id, again.exact) == ("mine", False)
    with pytest.raises(InputError, match="its 'count' is needed here"):
        again.count("text")


def test_what_is_pickled_are_the_items_and_a_few_numbers_for_each() -> None:
    items = [line(f"m{number}", 120, relevance=number / 2000) for number in range(2000)]
    allocation = allocate(items, budget_tokens=1000)
    of_items = len(pickle.dumps(tuple(items)))
    assert len(pickle.dumps(allocation)) < of_items + 60 * len(items)
    assert len(pickle.dumps(allocation.as_previous)) < 4000


def test_a_note_is_added_to_a_copy() -> None:
    allocation = allocate(ITEMS, budget_tokens=150)
    noted = allocation.with_note("the log is full.")
    assert noted.notes == (*allocation.notes, "the log is full.")
    assert read(noted)["selected"] == read(allocation)["selected"]
    assert "the log is full." not in allocation.notes
