"""The recent window: what is in it, that it moves in steps, what large exchanges leave to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from talk import FRAME, Said, ai, conversation, result, talks, user

from mba_integrations.conversation.history import Place
from mba_integrations.conversation.window import Rooms, Window, long_result_limit, window_of

PAIR = 30
"""Tokens of a question and its answer."""


def pairs(count: int) -> list[Said]:
    return [one for _ in range(count) for one in (user("u" * 11), ai("a" * 11))]


def window(
    messages: list[Said], *, budget: int, recent: int | None = None, **options: bool
) -> Window:
    made = conversation(messages)
    rooms = Rooms(
        budget=budget,
        free=budget,
        recent=budget // 2 if recent is None else recent,
        only_recent=options.pop("only_recent", False),
    )
    costs = made.history.costs
    free = costs.kind == Place.FREE
    return window_of(made.history.exchanges, costs, free, rooms, waits=options.pop("waits", False))


def test_the_example_of_the_module() -> None:
    begins = [int(window(pairs(n), budget=70, recent=60).recent[0]) // 2 for n in (3, 4, 5, 6)]
    assert begins == [1, 2, 3, 4]
    longer = [*pairs(3), user("u" * 6)]
    assert int(window(longer, budget=70, recent=60).recent[0]) // 2 == 2


def test_it_moves_in_steps_and_holds_at_least_half_of_its_room() -> None:
    begins = []
    for count in range(20, 60):
        found = window(pairs(count), budget=480, recent=240)
        assert 120 <= found.recent_tokens <= 240
        begins.append(int(found.recent[0]))
    assert begins == sorted(begins)
    assert len(set(begins)) <= len(begins) / 2.5


def test_with_all_the_room_it_leaves_nothing_unused_and_nothing_to_choose() -> None:
    for count in range(20, 40):
        found = window(pairs(count), budget=400, recent=400, only_recent=True)
        assert found.recent_tokens == 400 // PAIR * PAIR
        assert not len(found.older)


@pytest.mark.parametrize(
    ("budget", "recent", "older"),
    [
        pytest.param(300, 10, 0, id="all-fits"),
        pytest.param(299, 2, 8, id="one-token-less"),
        pytest.param(29, 0, 10, id="not-one-exchange"),
        pytest.param(0, 0, 10, id="no-room"),
    ],
)
def test_messages_are_divided(budget: int, recent: int, older: int) -> None:
    found = window(pairs(10), budget=budget)
    assert (len(found.recent) // 2, len(found.older) // 2) == (recent, older)


LARGE = [user("u0"), ai("", "a"), result("a", "x" * 500), ai("", "b"), result("b", "y" * 500), ai()]


def test_a_large_exchange_stands_in_the_window_without_its_rounds() -> None:
    messages = [*pairs(20), *LARGE, *pairs(1)]
    found = window(messages, budget=400, recent=200)
    assert {40, 45} <= set(found.recent.tolist())
    assert set(range(41, 45)) <= set(found.older.tolist())
    newest = window(messages[:-2], budget=400, recent=200)
    assert set(range(40, 46)) <= set(newest.recent.tolist())
    roomy = window(messages, budget=1000, recent=500)
    assert set(range(40, 46)) <= set(roomy.recent.tolist())


def test_of_the_exchange_that_waits_every_part_may_begin_the_window() -> None:
    waiting = [user("u"), *(one for n in range(9) for one in (ai("", f"c{n}"), result(f"c{n}")))]
    assert int(window(waiting, budget=60, recent=30, waits=True).recent[0]) > 9
    past = window(waiting, budget=60, recent=30)
    assert past.recent.tolist() == [0]


def test_long_results_are_shortened_before_anything_is_left_out_and_the_newest_grow_again() -> None:
    messages = [user("u"), ai("", "a"), result("a", "x" * 300), ai("", "b"), result("b", "y" * 300)]
    cost = int(conversation(messages).history.costs.full.sum())
    found = window([*messages, ai()], budget=cost)
    assert not len(found.older)
    assert found.sent[2] == long_result_limit(cost) < found.sent[4] == 304


def test_a_result_without_room_to_grow_leaves_it_to_an_older_one() -> None:
    sizes = (90, 300, 80)
    rounds = [
        m for n, size in enumerate(sizes) for m in (ai("", f"{n}"), result(f"{n}", "x" * size))
    ]
    messages = [user("u"), *rounds, ai()]
    full = conversation(messages).history.costs.full
    whole = int(full.sum())
    for short in range(31, 240, 10):
        found = window(messages, budget=whole - short)
        assert not len(found.older)
        assert found.sent[4] < full[4]
        assert (found.sent[2], found.sent[6]) == (full[2], full[6])


@given(st.integers(0, 10**9))
def test_a_long_result_has_about_an_eighth_and_the_limit_holds_for_many_budgets(
    budget: int,
) -> None:
    limit = long_result_limit(budget)
    assert limit & (limit - 1) == 0
    assert limit == 64 or limit <= budget // 8 < 2 * limit


def slow_begin(costs: list[int], recent: int, step: int) -> int:
    """The first exchange from which the rest fits, with what is before it in whole steps."""
    over = max(0, sum(costs) - recent)
    steps = next(n for n in range(over + 1) if n * step >= over)
    return next(
        n for n in range(len(costs) + 1) if sum(costs[:n]) >= steps * step or n == len(costs)
    )


@given(st.lists(st.integers(1, 30), min_size=1, max_size=12), st.integers(2, 120))
def test_the_window_begins_where_a_slow_search_says(sizes: list[int], recent: int) -> None:
    messages = [user("x" * size) for size in sizes]
    costs = [FRAME + size for size in sizes]
    budget = 4 * (FRAME + max(sizes))
    if sum(costs) <= budget:
        return
    found = window(messages, budget=budget, recent=min(recent, budget))
    least = min(recent, budget)
    begin = slow_begin(costs, least, max(1, least // 2))
    assert found.recent.tolist() == list(range(begin, len(sizes)))


@given(talks(), st.integers(0, 400), st.floats(0, 1), st.booleans(), st.booleans())
def test_it_divides_what_is_free_and_never_has_more_than_there_is(
    messages: list[Said], budget: int, share: float, waits: bool, only_recent: bool
) -> None:
    made = conversation(messages)
    found = window(
        messages, budget=budget, recent=int(share * budget), waits=waits, only_recent=only_recent
    )
    free = np.flatnonzero(made.history.costs.kind == Place.FREE)
    both = np.union1d(found.recent, found.older)
    assert set(both.tolist()) <= set(free.tolist())
    assert not np.intersect1d(found.recent, found.older).size
    assert only_recent or both.size == free.size
    assert found.recent_tokens == int(found.sent[found.recent].sum()) <= budget
    assert (found.sent <= made.history.costs.full).all()
    assert (found.sent >= made.history.costs.least).all()
