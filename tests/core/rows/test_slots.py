"""Slots and their tables through any changes, against keeping every slot in a dictionary."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_changes import origins, rows

from mba_integrations.core.rows.row_map import RowMap
from mba_integrations.core.rows.slots import Slots, SlotTable

keys = st.lists(st.sampled_from("abcd"), max_size=10)


def test_slots_stay_while_rows_move() -> None:
    slots = Slots.for_rows(3).changed(rows(2, 0, -1, before=3))
    assert (slots.count, slots.size) == (4, 3)
    assert [slots.row(slot) for slot in range(5)] == [1, -1, 0, 2, -1]
    assert slots.row_of.tolist() == [1, -1, 0, 2]
    assert slots.by_row(np.array([10, 11, 12, 13])).tolist() == [12, 10, 13]


def test_before_anything_has_gone_a_slot_is_its_row() -> None:
    slots = Slots.for_rows(2).changed(rows(0, 1, -1, before=2))
    assert slots.of_row is None
    assert [slots.row(slot) for slot in range(4)] == [0, 1, 2, -1]
    values = np.array([5, 6, 7])
    assert slots.by_row(values) is values


@given(st.data(), st.integers(0, 5))
def test_slots_through_changes_are_those_of_a_dictionary(data: st.DataObject, size: int) -> None:
    slots, of_row, count = Slots.for_rows(size), list(range(size)), size
    for _ in range(data.draw(st.integers(1, 4))):
        origin = data.draw(origins(len(of_row)))
        slots = slots.changed(rows(*origin, before=len(of_row)))
        renewed = []
        for row in origin:
            renewed.append(of_row[row] if row >= 0 else count)
            count += row < 0
        of_row = renewed
        assert (slots.size, slots.count) == (len(of_row), count)
        assert slots.by_row(np.arange(count)).tolist() == of_row
        row_of = {slot: row for row, slot in enumerate(of_row)}
        assert [slots.row(slot) for slot in range(count + 1)] == [
            row_of.get(slot, -1) for slot in range(count + 1)
        ]


@pytest.mark.parametrize(
    ("size", "kept", "sparse"),
    [
        pytest.param(1000, 1000, False, id="none-unused"),
        pytest.param(1000, 900, False, id="a-tenth"),
        pytest.param(1000, 749, False, id="a-quarter-and-a-few"),
        pytest.param(1000, 748, True, id="one-more"),
        pytest.param(64, 0, False, id="a-few-of-a-small-list"),
        pytest.param(65, 0, True, id="more-than-a-few"),
    ],
)
def test_slots_are_sparse_when_a_quarter_is_unused(size: int, kept: int, sparse: bool) -> None:
    change = RowMap.of(np.arange(kept), size)
    assert Slots.for_rows(size).changed(change).is_sparse is sparse


@given(st.lists(keys, min_size=1, max_size=4))
def test_each_table_of_a_line_reads_what_was_there_when_made(
    batches: list[list[str]],
) -> None:
    table, line, seen = SlotTable[str].of([], count=0), [], list[str]()
    for batch in batches:
        start = len(seen)
        seen = [*seen, *batch]
        table = table.extended(enumerate(batch, start), count=len(seen))
        line.append((table, seen))
    for earlier, listed in line:
        for key in "abcde":
            expected = [slot for slot, other in enumerate(listed) if other == key]
            assert [*earlier.slots(key)] == expected


def test_a_branch_of_a_table_does_not_see_the_other_branch() -> None:
    trunk = SlotTable.of([(0, "a")], count=1)
    left, right = trunk.extended([(1, "b")], count=2), trunk.extended([(1, "c")], count=2)
    assert ([*left.slots("b")], [*left.slots("c")]) == ([1], [])
    assert ([*right.slots("b")], [*right.slots("c")]) == ([], [1])
    assert [*trunk.slots("b")] == []
    assert ([*left.slots("a")], [*right.slots("a")]) == ([0], [0])


def test_the_newest_of_a_line_grows_in_place() -> None:
    trunk = SlotTable.of([(0, "a")], count=1)
    grown = trunk.extended([(1, "a")], count=2)
    assert grown._entries is trunk._entries
    assert trunk.extended([(1, "a")], count=2)._entries is not trunk._entries


def test_a_slot_that_is_given_twice_for_a_key_counts_once() -> None:
    assert [*SlotTable.of([(0, "a"), (0, "a")], count=1).slots("a")] == [0]


def test_a_table_of_unique_keys_can_be_extended() -> None:
    table = SlotTable.of_unique({"a": 0, "b": 1})
    later = table.extended([(2, "a")], count=3)
    assert ([*table.slots("a")], [*later.slots("a")], [*later.slots("b")]) == ([0], [0, 2], [1])


def test_a_renumbered_table_drops_what_has_gone() -> None:
    table = SlotTable.of([(0, "a"), (1, "b"), (2, "a"), (3, "a")], count=4)
    renumbered = table.renumbered(np.array([1, -1, 0, -1]))
    assert ([*renumbered.slots("a")], [*renumbered.slots("b")]) == ([0, 1], [])
    assert renumbered.count == 2


@given(st.data(), keys)
def test_a_renumbered_table_is_one_made_anew(data: st.DataObject, names: list[str]) -> None:
    origin = [row for row in data.draw(origins(len(names))) if row >= 0]
    slots = Slots.for_rows(len(names)).changed(rows(*origin, before=len(names)))
    table = SlotTable.of(enumerate(names), count=len(names)).renumbered(slots.row_of)
    fresh = SlotTable.of(enumerate(names[row] for row in origin), count=len(origin))
    assert table.count == fresh.count
    for key in "abcd":
        assert [*table.slots(key)] == [*fresh.slots(key)]


def test_threads_that_extend_one_table_get_branches_of_their_own() -> None:
    trunk = SlotTable.of([(0, "a")], count=1)
    found: list[tuple[int, SlotTable[int | str]]] = []

    def extend(number: int) -> None:
        found.append((number, trunk.extended([(1, number)], count=2)))  # type: ignore[arg-type,list-item]

    threads = [threading.Thread(target=extend, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, table in found:
        assert [other for other in range(8) if len(table.slots(other))] == [number]
