"""Exchanges and rounds: what belongs together, what waits, what a provider would refuse."""

from __future__ import annotations

from itertools import takewhile
from typing import NamedTuple

import pytest
from hypothesis import given
from talk import Said, ai, problems, result, system, talks, user

from mba_integrations.core.dialogue.calls import callers
from mba_integrations.core.dialogue.exchanges import Exchange, exchanges_of, sending_order
from mba_integrations.core.dialogue.roles import Role, role_named


class Parts(NamedTuple):
    """One exchange in short."""

    talk: tuple[int, ...]
    rounds: list[tuple[int, ...]] = []  # noqa: RUF012 - never changed
    waiting: tuple[int, ...] = ()
    unusable: set[int] = set()  # noqa: RUF012 - never changed


def parts(exchange: Exchange) -> Parts:
    waiting = exchange.waiting.places if exchange.waiting else ()
    rounds = [one.places for one in exchange.rounds]
    return Parts(exchange.talk, rounds, waiting, set(exchange.unusable))


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([], [], id="nothing"),
        pytest.param([user(), ai(), user()], [Parts((0, 1)), Parts((2,))], id="talk"),
        pytest.param([ai(), user()], [Parts((0,)), Parts((1,))], id="begins-without-a-question"),
        pytest.param([user(), ai("", "a"), result("a")], [Parts((0,), [(1, 2)])], id="round"),
        pytest.param(
            [user(), ai("", "a", "b"), result("b"), result("a"), ai()],
            [Parts((0, 4), [(1, 2, 3)])],
            id="parallel-calls-in-any-order",
        ),
        pytest.param(
            [user(), ai("", "a", "b"), result("a"), ai()],
            [Parts((0, 3), unusable={1, 2})],
            id="half-answered",
        ),
        pytest.param(
            [user(), ai("", "a", "b"), result("a")],
            [Parts((0,), waiting=(1, 2))],
            id="half-answered-at-the-end-waits",
        ),
        pytest.param(
            [user(), ai("", "a"), user()],
            [Parts((0,), unusable={1}), Parts((2,))],
            id="unanswered-before-a-user",
        ),
        pytest.param(
            [user(), ai("", "a"), result("a"), result("a"), ai()],
            [Parts((0, 4), [(1, 2)], unusable={3})],
            id="second-result-of-a-call",
        ),
        pytest.param([user(), result("a")], [Parts((0,), unusable={1})], id="stray"),
        pytest.param(
            [user(), ai("", "a"), result("x"), result("a")],
            [Parts((0,), [(1, 3)], unusable={2})],
            id="stray-within",
        ),
        pytest.param(
            [user(), ai("", "a"), system(), result("a")],
            [Parts((0,), [(1, 3)])],
            id="system-message-within",
        ),
        pytest.param(
            [user(), ai("", "a"), ai(), result("a")],
            [Parts((0, 2), unusable={1, 3})],
            id="an-answer-comes-too-late",
        ),
        pytest.param(
            [user(), ai("", "a"), user("", "a"), ai()],
            [Parts((0, 3), [(1, 2)])],
            id="result-in-a-user-message",
        ),
        pytest.param(
            [user(), ai("", "a", "b"), user("", "a", "b")],
            [Parts((0,), [(1, 2)])],
            id="several-results-in-a-user-message",
        ),
        pytest.param(
            [user(), ai("", "a"), user("", "a", "x")],
            [Parts((0,), waiting=(1,), unusable={2})],
            id="one-of-its-results-has-no-call",
        ),
        pytest.param(
            [user(), ai("", "", ""), result(""), result("")],
            [Parts((0,), [(1, 2, 3)])],
            id="ids-that-nobody-knows",
        ),
        pytest.param(
            [user(), ai("", "a"), result("")], [Parts((0,), [(1, 2)])], id="result-without-an-id"
        ),
        pytest.param(
            [user(), ai("", ""), result("a")], [Parts((0,), [(1, 2)])], id="call-without-an-id"
        ),
        pytest.param(
            [user(), Said(Role.ASSISTANT, "", ("a",), ("a",)), ai()],
            [Parts((0, 1, 2))],
            id="a-provider-s-own-tool",
        ),
    ],
)
def test_a_conversation_is_taken_apart(messages: list[Said], expected: list[Parts]) -> None:
    assert [parts(exchange) for exchange in exchanges_of(messages)] == expected


def slow_rounds(messages: list[Said]) -> set[tuple[int, ...]]:
    """Complete rounds where every id is known and each result answers one call."""
    found = set()
    for place, message in enumerate(messages):
        if message.role is not Role.ASSISTANT or not message.call_ids:
            continue
        after = takewhile(
            lambda p: messages[p].answers or messages[p].role is Role.SYSTEM,
            range(place + 1, len(messages)),
        )
        answered = [(messages[p].answers[0], p) for p in after if messages[p].answers]
        first = {call: p for call, p in reversed(answered) if call in message.call_ids}
        if len(first) == len(set(message.call_ids)):
            found.add((place, *sorted(first.values())))
    return found


def _is_plain(message: Said) -> bool:
    """Whether `slow_rounds` may judge it."""
    is_result = message.role is Role.RESULT
    return "" not in message.call_ids and bool(message.answers) >= is_result


@given(talks())
def test_rounds_are_those_of_a_slow_search(messages: list[Said]) -> None:
    messages = list(filter(_is_plain, messages))
    rounds = {one.places for exchange in exchanges_of(messages) for one in exchange.rounds}
    assert rounds == slow_rounds(messages)


@given(talks())
def test_every_message_has_one_part_and_what_is_usable_is_taken_by_providers(
    messages: list[Said],
) -> None:
    exchanges = list(exchanges_of(messages))
    seen = [
        place
        for one in exchanges
        for place in (
            *(one.places + one.system + one.unusable),
            *(one.waiting.places if one.waiting else ()),
        )
    ]
    assert sorted(seen) == list(range(len(messages)))
    assert all(one.waiting is None for one in exchanges[:-1])
    usable = [place for one in exchanges for place in (*one.places, *one.system)]
    assert not problems([messages[place] for place in sending_order(exchanges, usable)])


@given(talks())
def test_reading_from_an_exchange_on_gives_the_same(messages: list[Said]) -> None:
    exchanges = list(exchanges_of(messages))
    for number, exchange in enumerate(exchanges):
        assert list(exchanges_of(messages, exchange.start)) == exchanges[number:]


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param([user(), ai("", "a"), result("a")], (1, 2), id="at-the-end"),
        pytest.param([user(), ai("", "a"), result("a"), system()], (1, 2), id="system-after-it"),
        pytest.param([user(), ai("", "a"), result("a"), result("x")], (1, 2), id="stray-after-it"),
        pytest.param([user(), ai("", "a"), result("a"), ai()], None, id="answered"),
        pytest.param([user(), ai()], None, id="no-round"),
    ],
)
def test_the_open_round(messages: list[Said], expected: tuple[int, ...] | None) -> None:
    (exchange,) = exchanges_of(messages)
    assert (exchange.open_round.places if exchange.open_round else None) == expected


def test_a_system_message_within_a_round_is_sent_before_it_and_others_stay() -> None:
    messages = [system(), user(), ai("", "a", "b"), result("a"), system(), system(), result("b")]
    messages += [system(), ai()]
    order = sending_order(exchanges_of(messages), range(len(messages)))
    assert order == [0, 1, 4, 5, 2, 3, 6, 7, 8]


def test_callers_are_found_wherever_they_stand() -> None:
    messages = [ai("", "a", "b"), ai(), result("b"), result("x"), ai("", "a"), result("a")]
    assert callers(messages) == {0: 0, 2: 0, 4: 4, 5: 4}


@pytest.mark.parametrize(
    ("name", "role"),
    [
        ("system", Role.SYSTEM),
        ("Developer", Role.SYSTEM),
        ("human", Role.USER),
        ("USER", Role.USER),
        ("ai", Role.ASSISTANT),
        ("assistant", Role.ASSISTANT),
        ("function", Role.RESULT),
        ("tool", Role.RESULT),
        ("narrator", None),
        ("", None),
    ],
)
def test_roles_by_the_names_that_are_in_use(name: str, role: Role | None) -> None:
    assert role_named(name) is role
