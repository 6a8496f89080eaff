"""Columns of items against a loop over the items, when built and when carried over."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from row_changes import origins
from strategies import of_all

from mba_integrations.core.errors import DuplicateItemError, InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.change import Change
from mba_integrations.core.pool.columns import ItemColumns, Speakers
from mba_integrations.core.pool.items import Contents, ItemRows, RowsById
from mba_integrations.core.rows.row_map import RowMap

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
TIMES = (None, NOON, NOON - timedelta(days=400), NOON.astimezone(timezone(timedelta(hours=5))))
METADATA: tuple[dict[str, Any], ...] = (
    *({}, {"speaker": "Kate"}, {"role": "user"}, {"speaker": "", "role": "Tom"}),
    *({"speaker": 7}, {"speaker": None, "role": "Kate"}, {"speaker": np.zeros(2)}),
)
SPEAKERS = (None, "Kate", "user", "Tom", "7", "Kate", None)


SAID = of_all(
    MemoryTier,
    [None, None, "g", "h"],
    ["Kate skis.", "Oslo.", "Keys."],
    [None, 0.0, 1.0],
    [0.0, 0.5],
    TIMES,
    [None, "s", "t", "u"],
)
FOUND = of_all([None, -1, 2.5], [False, True], METADATA, [None, -2.5, 0.0], [None, "web", "docs"])


@st.composite
def items(draw: st.DrawFn, name: str) -> MemoryItem:
    tier, group, content, relevance, importance, created_at, source = draw(SAID)
    position, pinned, metadata, score, retriever = draw(FOUND)
    return MemoryItem(
        name,
        content,
        tier,
        relevance=relevance,
        importance=importance,
        created_at=created_at,
        source=source,
        position=position,
        group=None if group is None else f"{group}-{tier.value}",
        pinned=pinned,
        metadata=metadata,
        retriever_score=score,
        retriever=retriever,
    )


def lists(draw: st.DrawFn, prefix: str, count: int) -> list[MemoryItem]:
    return [draw(items(f"{prefix}{row}")) for row in range(count)]


@st.composite
def changes(draw: st.DrawFn) -> tuple[list[MemoryItem], list[MemoryItem], RowMap]:
    """Items, those of a later list, and where each of these was."""
    before = lists(draw, "m", draw(st.integers(0, 6)))
    origin = draw(origins(len(before)))
    after = [
        before[place] if place >= 0 else draw(items(f"n{row}")) for row, place in enumerate(origin)
    ]
    return before, after, RowMap.of(np.array(origin, dtype=np.int64), len(before))


def codes(names: list[str | None]) -> list[int]:
    """Numbers by first appearance; -1 for none."""
    order = list(dict.fromkeys(name for name in names if name is not None))
    return [-1 if name is None else order.index(name) for name in names]


def assert_as_slowly(made: ItemColumns, listed: list[MemoryItem]) -> None:
    columns = made.columns
    tiers = list(MemoryTier)
    assert columns.tier.tolist() == [tiers.index(item.tier) for item in listed]
    assert columns.source.tolist() == codes([item.source for item in listed])
    assert columns.group.tolist() == codes([item.group for item in listed])
    assert columns.importance.tolist() == [item.importance for item in listed]
    assert columns.pinned.tolist() == [item.pinned for item in listed]
    known = [item.created_at is not None for item in listed]
    assert columns.naive_times is (False if any(known) else None)
    seconds = [item.created_at.timestamp() if item.created_at else math.nan for item in listed]
    np.testing.assert_array_equal(columns.created_seconds, seconds)
    assert columns.retriever.tolist() == codes([item.retriever for item in listed])
    for name, column in (
        ("relevance", columns.given_relevance),
        ("position", columns.position),
        ("retriever_score", columns.retriever_score),
    ):
        given_values = [getattr(item, name) for item in listed]
        expected = [math.nan if value is None else value for value in given_values]
        np.testing.assert_array_equal(column, expected)


@given(changes())
def test_columns_are_those_of_a_loop_over_the_items(
    change: tuple[list[MemoryItem], list[MemoryItem], RowMap],
) -> None:
    before, after, rows = change
    built = ItemColumns.build(before)
    assert_as_slowly(built, before)
    assert_as_slowly(built.changed(after, rows), after)
    assert_as_slowly(built, before)


@given(changes())
def test_speakers_are_those_of_a_loop_over_the_items(
    change: tuple[list[MemoryItem], list[MemoryItem], RowMap],
) -> None:
    before, after, rows = change
    built = Speakers.build(before, np.full(len(before), -1))
    for made, listed in (
        (built, before),
        (built.changed(after, rows, np.full(len(after), -1)), after),
    ):
        said = [SPEAKERS[place_of(item)] for item in listed]
        assert made.codes.tolist() == codes(said)
        assert made.table.names() == list(dict.fromkeys(name for name in said if name))


def place_of(item: MemoryItem) -> int:
    """Place of the item's metadata in `METADATA`; arrays in it cannot be compared."""
    shown = str(dict(item.metadata))
    return [str(one) for one in METADATA].index(shown)


@given(changes())
def test_rows_of_ids_are_those_of_a_loop_and_earlier_ones_stay(
    change: tuple[list[MemoryItem], list[MemoryItem], RowMap],
) -> None:
    before, after, rows = change
    built = RowsById.build(before)
    later = built.changed(after, rows)
    names = [f"{prefix}{row}" for prefix in "mn" for row in range(9)]
    for made, listed in ((built, before), (later, after)):
        expected = {item.id: row for row, item in enumerate(listed)}
        assert [made.get(name) for name in names] == [expected.get(name) for name in names]


def test_ids_of_rows_that_come_and_go_are_found_without_end() -> None:
    listed = [memory(f"m{row}") for row in range(5)]
    rows = RowsById.build(listed)
    for step in range(400):
        listed = [*listed[1:], memory(f"n{step}")]
        rows = rows.changed(listed, RowMap.of(np.array([1, 2, 3, 4, -1]), 5))
    assert [rows.get(item.id) for item in listed] == list(range(5))
    assert rows.get("n100") is None
    assert rows._slots.count < 150


def test_an_id_twice_and_what_is_no_item_are_named_with_their_places() -> None:
    with pytest.raises(DuplicateItemError, match="'a', at places 0 and 2"):
        RowsById.build([memory("a"), memory("b"), memory("a")])
    with pytest.raises(InputError, match="memory 1 is a str"):
        RowsById.build([memory("a"), "b"])  # type: ignore[list-item]


def test_contents_are_read_like_a_list_of_texts() -> None:
    contents = Contents(ItemRows([memory("a", "one"), memory("b", "two")]))
    assert (contents[0], contents[-1], contents[0:2], len(contents)) == (
        "one",
        "two",
        ["one", "two"],
        2,
    )
    assert list(contents) == ["one", "two"]


def memory(name: str, content: str = "text", **fields: Any) -> MemoryItem:
    values = {"tier": "rag", **fields}
    return MemoryItem(name, content, **values)


OLD = memory("a", source="s", embedding=[1.0, 2.0], metadata={"n": 1}, created_at=NOON)
EVERYTHING = {"ids", "items", "lines", "texts", "vectors"}


def other(**fields: Any) -> MemoryItem:
    names = [name for name in OLD.__slots__ if name not in {"id", "content"}]
    return memory(
        "a", fields.pop("content", "text"), **{n: getattr(OLD, n) for n in names} | fields
    )


@pytest.mark.parametrize(
    ("new", "differs"),
    [
        pytest.param(OLD, set(), id="the-same-object"),
        pytest.param(other(), set(), id="an-equal-one"),
        pytest.param(other(importance=1.0), {"items"}, id="importance"),
        pytest.param(other(pinned=True), {"items"}, id="pin"),
        pytest.param(other(access_count=3), {"items"}, id="uses"),
        pytest.param(other(retriever_score=3), {"items"}, id="retriever-score"),
        pytest.param(other(retriever="web"), {"items"}, id="retriever"),
        pytest.param(other(last_accessed_at=NOON), {"items"}, id="last-use"),
        pytest.param(other(embedding=[1.0, 3.0]), {"items", "vectors"}, id="vector"),
        pytest.param(other(embedding=None), {"items", "vectors"}, id="no-vector"),
        pytest.param(other(source="t"), {"items", "lines"}, id="source"),
        pytest.param(other(metadata={"n": 2}), {"items", "lines"}, id="metadata"),
        pytest.param(other(metadata={"n": np.ones(2)}), {"items", "lines"}, id="array"),
        pytest.param(other(created_at=TIMES[3]), {"items", "lines"}, id="another-zone"),
        pytest.param(other(content="x"), {"items", "lines", "texts"}, id="text"),
        pytest.param(
            other(content="x", embedding=None), {"items", "lines", "texts", "vectors"}, id="both"
        ),
        pytest.param(memory("b", embedding=[1, 2]), {"ids", "items", "lines"}, id="id"),
    ],
)
def test_what_differs_from_before_is_fresh_and_nothing_else(
    new: MemoryItem, differs: set[str]
) -> None:
    beside = memory("z")
    change = Change.between(
        [OLD, beside], [beside, new], RowMap.of(np.array([1, 0]), 2), replaced=[1]
    )
    assert {name for name in EVERYTHING if getattr(change, name).fresh.tolist() == [1]} == differs
    assert all(getattr(change, name).fresh.tolist() in ([], [1]) for name in EVERYTHING)


def test_many_replaced_items_are_compared_like_few() -> None:
    before = [memory(f"m{row}") for row in range(1500)]
    after = [memory(f"m{row}", importance=float(row % 2)) for row in range(1500)]
    change = Change.between(
        ItemRows(before), ItemRows(after), RowMap(1500, 1500), replaced=range(1500)
    )
    assert change.items.fresh.tolist() == list(range(1500))
    assert len(change.lines.fresh) == len(change.ids.fresh) == 0
