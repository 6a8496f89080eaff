"""A vector that cannot be compared counts as missing, with a note; the call goes on without it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from fakes import CharCounter

from mba_integrations import Allocation, MemoryBudgetAllocator, MemoryItem, MemoryPool

NAN = math.nan
FAULTY = "an embedding that is empty or not finite; it counts as missing."


def item(name: str, embedding: Any = None) -> MemoryItem:
    return MemoryItem(name, f"Text {name} of Kate.", "rag", embedding=embedding)


def allocate(items: Any, embedder: Any = None, vector: Any = None, query: str = "?") -> Allocation:
    allocator = MemoryBudgetAllocator(CharCounter(), embedder)
    return allocator.allocate_memory_budget(query, items, budget_tokens=500, query_embedding=vector)


def other_length(name: str, length: int, kept: int) -> str:
    return (
        f"item {name!r} has an embedding of another length ({length} numbers, not {kept}); it "
        "counts as missing. Embed all items with one model."
    )


@pytest.mark.parametrize(
    ("vectors", "asked", "notes"),
    [
        pytest.param([[1, 0], [0, 1]], [1, 0], [], id="all-usable"),
        pytest.param([[1, 0], [NAN, 1]], [1, 0], [f"item '1' has {FAULTY}"], id="nan"),
        pytest.param([[1, 0], [math.inf, 1]], [1, 0], [f"item '1' has {FAULTY}"], id="infinite"),
        pytest.param([[], [0, 1]], [1, 0], [f"item '0' has {FAULTY}"], id="empty"),
        pytest.param([[], [NAN]], [1, 0], [f"item '0' and 1 more have {FAULTY}"], id="all-faulty"),
        pytest.param([[1, 0], [0, 1, 2]], [1, 0], [other_length("1", 3, 2)], id="longer"),
        pytest.param([[1], [0, 1], [1, 1]], None, [other_length("0", 1, 2)], id="without-a-query"),
        pytest.param([[1], [0, 1], [1, 1]], [2], ["item '1' and 1 more have"], id="query-decides"),
        pytest.param(
            [[1, 0], [0, 1]],
            [1, 0, 0],
            ["the query's embedding has 3 numbers, the items' have 2; it counts as missing."],
            id="query-of-another-length",
        ),
        pytest.param(
            [[1, 0]], [], ["the query's embedding is empty; it counts as missing."], id="no-query"
        ),
        pytest.param(
            [[1, 0]],
            [NAN, 1],
            ["the query's embedding holds a value that is not finite; it counts as missing."],
            id="query-with-nan",
        ),
    ],
)
@pytest.mark.parametrize("as_pool", [False, True], ids=["list", "pool"])
def test_a_vector_that_cannot_be_compared_is_a_note(
    vectors: list[Any], asked: Any, notes: list[str], as_pool: bool
) -> None:
    items = [item(str(row), vector) for row, vector in enumerate(vectors)]
    allocation = allocate(MemoryPool.from_items(items) if as_pool else items, vector=asked)
    assert len(allocation.selected) == len(items)
    assert len(allocation.notes) == len(notes)
    for note, expected in zip(allocation.notes, notes, strict=True):
        assert note.startswith(expected)


def test_what_is_missing_is_as_if_it_had_not_been_given() -> None:
    good = [item("a", [1, 0]), item("b", [0, 1])]
    with_odd = allocate([*good, item("c", [NAN, 1])], vector=[1, 0])
    without = allocate([*good, item("c")], vector=[1, 0])
    assert with_odd.prompt_text == without.prompt_text
    assert [one.score for one in with_odd.selected] == [one.score for one in without.selected]


class Model:
    """Embeds a text as two numbers, and some in another way."""

    def __init__(self, **odd: Any) -> None:
        self.odd = odd
        self.asked: list[str] = []

    def __call__(self, texts: list[str]) -> Any:
        self.asked += texts
        odd = {f"Text {name} of Kate.": vector for name, vector in self.odd.items()}
        return [odd.get(text, [1.0, len(text)]) for text in texts]


def test_what_is_faulty_is_embedded_where_there_is_an_embedder() -> None:
    model = Model()
    allocation = allocate([item("a", [NAN, 1]), item("b", [1, 0])], model, query="Kate?")
    assert model.asked == ["Kate?", "Text a of Kate."]
    assert allocation.notes == (f"item 'a' has {FAULTY}",)


@pytest.mark.parametrize(
    "odd", [[NAN, 1], [], [1, 2, 3], None], ids=["nan", "empty", "longer", "none"]
)
def test_a_text_that_the_embedder_fails_on_costs_only_its_own_vector(odd: Any) -> None:
    items = [item(name) for name in "abc"]
    allocation = allocate(items, Model(b=odd), query="Kate?")
    assert {one.id for one in allocation.selected} == {"a", "b", "c"}
    assert allocation.notes == (f"item 'b' has {FAULTY}",)


def test_a_text_that_failed_once_is_tried_again_by_the_next_call_with_new_items() -> None:
    model = Model(b=[NAN, 1])
    allocator = MemoryBudgetAllocator(CharCounter(), model)
    allocator.allocate_memory_budget("Kate?", [item("a"), item("b")], budget_tokens=500)
    model.odd = {}
    fresh = [MemoryItem(name, f"Text {name} of Kate.", "project") for name in ("b", "a", "z")]
    found = allocator.allocate_memory_budget("Kate?", MemoryPool.from_items(fresh))
    assert found.notes == ()
    assert model.asked.count("Text b of Kate.") == 2
    assert model.asked.count("Text a of Kate.") == 1


def test_blank_texts_are_not_sent_to_the_embedder() -> None:
    asked: list[str] = []

    def embedder(texts: list[str]) -> list[list[float]]:
        asked.extend(texts)
        return [[1.0, 2.0] for _ in texts]

    blank = MemoryItem("blank", " \n\t", "rag")
    found = allocate([blank, item("a")], embedder, query="Kate?")
    assert sorted(asked) == ["Kate?", item("a").content]
    assert not found.notes
    assert "a" in found.selected_ids


def test_a_query_that_cannot_be_embedded_is_a_note() -> None:
    def embedder(texts: list[str]) -> Any:
        return [[NAN, NAN] if text == "Kate?" else [1.0, 2.0] for text in texts]

    allocation = allocate([item("a"), item("b")], embedder, query="Kate?")
    assert len(allocation.selected) == 2
    (note,) = allocation.notes
    assert note.startswith("the query's embedding holds a value that is not finite")


def test_an_embedding_that_is_given_and_unusable_is_made_by_the_embedder() -> None:
    model = Model()
    allocation = allocate([item("a", [1, 0])], model, vector=[NAN, 1], query="Kate?")
    assert model.asked == ["Kate?"]
    assert allocation.notes == ()


def test_a_pool_with_an_odd_vector_is_queried_after_every_change() -> None:
    pool = MemoryPool.from_items([item("a", [1, 0]), item("odd", [1, 0, 0]), item("b", [0, 1])])
    assert len(allocate(pool, vector=[1, 0]).notes) == 1
    pool.add(item("c", [1, 2, 3]))
    assert len(allocate(pool, vector=[1, 0]).notes) == 1
    pool.remove("b", "a")
    # Now all that is left has three numbers, so it is the query's vector that goes with none.
    (note,) = allocate(pool, vector=[1, 0]).notes
    assert note.startswith("the query's embedding has 2 numbers, the items' have 3")


def test_the_vector_of_the_query_decides_by_the_cosine_of_what_can_be_compared() -> None:
    items = [item("a", [1, 0]), item("b", [0, 1]), item("c", np.ones(3)), item("d", np.ones(3))]
    near_b = allocate(items, vector=[0, 1])
    scores = {one.id: one.score for one in near_b.selected}
    assert scores["b"] > max(scores["c"], scores["d"]) > scores["a"]
