"""Rows, slots and tables of names through changes of a list."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.arrays import IntArray
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.items import ItemRows
from mba_integrations.core.rows.codes import CodeTable
from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.rows.slots import Slots, SlotTable


def rows(*origin: int, before: int) -> RowMap:
    return RowMap.of(np.array(origin, dtype=np.int64), before)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(rows(0, 1, before=2), [5, 6], id="nothing"),
        pytest.param(rows(0, 1, -1, -1, before=2), [5, 6, 9, 9], id="append"),
        pytest.param(rows(1, before=2), [6], id="remove"),
        pytest.param(rows(-1, 1, before=2), [9, 6], id="replace"),
        pytest.param(rows(1, -1, 0, before=2), [6, 9, 5], id="any-order"),
        pytest.param(rows(-1, before=0), [9], id="from-empty"),
        pytest.param(rows(before=2), [], id="to-empty"),
    ],
)
def test_a_column_is_carried_over(change: RowMap, expected: list[int]) -> None:
    assert change.carried(np.array([5, 6][: change.before], dtype=np.int64), 9).tolist() == expected


def test_only_an_append_needs_no_origin() -> None:
    assert rows(0, 1, -1, before=2).origin is None
    assert rows(0, -1, before=2).origin is not None
    assert rows(0, before=2).origin is not None


def test_rows_that_go_and_rows_that_are_fresh_are_listed() -> None:
    change = rows(2, -1, 0, -1, before=4)
    assert change.gone.tolist() == [1, 3]
    assert change.fresh.tolist() == [1, 3]


def test_slots_stay_while_rows_move() -> None:
    slots = Slots.for_rows(3).changed(rows(2, 0, -1, before=3))
    assert (slots.count, slots.size) == (4, 3)
    assert [slots.row(slot) for slot in range(5)] == [1, -1, 0, 2, -1]
    assert slots.by_row(np.array([10, 11, 12, 13])).tolist() == [12, 10, 13]


def test_slots_are_sparse_when_a_quarter_is_unused() -> None:
    slots = Slots.for_rows(1000)
    half = slots.changed(RowMap.of(np.arange(500), 1000))
    most = slots.changed(RowMap.of(np.arange(900), 1000))
    assert (slots.is_sparse, half.is_sparse, most.is_sparse) == (False, True, False)


def test_a_branch_of_a_table_does_not_see_the_other_branch() -> None:
    trunk = SlotTable.of([(0, "a")], count=1)
    left, right = trunk.extended([(1, "b")], count=2), trunk.extended([(1, "c")], count=2)
    assert ([*left.slots("b")], [*left.slots("c")]) == ([1], [])
    assert ([*right.slots("b")], [*right.slots("c")]) == ([], [1])
    assert [*trunk.slots("b")] == []


def test_a_renumbered_table_drops_what_has_gone() -> None:
    table = SlotTable.of([(0, "a"), (1, "b"), (2, "a"), (3, "a")], count=4)
    renumbered = table.renumbered(np.array([1, -1, 0, -1]))
    assert ([*renumbered.slots("a")], [*renumbered.slots("b")]) == ([0, 1], [])
    assert renumbered.count == 2


def test_a_branch_of_names_does_not_see_the_other_branch() -> None:
    _, trunk = CodeTable().coded(["a"])
    left, right = trunk.coded(["b"])[1], trunk.coded(["c"])[1]
    assert (trunk.names(), left.names(), right.names()) == (["a"], ["a", "b"], ["a", "c"])


@given(st.lists(st.sampled_from([None, *"abcde"])), st.sets(st.integers(0, 20)))
def test_codes_are_renumbered_as_if_the_names_were_numbered_anew(
    names: list[str | None], gone: set[int]
) -> None:
    codes, table = CodeTable().coded(names)
    kept = [row for row in range(len(names)) if row not in gone]
    expected, fresh = CodeTable().coded([names[row] for row in kept])
    renumbered: IntArray
    renumbered, shorter = table.renumbered(codes[np.array(kept, dtype=np.int64)])
    assert renumbered.tolist() == expected.tolist()
    assert shorter.names() == fresh.names()


def test_items_are_read_like_a_tuple() -> None:
    listed = [MemoryItem(name, "text", "rag") for name in "abc"]
    items = ItemRows(listed[:2])
    items.appended(listed[2:])
    assert (items[-1], items[np.int64(0)], items[0:5]) == (listed[1], listed[0], listed[:2])
    assert list(items) == listed[:2]
    with pytest.raises(IndexError, match="row 2 of 2 items"):
        _ = items[2]


def test_items_that_branch_off_do_not_see_the_other_branch() -> None:
    a, b, c = (MemoryItem(name, "text", "rag") for name in "abc")
    trunk = ItemRows([a])
    left, right = trunk.appended([b]), trunk.appended([c])
    assert (list(trunk), list(left), list(right)) == ([a], [a, b], [a, c])
