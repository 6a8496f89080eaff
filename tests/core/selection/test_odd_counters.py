"""Counters whose counts do not add up: what fits comes in, and no prompt is empty without need."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations import (
    Allocation,
    JoinedTexts,
    MemoryBudgetAllocator,
    MemoryItem,
)

Counter = Callable[[str], int]


def words(text: str) -> int:
    return len(text.split())


ODD: dict[str, Counter] = {
    "convex": lambda text: int(words(text) ** 1.3),
    "square": lambda text: words(text) ** 2,
    "exponential": lambda text: 2 ** min(60, words(text) // 4),
    "concave": lambda text: int(words(text) ** 0.7),
    "one-for-all": lambda text: 1,
    "five-for-all": lambda text: 5,
    "nothing": lambda text: 0,
    "every-seventh-is-long": lambda text: 10**6 if len(text) % 7 == 0 else words(text),
    "several-lines-are-long": lambda text: 10**6 if text.count("\n") > 2 else words(text),
    "scattered": lambda text: len(text) * 37 % 101,
}
LAYOUTS = {"sections": None, "joined": JoinedTexts(separator="\n")}


def ten_words_each(count: int) -> list[MemoryItem]:
    return [
        MemoryItem(f"m{n}", " ".join(f"w{n}x{k}" for k in range(10)), "rag", importance=n / count)
        for n in range(count)
    ]


def allocated(
    counter: Counter, items: list[MemoryItem], budget: int, layout: str = "sections"
) -> Allocation:
    return MemoryBudgetAllocator(counter).allocate_memory_budget(
        "w3x1", items, budget_tokens=budget, layout=LAYOUTS[layout]
    )


def as_written_alone(item: MemoryItem, layout: str) -> str:
    """What a prompt of one document is."""
    return item.content if layout == "joined" else f"## Documents\n- {item.content}\n"


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("counter", ODD)
@pytest.mark.parametrize("budget", [1, 5, 7, 20, 100, 1000])
def test_a_prompt_is_empty_only_where_nothing_fits(counter: str, layout: str, budget: int) -> None:
    count, items = ODD[counter], ten_words_each(40)
    found = allocated(count, items, budget, layout)
    assert count(found.prompt_text) * bool(found.prompt_text) == found.used_tokens <= budget
    fits = [item.id for item in items if count(as_written_alone(item, layout)) <= budget]
    assert bool(found.selected) == bool(fits)


@settings(max_examples=60, deadline=None)
@given(
    counts=st.lists(st.integers(0, 60), min_size=31, max_size=31),
    sizes=st.lists(st.integers(1, 12), min_size=1, max_size=8),
    budget=st.integers(1, 48),  # items of so many come in however doubtful they are
)
def test_any_counts_at_all_are_kept_to_and_something_that_fits_comes_in(
    counts: list[int], sizes: list[int], budget: int
) -> None:
    """Each length has a count of its own, without any order."""

    def count(text: str) -> int:
        return counts[len(text) % 31]

    items = [MemoryItem(f"m{n}", f"{n}" + "x" * size, "rag") for n, size in enumerate(sizes)]
    found = allocated(count, items, budget, "joined")
    if found.prompt_text:
        assert count(found.prompt_text) == found.used_tokens <= budget
    fits = [item for item in items if count(item.content) <= budget]
    assert found.selected or not fits  # two may fit where neither does alone


@pytest.mark.parametrize(
    ("budget", "least"), [pytest.param(1000, 20, id="large"), pytest.param(100, 3, id="small")]
)
def test_a_convex_counter_gets_as_many_lines_as_fit(budget: int, least: int) -> None:
    """A line more is over: 21 lines of ten words are 1,044 tokens, 4 are 120."""
    found = allocated(ODD["convex"], ten_words_each(60), budget, "joined")
    assert len(found.selected) == least
    assert ODD["convex"](f"{found.prompt_text} " + "w " * 10) > budget


def test_packings_are_as_many_as_halvings_and_not_as_many_as_items() -> None:
    counted: list[str] = []

    def count(text: str) -> int:
        counted.append(text)
        return int(words(text) ** 1.3)

    allocated(count, ten_words_each(400), 1000)
    whole = [text for text in counted if text.count("\n") > 1]
    assert 2 <= len(whole) <= 20


ALONE_IS_DEAR = "a b c"


def dear_alone(text: str) -> int:
    """Several texts never fit, nor does one of them; with a separator after it, it would."""
    if "\n" in text.rstrip():
        return 10**6
    return 1000 if text == ALONE_IS_DEAR else words(text)


def test_the_best_that_fits_alone_comes_in_where_no_packing_did() -> None:
    """Packing prefers what is dear alone, and what is left after dropping it is nothing."""
    items = [
        MemoryItem("dear", ALONE_IS_DEAR, "rag", importance=1.0),
        MemoryItem("fits", "d e f g", "rag", importance=0.1),
        MemoryItem("worse", "h i j k", "rag", importance=0.0),
    ]
    found = allocated(dear_alone, items, 20, "joined")
    assert [*found.selected_ids] == ["fits"]
    assert not found.proven_optimal


def test_no_text_may_be_some_tokens() -> None:
    """Where nothing comes in, nothing is written, and nothing is counted."""
    found = allocated(ODD["five-for-all"], ten_words_each(3), 3)
    assert (found.prompt_text, found.used_tokens, found.selected) == ("", 0, ())
