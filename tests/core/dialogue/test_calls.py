"""Who made a call that is answered, and in which order messages are sent: held by slow searches."""

from __future__ import annotations

import pytest
from hypothesis import given
from talk import Said, ai, result, system, talks, user

from mba_integrations.core.dialogue.calls import callers
from mba_integrations.core.dialogue.exchanges import exchanges_of, sending_order
from mba_integrations.core.dialogue.roles import Role


def slow_caller(messages: list[Said], place: int) -> int | None:
    """The latest call before *place* that its message answers, by its first id that was called."""
    if messages[place].call_ids:
        return place
    for answered in messages[place].answers:
        for before in range(place - 1, -1, -1):
            if answered in messages[before].call_ids:
                return before
    return None


@given(talks())
def test_callers_are_those_of_a_slow_search(messages: list[Said]) -> None:
    slow = {place: slow_caller(messages, place) for place in range(len(messages))}
    assert callers(messages) == {place: call for place, call in slow.items() if call is not None}


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([], {}, id="nothing"),
        pytest.param([user(), ai()], {}, id="talk"),
        pytest.param([result("a"), ai("", "a")], {1: 1}, id="an-answer-before-its-call"),
        pytest.param([ai("", "a"), user(), result("a")], {0: 0, 2: 0}, id="far-away"),
        pytest.param([ai("", "a"), user("", "x", "a")], {0: 0, 1: 0}, id="by-its-second-answer"),
    ],
)
def test_a_call_is_found_for_its_answer(messages: list[Said], expected: dict[int, int]) -> None:
    assert callers(messages) == expected


@given(talks())
def test_sending_moves_system_messages_alone_and_loses_none(messages: list[Said]) -> None:
    exchanges = list(exchanges_of(messages))
    order = sending_order(exchanges, range(len(messages)))
    assert sorted(order) == list(range(len(messages)))
    others = [place for place in order if messages[place].role is not Role.SYSTEM]
    systems = [place for place in order if messages[place].role is Role.SYSTEM]
    assert (others, systems) == (sorted(others), sorted(systems))
    for exchange in exchanges:
        for one in exchange.rounds:
            first, last = order.index(one.call), order.index(one.results[-1])
            within = order[first : last + 1]
            assert not [place for place in within if messages[place].role is Role.SYSTEM]


@pytest.mark.parametrize(
    ("messages", "order"),
    [
        pytest.param([user(), ai("", "a"), system()], [0, 2, 1], id="after-a-call-that-waits"),
        pytest.param(
            [user(), ai("", "a"), result("a"), system()], [0, 1, 2, 3], id="after-a-round"
        ),
        pytest.param([user(), ai("", "a"), system(), user()], [0, 1, 2, 3], id="no-round"),
    ],
)
def test_a_system_message_is_sent_before_results_that_follow(
    messages: list[Said], order: list[int]
) -> None:
    assert sending_order(exchanges_of(messages), range(len(messages))) == order
