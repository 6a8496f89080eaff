"""What is kept of one conversation between its prompts, and what can be asked of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from talk import FRAME, Said, ai, conversation, result, system, talks, user

from mba_integrations.conversation.history import Place
from mba_integrations.conversation.older import searched_text


@pytest.mark.parametrize(
    ("messages", "answered"),
    [
        pytest.param([], True, id="nothing-said"),
        pytest.param([ai()], True, id="no-question"),
        pytest.param([user()], False, id="a-question"),
        pytest.param([user(), ai()], True, id="an-answer"),
        pytest.param([user(), ai(), user()], False, id="another-question"),
        pytest.param([user(), ai("", "c")], False, id="a-call"),
        pytest.param([user(), ai("", "c"), result("c")], False, id="a-result"),
        pytest.param([user(), ai("so", "c"), result("c"), ai()], True, id="an-answer-after-it"),
        pytest.param([user(), ai(), ai("", "c")], False, id="a-call-after-an-answer"),
        pytest.param([user(), system()], False, id="a-system-message-is-no-answer"),
        pytest.param([user(), result("c")], False, id="a-stray-is-no-answer"),
    ],
)
def test_a_conversation_is_answered_if_nothing_waits(messages: list[Said], answered: bool) -> None:
    assert conversation(messages).is_answered is answered


@given(talks())
def test_demand_is_what_all_usable_messages_cost(messages: list[Said]) -> None:
    made = conversation(messages)
    usable = made.history.costs.kind != Place.UNUSABLE
    cost = sum(FRAME + len(one.text) for one, use in zip(messages, usable, strict=True) if use)
    assert made.demand_tokens() == cost


def test_texts_are_those_that_may_be_chosen() -> None:
    made = conversation([system("brief"), user("where"), result("x"), ai(""), user("when")])
    assert made.texts() == ["where", "[assistant]", "when"]


@given(talks())
def test_no_text_to_embed_is_empty(messages: list[Said]) -> None:
    made = conversation(messages)
    assert all(made.texts())
    assert len(made.texts()) == int((made.history.costs.kind == Place.FREE).sum())
    assert all(searched_text(one) for one in made.history.messages)
