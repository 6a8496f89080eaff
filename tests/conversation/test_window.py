"""The recent window: what is in it, that it moves in steps, what large exchanges leave to it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from talk import Said, ai, conversation, result, talks, user

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
