"""Names as numbers, in order of first appearance, through growth, branches and renumbering."""

from __future__ import annotations

import threading

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.rows.codes import CodeTable

names = st.lists(st.sampled_from([None, *"abcde"]), max_size=12)


@given(names, names)
def test_codes_are_places_of_first_appearance(
    first: list[str | None], second: list[str | None]
) -> None:
    codes, table = CodeTable().coded(first)
    more, later = table.coded(second)
    order = list(dict.fromkeys(name for name in [*first, *second] if name is not None))
    assert later.names() == order
    assert table.names() == order[: len(table.names())]
    assert [*codes.tolist(), *more.tolist()] == [
        -1 if name is None else order.index(name) for name in [*first, *second]
    ]


def test_names_that_are_known_need_no_other_table() -> None:
    _, table = CodeTable().coded(["a", "b"])
    codes, same = table.coded(["b", None, "a"])
    assert (codes.tolist(), same is table) == ([1, -1, 0], True)


def test_a_table_of_names_begins_with_them() -> None:
    codes, table = CodeTable(["x", "y"]).coded(["y", "z"])
    assert (codes.tolist(), table.names()) == ([1, 2], ["x", "y", "z"])


def test_a_branch_of_names_does_not_see_the_other_branch() -> None:
    _, trunk = CodeTable().coded(["a"])
    left, right = trunk.coded(["b"])[1], trunk.coded(["c"])[1]
    assert (trunk.names(), left.names(), right.names()) == (["a"], ["a", "b"], ["a", "c"])
    assert trunk.coded(["c", "b"])[0].tolist() == [1, 2]


@given(names, st.sets(st.integers(0, 20)))
def test_codes_are_renumbered_as_if_the_names_were_numbered_anew(
    listed: list[str | None], gone: set[int]
) -> None:
    codes, table = CodeTable().coded(listed)
    kept = [row for row in range(len(listed)) if row not in gone]
    expected, fresh = CodeTable().coded([listed[row] for row in kept])
    renumbered, shorter = table.renumbered(codes[np.array(kept, dtype=np.int64)])
    assert renumbered.tolist() == expected.tolist()
    assert shorter.names() == fresh.names()


def test_codes_that_stand_in_order_are_left_as_they_are() -> None:
    codes, table = CodeTable().coded(["a", "b", "a", None])
    renumbered, same = table.renumbered(codes[[0, 1, 3]])
    assert (renumbered.tolist(), same is table) == ([0, 1, -1], True)


def test_a_name_that_only_a_later_table_has_is_not_renumbered() -> None:
    codes, table = CodeTable().coded(["a", "b"])
    table.coded(["c"])
    renumbered, shorter = table.renumbered(codes[[1]])
    assert (renumbered.tolist(), shorter.names()) == ([0], ["b"])


def test_a_later_table_waits_while_an_earlier_one_of_its_line_adds_names() -> None:
    _, trunk = CodeTable().coded(["a"])
    _, later = trunk.coded(["b"])
    done: list[list[int]] = []
    thread = threading.Thread(target=lambda: done.append(later.coded(["c"])[0].tolist()))
    with trunk._lock:
        thread.start()
        thread.join(0.05)
        assert not done
    thread.join()
    assert done == [[2]]
