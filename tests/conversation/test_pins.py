"""What must be sent, how results of the open round give way, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from talk import CHOOSER, Said, ai, conversation, planned, result, shown, system, user

from mba_integrations import PinnedOverBudgetError
from mba_integrations.conversation.draft import Draft, Request
from mba_integrations.conversation.pins import Pins, Wording, check_pins, pins_of

OPEN = [user("ask"), ai("", "a", "b"), result("a", "x" * 300), result("b", "short")]


def pinned(messages: list[Said], **options: object) -> list[str]:
    """Texts that are sent where nothing but pins has room."""
    made = conversation(messages)
    request = Request(budget_tokens=10_000, **options)  # type: ignore[arg-type]
    places = Draft(made, request, CHOOSER)._pins.places
    return [messages[place].text for place in sorted(places.tolist())]


@pytest.mark.parametrize(
    ("messages", "options", "expected"),
    [
        pytest.param([user("u0"), ai("a0"), user("u1")], {}, ["u1"], id="the-last-question"),
        pytest.param([user("u0"), ai("a0")], {}, ["u0"], id="also-an-answered-one"),
        pytest.param([user("u0"), ai("a0")], {"waits": False}, [], id="not-if-another-follows"),
        pytest.param([system("s"), user("u0")], {"waits": False}, ["s"], id="system-messages"),
        pytest.param([ai("a0"), ai("a1")], {}, ["a1"], id="the-last-message-without-a-question"),
        pytest.param([*OPEN[:2], result("a"), result("b")], {}, ["ask", "", "r", "r"], id="round"),
        pytest.param([user("u"), ai("c", "a")], {}, ["u"], id="calls-nobody-waits-for"),
        pytest.param([user("u"), ai("c", "a")], {"calls_may_wait": True}, ["u", "c"], id="waiting"),
        pytest.param(
            [user("u"), ai("c", "a"), user("and this?", "a"), ai("d", "b"), result("b", "r")],
            {},
            ["u", "c", "and this?", "d", "r"],
            id="words-of-the-user-beside-a-result",
        ),
    ],
)
def test_what_must_be_sent(
    messages: list[Said], options: dict[str, object], expected: list[str]
) -> None:
    assert pinned(messages, **options) == expected


def test_open_results_are_shortened_only_as_far_as_needed_and_short_ones_stay() -> None:
    whole = planned(OPEN, 10_000)
    assert not whole.texts
    for budget in range(90, whole.tokens):
        plan = planned(OPEN, budget)
        assert plan.places == (0, 1, 2, 3)
        assert list(plan.texts) == [2]
        assert plan.tokens <= budget
    assert shown(OPEN, planned(OPEN, whole.tokens - 1))[2].startswith(
        "[result of tool call a: 304 tokens, shortened]\nxxx"
    )


def test_one_token_too_few_is_refused_with_the_arithmetic() -> None:
    messages = [system("be brief"), *OPEN]
    with pytest.raises(PinnedOverBudgetError) as caught:
        planned(messages, 10, besides=(("memories", 20),), frame_tokens=3)
    assert str(caught.value) == (
        "what must be sent needs 104 tokens (memories 20, framing 3, system messages 12, last user "
        "message 7, open tool calls 13, their results, shortened 49), the budget is 10 "
        "(budget_tokens; 94 over). Raise the budget or call fewer tools at once."
    )
    needed = caught.value.needed_tokens
    with pytest.raises(PinnedOverBudgetError):
        planned(messages, needed - 1, besides=(("memories", 20),), frame_tokens=3)
    fits = planned(messages, needed, besides=(("memories", 20),), frame_tokens=3)
    assert fits.tokens == needed


def test_the_words_of_a_framework_name_the_parts() -> None:
    wording = Wording(question="last human message", system="system messages in the state")
    with pytest.raises(PinnedOverBudgetError, match="shorten the last human message"):
        planned([user("too long")], 5, wording=wording)


def test_where_nothing_must_be_sent_no_budget_is_too_small() -> None:
    assert planned([user("u"), ai("a")], 0, frame_tokens=3, waits=False).places == ()


@given(st.lists(st.tuples(st.text(max_size=3), st.integers(0, 9)), max_size=4), st.integers(0, 30))
def test_parts_are_refused_exactly_if_their_sum_is_over(
    parts: list[tuple[str, int]], budget: int
) -> None:
    needed = sum(tokens for _, tokens in parts)
    if needed <= budget:
        check_pins(parts, budget, "x")
    else:
        with pytest.raises(PinnedOverBudgetError) as caught:
            check_pins(parts, budget, "x")
        assert (caught.value.needed_tokens, caught.value.budget_tokens) == (needed, budget)


def pins(messages: list[Said], room: int, *, waits: bool = True, may_wait: bool = False) -> Pins:
    history = conversation(messages).history
    last = history.last if waits else None
    return pins_of(
        history.messages, history.costs, last, room, calls_may_wait=may_wait, wording=Wording()
    )


@pytest.mark.parametrize(
    ("messages", "options", "parts"),
    [
        pytest.param([], {}, [], id="nothing"),
        pytest.param([user("ab")], {}, [("last user message", 6)], id="a-question"),
        pytest.param([ai("ab")], {}, [("last message", 6)], id="no-question"),
        pytest.param([user("ab"), system("s")], {"waits": False}, [("system messages", 5)], id="s"),
        pytest.param(
            [user("ab"), ai("c", "c1")],
            {"may_wait": True},
            [("last user message", 6), ("open tool calls", 5)],
            id="a-call-that-waits",
        ),
        pytest.param(
            OPEN,
            {},
            [("last user message", 7), ("open tool calls", 13), ("their results, shortened", 49)],
            id="a-long-result-at-the-least",
        ),
    ],
)
def test_parts_are_named_with_their_tokens(
    messages: list[Said], options: dict[str, bool], parts: list[tuple[str, int]]
) -> None:
    assert list(pins(messages, 999, **options).parts) == parts


@pytest.mark.parametrize(
    ("messages", "waits", "question"),
    [
        pytest.param([user("a"), ai("b"), user("c")], True, 2, id="the-last"),
        pytest.param([user("a"), *OPEN[1:]], True, 0, id="before-its-round"),
        pytest.param([user("a")], False, None, id="nothing-waits"),
        pytest.param([ai("a")], True, None, id="nobody-asked"),
    ],
)
def test_the_question_is_the_message_that_waits(
    messages: list[Said], waits: bool, question: int | None
) -> None:
    assert pins(messages, 999, waits=waits).question == question


@given(st.lists(st.integers(100, 400), min_size=1, max_size=4), st.integers(0, 1500))
def test_one_limit_for_all_open_results_is_the_largest_that_fits(
    sizes: list[int], room: int
) -> None:
    calls = [f"c{n}" for n in range(len(sizes))]
    results = [result(call, "x" * size) for call, size in zip(calls, sizes, strict=True)]
    messages = [user("u"), ai("", *calls), *results]
    costs = conversation(messages).history.costs
    found = pins(messages, room)
    left = room - int(costs.full[:2].sum())

    def needed(limit: int) -> int:
        return int(np.minimum(costs.full, np.maximum(costs.least, limit))[2:].sum())

    if int(costs.full[2:].sum()) <= left:
        assert found.limit_tokens is None
    else:
        fitting = [limit for limit in range(405) if needed(limit) <= left]
        assert found.limit_tokens is not None
        assert needed(found.limit_tokens) == needed(fitting[-1] if fitting else 0)
