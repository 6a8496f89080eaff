"""Lists that come again: the same objects, equal ones, and lists that are alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import numpy as np
import pytest
from allocators import NOW, allocator_with, workspace
from hypothesis import given, settings
from hypothesis import strategies as st
from snapshots import CountingCounter, assert_same, prepared, renderer
from strategies import memories

from mba_integrations.core.errors import DuplicateItemError, InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.prepared import PreparedPools
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.search.term_numbers import CutTexts, TermNumbers

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


def memory(name: str, **fields: Any) -> MemoryItem:
    content = fields.pop("content", f"text of {name}")
    return MemoryItem(name, content, fields.pop("tier", "rag"), **fields)


def copies(items: list[MemoryItem]) -> list[MemoryItem]:
    return [replace(item) for item in items]


def test_the_same_items_are_prepared_once() -> None:
    prepared = PreparedPools()
    items = [memory("a"), memory("b")]
    first = prepared.snapshot(items, capacity=2)
    assert prepared.snapshot(list(items), capacity=2) is first
    assert prepared.snapshot(items[::-1], capacity=2) is not first


def test_the_list_unused_for_longest_goes_first() -> None:
    prepared = PreparedPools()
    lists = [[memory(name)] for name in "abc"]
    a, b = (prepared.snapshot(items, capacity=2) for items in lists[:2])
    assert prepared.snapshot(lists[0], capacity=2) is a
    prepared.snapshot(lists[2], capacity=2)
    assert prepared.snapshot(lists[0], capacity=2) is a
    assert prepared.snapshot(lists[1], capacity=2) is not b


def test_capacity_zero_keeps_nothing() -> None:
    prepared = PreparedPools()
    items = [memory("a")]
    assert prepared.snapshot(items, capacity=0) is not prepared.snapshot(items, capacity=0)


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that are cut into terms."""
    texts: list[str] = []
    real = TermNumbers.cut

    def counted(numbers: TermNumbers, given_texts: Any) -> CutTexts:
        texts.extend(given_texts)
        return real(numbers, given_texts)

    monkeypatch.setattr(TermNumbers, "cut", counted)
    return texts


FIRST = [memory(name, embedding=[1.0, place, 2.0]) for place, name in enumerate("abcdef")]
LAST = memory("z", content="new words")


@pytest.mark.parametrize(
    ("later", "worked_out"),
    [
        pytest.param(copies(FIRST), [], id="equal-items"),
        pytest.param([*FIRST, LAST], ["new words"], id="more-at-the-end"),
        pytest.param([*copies(FIRST), LAST], ["new words"], id="equal-items-and-more"),
        pytest.param([LAST, *FIRST], ["new words"], id="more-at-the-beginning"),
        pytest.param(FIRST[::-1], [], id="another-order"),
        pytest.param([replace(item, relevance=0.5) for item in FIRST], [], id="other-relevance"),
        pytest.param([*FIRST[:3], LAST, *FIRST[4:]], ["new words"], id="one-exchanged"),
    ],
)
def test_only_what_is_new_is_counted_and_cut(
    later: list[MemoryItem], worked_out: list[str], cut: list[str]
) -> None:
    pools, counter = PreparedPools(), CountingCounter()
    first = pools.snapshot(FIRST, capacity=2)
    prepared(first)
    first.token_column(renderer(), counter).all()
    counter.texts.clear()
    cut.clear()
    second = pools.snapshot(later, capacity=2)
    second.token_column(renderer(), counter).all()
    assert len(second.lexical) == len(later)
    assert counter.texts == [f"- {text}\n" for text in worked_out]
    assert [text for text in cut if text not in {item.content for item in FIRST}] == worked_out
    assert all(given is kept for given, kept in zip(later, second.items, strict=True))
    assert_same(second, PoolSnapshot(later))
    assert_same(first, PoolSnapshot(FIRST))


def test_texts_under_new_ids_are_not_cut_again(cut: list[str]) -> None:
    pools = PreparedPools()
    _ = pools.snapshot(FIRST, capacity=2).lexical
    cut.clear()
    later = [replace(item, id=f"other-{item.id}") for item in [*FIRST, FIRST[0]]]
    later[-1] = replace(later[-1], id="twice")
    second = pools.snapshot(later, capacity=2)
    assert len(second.lexical) == 7
    assert cut == ["text of a"]
    assert second.ids.get("a") is None
    assert_same(second, PoolSnapshot(later))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"content": "other"}, id="content"),
        pytest.param({"metadata": {"speaker": "Kate"}}, id="metadata"),
        pytest.param({"embedding": [5.0, 5.0, 1.0]}, id="embedding"),
        pytest.param({"embedding": None}, id="no-embedding"),
        pytest.param({"created_at": NOON}, id="date"),
        pytest.param({"source": "s"}, id="source"),
        pytest.param({"tier": "project"}, id="tier"),
    ],
)
def test_an_item_that_differs_in_one_field_is_not_taken_for_the_other(
    change: dict[str, Any],
) -> None:
    pools = PreparedPools()
    prepared(pools.snapshot(FIRST, capacity=2))
    later = [*FIRST[:2], replace(FIRST[2], **change), *FIRST[3:]]
    assert_same(pools.snapshot(later, capacity=2), PoolSnapshot(later))


def test_one_moment_in_two_zones_is_written_twice() -> None:
    dated = renderer_with_dates()
    pools, counter = PreparedPools(), CountingCounter()
    evening = datetime(2026, 5, 1, 23, tzinfo=UTC)
    item = memory("a", created_at=evening)
    pools.snapshot([item], capacity=2).token_column(dated, counter).all()
    tokyo = evening.astimezone(timezone(timedelta(hours=9)))
    pools.snapshot([replace(item, created_at=tokyo)], capacity=2).token_column(dated, counter).all()
    assert counter.texts == ["- 2026-05-01 text of a\n", "- 2026-05-02 text of a\n"]


def renderer_with_dates() -> Any:
    config = workspace(rendering={"line_templates": {"rag": "{date} {text}"}})
    return type(renderer())(config.rendering)


@pytest.mark.parametrize(
    ("later", "error"),
    [
        pytest.param([*FIRST, FIRST[0]], DuplicateItemError, id="an-id-twice"),
        pytest.param([*FIRST, memory("n"), memory("n")], DuplicateItemError, id="a-new-id-twice"),
        pytest.param([*FIRST, {"id": "n"}], InputError, id="no-item"),
    ],
)
def test_what_is_refused_is_refused_also_beside_a_kept_list(
    later: list[Any], error: type[Exception]
) -> None:
    pools = PreparedPools()
    pools.snapshot(FIRST, capacity=2)
    with pytest.raises(error):
        pools.snapshot(later, capacity=2)


def test_a_short_list_is_not_made_from_a_long_one() -> None:
    pools = PreparedPools()
    prepared(pools.snapshot([memory(f"m{row}") for row in range(100)], capacity=2))
    few = pools.snapshot([memory("m3"), memory("m9")], capacity=2)
    assert not PoolSnapshot.lexical.known(few)


Reshape = Callable[[list[MemoryItem], list[MemoryItem]], list[MemoryItem]]
RESHAPES: list[Reshape] = [
    lambda items, more: [*items, *more],
    lambda items, more: copies(items),
    lambda items, more: items[1:],
    lambda items, more: [*more, *items[::-1]],
    lambda items, more: [replace(item, importance=0.25) for item in items],
    lambda items, more: [replace(item, id=item.id + "x") for item in items],
]


@settings(max_examples=40)  # each example is a row of calls, twice
@given(first=memories(8), steps=st.lists(st.tuples(st.sampled_from(RESHAPES), memories(3))))
def test_lists_that_are_alike_give_what_a_new_allocator_gives(
    first: list[MemoryItem], steps: list[tuple[Reshape, list[MemoryItem]]]
) -> None:
    memory_allocator = allocator_with(workspace())
    items = first
    for number, (reshape, more) in enumerate([(RESHAPES[0], []), *steps]):
        fresh = [replace(item, id=f"{number}-{item.id}") for item in more]
        items = reshape(items, fresh)
        got, expected = (
            allocator.allocate_memory_budget("Zebra 2026", items, "w", 900, now=NOW)
            for allocator in (memory_allocator, allocator_with(workspace()))
        )
        assert got.prompt_text == expected.prompt_text
        assert got.selected == expected.selected
        assert got.omitted == expected.omitted


def test_an_array_of_items_is_compared_by_their_fields() -> None:
    pools = PreparedPools()
    items = [memory(f"m{row}", embedding=np.array([row, 1.0, 2.0])) for row in range(40)]
    prepared(pools.snapshot(items, capacity=3))
    again = [memory(f"m{row}", embedding=np.array([row, 1.0, 2.0])) for row in range(40)]
    assert PoolSnapshot.lexical.known(pools.snapshot(again, capacity=3))
