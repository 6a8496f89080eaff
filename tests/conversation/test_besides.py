"""What is sent besides a conversation: its fair room, its pins, what is left over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from talk import CHOOSER, FRAME, Said, ai, conversation, problems, shown, talks, user

from mba_integrations import PinnedOverBudgetError
from mba_integrations.conversation.besides import choose_besides, with_pinned
from mba_integrations.conversation.draft import Draft, Request

TALK = [one for n in range(40) for one in (user(f"u{n} plan"), ai(f"a{n} plan"))]
QUESTION = user("what now?")


@dataclass(frozen=True)
class Memories:
    """Memories that would like *wanted* tokens and must have *pinned*."""

    tokens: int
    omits_some: bool


def memories(wanted: int, pinned: int = 0) -> tuple[list[int], Callable[[int], Memories]]:
    asked: list[int] = []

    def choose(tokens: int) -> Memories:
        asked.append(tokens)
        if tokens < pinned:
            raise PinnedOverBudgetError("x", needed_tokens=pinned, budget_tokens=tokens)
        return Memories(min(wanted, max(0, tokens)), wanted > tokens)

    return asked, choose


def draft(*, budget: int = 1000, long: bool = True) -> Draft[Said]:
    messages = [*TALK, QUESTION] if long else [QUESTION]
    request = Request(budget_tokens=budget, conversation_share=0.6)
    return Draft(conversation(messages), request, CHOOSER)


def test_memories_have_their_share_beside_a_long_conversation() -> None:
    asked, choose = memories(5_000)
    made = draft()
    chosen = choose_besides(made, choose)
    assert asked[0] == 400
    assert 400 <= chosen.tokens < 430
    assert made.finish(chosen.tokens).tokens <= 1000


def test_memories_have_what_a_short_conversation_leaves() -> None:
    asked, choose = memories(5_000)
    chosen = choose_besides(draft(long=False), choose)
    assert chosen.tokens == asked[0] == 1000 - FRAME - len(QUESTION.text)


def test_what_memories_do_not_want_the_conversation_has() -> None:
    _, choose = memories(10)
    made = draft()
    chosen = choose_besides(made, choose)
    assert made.finish(chosen.tokens).tokens > 1000 - 2 * 26


def test_pinned_memories_take_the_room_of_messages_that_may_go() -> None:
    asked, choose = memories(700, pinned=700)
    made = draft()
    chosen = choose_besides(made, choose)
    assert (asked, chosen.tokens) == ([400, 700], 700)
    plan = made.finish(chosen.tokens)
    assert plan.tokens <= 1000
    assert plan.places[-1] == len(TALK)
    with pytest.raises(PinnedOverBudgetError):
        choose_besides(draft(), memories(999, pinned=999)[1])


@pytest.mark.parametrize(
    ("pinned_tokens", "most", "expected"),
    [
        pytest.param(5, 50, 10, id="fair-room-is-enough"),
        pytest.param(30, 50, 30, id="what-the-pins-need"),
        pytest.param(51, 50, None, id="more-than-there-is"),
        pytest.param(12, 8, None, id="less-room-than-the-fair"),
    ],
)
def test_pinned_memories_get_the_room_they_need(
    pinned_tokens: int, most: int, expected: int | None
) -> None:
    _, choose = memories(999, pinned=pinned_tokens)
    if expected is None:
        with pytest.raises(PinnedOverBudgetError):
            with_pinned(choose, min(10, most), most)
    else:
        assert with_pinned(choose, 10, most).tokens == expected


@given(talks(), st.integers(0, 700), st.integers(0, 500), st.integers(0, 400), st.floats(0, 1))
def test_both_together_are_within_the_budget_or_refused(
    messages: list[Said], budget: int, wanted: int, pinned: int, share: float
) -> None:
    request = Request(budget_tokens=budget, conversation_share=share)
    _, choose = memories(max(wanted, pinned), pinned)
    try:
        made = Draft(conversation(messages), request, CHOOSER)
        chosen = choose_besides(made, choose)
    except PinnedOverBudgetError:
        return
    plan = made.finish(chosen.tokens)
    sent = [messages[place] for place in plan.places]
    assert pinned <= chosen.tokens
    assert chosen.tokens + sum(FRAME + len(text) for text in shown(messages, plan)) <= budget
    assert not problems(sent)
