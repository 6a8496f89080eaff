"""Pins that do not fit are refused alike, whatever the prompt follows; pins that fit are in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from allocators import NOW, allocator_with, ids, lettered
from counters import COUNTERS
from fakes import CharCounter, line
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import memories, workspaces

from mba_integrations import (
    Allocation,
    BudgetError,
    JoinedTexts,
    MemoryBudgetAllocator,
    MemoryItem,
    PinnedOverBudgetError,
    TokenCounter,
    WorkspaceConfig,
)
from mba_integrations.core.layout.protocol import PromptTokens, WrittenPrompt

HEADING = len("## R\n")


def pinned(*names: str, size: int = 20, tier: str = "rag") -> list[MemoryItem]:
    return [line(name, size, tier, pinned=True) for name in names]


def free(*names: str, size: int = 20, tier: str = "rag") -> list[MemoryItem]:
    return [line(name, size, tier) for name in names]


def error_of(
    allocator: MemoryBudgetAllocator, items: Sequence[MemoryItem], budget: int, previous: Any
) -> PinnedOverBudgetError:
    with pytest.raises(PinnedOverBudgetError) as caught:
        allocator.allocate_memory_budget("?", items, "w", budget, now=NOW, previous=previous)
    return caught.value


OVER = [
    pytest.param(free("a", "b"), pinned("p", size=500), 100, {}, id="one-pin-far-over"),
    pytest.param(free(*"abcdefghij"), pinned(*"pqrstu"), 100, {}, id="many-pins"),
    pytest.param(free("a"), pinned("p", size=96), 100, {}, id="over-by-the-heading-alone"),
    pytest.param([], pinned("p", size=500), 100, {}, id="nothing-else-to-choose"),
    pytest.param(pinned("a", "b"), [], 30, {}, id="pins-of-before-in-a-smaller-budget"),
    pytest.param(
        free("a", "b"), pinned("p", size=500), 100, {"borrowing": False}, id="without-borrowing"
    ),
    pytest.param(
        [*free("a", tier="project"), *free("b")],
        pinned("p", size=110),
        100,
        {"tier_floor_tokens": {"project": 60}},
        id="beside-the-floor-of-another-tier",
    ),
    pytest.param(
        free("a", "b"),
        pinned("p", size=120),
        100,
        {"tier_cap_tokens": {"rag": 30}},
        id="beyond-a-cap",
    ),
    pytest.param(
        free("a"), pinned("p", size=500), 100, {"rendering": {"format": "messages"}}, id="messages"
    ),
    pytest.param(free("a"), pinned("p", size=500), 1, {}, id="budget-of-one"),
]


@pytest.mark.parametrize("stability", [0.0, 0.6, 1.0])
@pytest.mark.parametrize(("before", "pins", "budget", "changed"), OVER)
def test_the_error_has_the_figures_of_the_call_without_previous(
    before: list[MemoryItem],
    pins: list[MemoryItem],
    budget: int,
    changed: dict[str, Any],
    stability: float,
) -> None:
    allocator = allocator_with(lettered(stability=stability, **changed))
    first = allocator.allocate_memory_budget("?", before, "w", 400, now=NOW)
    alone = error_of(allocator, [*before, *pins], budget, None)
    following = error_of(allocator, [*before, *pins], budget, first)
    assert str(following) == str(alone)
    assert following.needed_tokens == alone.needed_tokens > budget == following.budget_tokens


def test_a_session_refuses_them_in_every_turn_and_goes_on_after() -> None:
    allocator = allocator_with(lettered())
    session, items = allocator.session("s"), free("a", "b", "c")
    first = session.allocate_memory_budget("?", items, "w", 100, now=NOW)
    for size in (90, 300, 5000):
        too_much = [*items, *pinned("p", size=size), *pinned("q")]
        alone = error_of(allocator, too_much, 100, None)
        with pytest.raises(PinnedOverBudgetError) as caught:
            session.allocate_memory_budget("?", too_much, "w", 100, now=NOW)
        assert str(caught.value) == str(alone)
    again = session.allocate_memory_budget("?", items, "w", 100, now=NOW)
    assert again.prompt_text == first.prompt_text
    assert again.stable_prefix_tokens == first.used_tokens


def test_pins_fit_to_the_last_token_whatever_stood_before() -> None:
    """A pin whose text changes stands last, which takes a heading more where there is room."""
    allocator = allocator_with(lettered())
    pins = [*pinned("a", "b", tier="project"), *pinned("c")]
    first = allocator.allocate_memory_budget("?", pins, "w", 200, now=NOW)
    changed = [replace(pins[0], content="z" * 17), *pins[1:]]
    exact = 3 * 20 + 2 * HEADING

    def second(budget: int) -> Allocation:
        return allocator.allocate_memory_budget("?", changed, "w", budget, now=NOW, previous=first)

    assert second(exact + HEADING).used_tokens == exact + HEADING
    assert ids(second(exact + HEADING))[-1] == "a"
    assert second(exact).used_tokens == exact
    assert sorted(ids(second(exact))) == ["a", "b", "c"]
    error = error_of(allocator, changed, exact - 1, first)
    assert error.needed_tokens == exact


def test_what_changes_still_stands_last_after_a_turn_without_room_for_it() -> None:
    allocator = allocator_with(lettered())
    pins = [*pinned("a", "b", tier="project"), *pinned("c")]
    turns = [(pins, 200)]
    turns.append(([replace(pins[0], content="z" * 17), *pins[1:]], 3 * 20 + 2 * HEADING))
    turns.append(([replace(pins[0], content="y" * 17), *pins[1:]], 200))
    session = allocator.session("s")
    done = [session.allocate_memory_budget("?", *turn[:1], "w", turn[1], now=NOW) for turn in turns]
    assert [ids(one)[-1] == "a" for one in done] == [False, False, True]


@pytest.mark.parametrize("now", [{"pinned": True}, {"group": "g"}], ids=["pinned", "grouped"])
def test_a_passage_whose_item_has_to_be_whole_now_is_whole(now: dict[str, Any]) -> None:
    text = " ".join(f"The deploy key of server {n} rotates on Monday." for n in range(12))
    long, other = MemoryItem("long", text, "rag"), line("o", 20)
    allocator = allocator_with(lettered(passage_min_tokens=40, stability=1.0))
    shortened = allocator.allocate_memory_budget("deploy key", [long, other], "w", 300, now=NOW)
    before = shortened.decision("long")
    assert getattr(before, "passage", None) is not None
    items = [replace(long, **now), other]
    small = error_of(allocator, items, 300, shortened) if "pinned" in now else None
    assert small is None or small.needed_tokens > 300
    allocation = allocator.allocate_memory_budget(
        "deploy key", items, "w", 900, now=NOW, previous=shortened
    )
    assert text in allocation.prompt_text


@settings(max_examples=50)
@given(
    st.lists(memories(max_size=8), min_size=1, max_size=2),
    st.lists(st.integers(1, 120), min_size=3, max_size=3),
    st.sampled_from([0.0, 0.5, 1.0]).flatmap(lambda stability: workspaces(stability=stability)),
    st.sampled_from(list(COUNTERS)),
    st.data(),
)
def test_a_call_that_follows_refuses_what_the_same_call_alone_refuses(
    drawn: list[list[MemoryItem]],
    budgets: list[int],
    config: WorkspaceConfig,
    counter: str,
    data: st.DataObject,
) -> None:
    allocator = allocator_with(config, token_counter=COUNTERS[counter])
    previous: Allocation | None = None
    for number, budget in enumerate(budgets):
        items = [
            replace(
                item,
                pinned=number > 0 and data.draw(st.booleans()),
                content=item.content * data.draw(st.sampled_from([1, 1, 40])),
            )
            for item in drawn[number % len(drawn)]
        ]
        alone, followed = (outcome(allocator, items, budget, before) for before in (None, previous))
        assert isinstance(followed, str) == isinstance(alone, str)
        if isinstance(followed, Allocation):
            previous = followed
        else:
            assert followed == alone


def outcome(
    allocator: MemoryBudgetAllocator,
    items: list[MemoryItem],
    budget: int,
    previous: Allocation | None,
) -> Allocation | str:
    try:
        return allocator.allocate_memory_budget("?", items, "w", budget, now=NOW, previous=previous)
    except PinnedOverBudgetError as error:
        return str(error)


class OfNothing(CharCounter):
    """Counts five tokens besides the characters, as a tokenizer that frames every text does."""

    id = "framed"

    def count(self, text: str, /) -> int:
        return len(text) + 5


class Framed(JoinedTexts):
    """Charges five tokens for every prompt, the empty one too."""

    def measure(self, written: WrittenPrompt, counter: TokenCounter) -> PromptTokens:
        tokens = len(written.text) + 5
        return PromptTokens(used=tokens, messages=0, needed=tokens)


@pytest.mark.parametrize("items", [[], free("a", "b")], ids=["no-items", "items"])
@pytest.mark.parametrize("follows", [False, True], ids=["first", "following"])
def test_a_layout_that_charges_more_for_nothing_than_the_budget_is_named(
    items: list[MemoryItem], follows: bool
) -> None:
    allocator, layout = allocator_with(lettered()), Framed(name="framed")
    before = allocator.allocate_memory_budget("?", free("a"), "w", 200, layout=layout)
    with pytest.raises(BudgetError, match=r"budget_tokens is 4 \(1 over\).*measure") as caught:
        allocator.allocate_memory_budget(
            "?", items, "w", 4, now=NOW, previous=before if follows else None, layout=layout
        )
    assert not isinstance(caught.value, PinnedOverBudgetError)
    assert (caught.value.needed_tokens, caught.value.budget_tokens) == (5, 4)


@pytest.mark.parametrize("budget", [1, 4, 5, 6])
@pytest.mark.parametrize("items", [[], free("a", "b")], ids=["no-items", "items"])
@pytest.mark.parametrize("follows", [False, True], ids=["first", "following"])
def test_no_text_is_no_token_whatever_the_counter_says(
    items: list[MemoryItem], budget: int, follows: bool
) -> None:
    allocator = allocator_with(lettered(), token_counter=OfNothing())
    before = allocator.allocate_memory_budget("?", free("a"), "w", 200) if follows else None
    empty = allocator.allocate_memory_budget("?", items, "w", budget, now=NOW, previous=before)
    assert (empty.prompt_text, empty.used_tokens) == ("", 0)
