"""A question that hangs on the newest exchange is searched for together with it."""

from __future__ import annotations

import pytest
from talk import CHOOSER, Said, ai, conversation, result, user

from mba_integrations.conversation.asked import searched_for
from mba_integrations.conversation.draft import Draft, Request
from mba_integrations.core.dialogue.roles import Role

FOLLOW_UP = "and how do I undo it?"
TALK = [(Role.ASSISTANT, "with rebase"), (Role.USER, "squash commits"), (Role.USER, "hello")]


@pytest.mark.parametrize(
    ("question", "before", "expected"),
    [
        pytest.param(FOLLOW_UP, TALK, [FOLLOW_UP, "squash commits", "with rebase"], id="follows"),
        pytest.param("Where is the office?", TALK, ["Where is the office?"], id="stands-alone"),
        pytest.param(FOLLOW_UP, [], [FOLLOW_UP], id="nothing-before"),
        pytest.param(
            FOLLOW_UP,
            [(Role.RESULT, "x"), (Role.USER, FOLLOW_UP), *TALK],
            [FOLLOW_UP, "squash commits", "with rebase"],
            id="the-question-itself-is-among-them",
        ),
        pytest.param(
            FOLLOW_UP,
            [(Role.ASSISTANT, "b"), (Role.RESULT, "r"), (Role.ASSISTANT, " "), *TALK[1:]],
            [FOLLOW_UP, "squash commits", "b"],
            id="without-results-and-blanks",
        ),
        pytest.param(
            FOLLOW_UP, [(Role.USER, "x" * 9_000)], [FOLLOW_UP, "x" * 500], id="cut-to-its-beginning"
        ),
    ],
)
def test_what_is_searched_for(
    question: str, before: list[tuple[Role, str]], expected: list[str]
) -> None:
    assert searched_for(question, before) == "\n".join(expected)


def query(*messages: Said, asked: str | None = None) -> str:
    return Draft(conversation(messages), Request(budget_tokens=999, query=asked), CHOOSER).query


def test_a_draft_asks_for_the_question_with_its_exchange() -> None:
    talk = [user("squash commits"), ai("with rebase", "c"), result("c", "log"), ai("done")]
    assert query(*talk, user(FOLLOW_UP)) == f"{FOLLOW_UP}\nsquash commits\nwith rebase\ndone"
    assert query(*talk, user("Where is the office?")) == "Where is the office?"
    assert query(*talk, user(FOLLOW_UP), asked="tram") == "tram"
    assert query() == ""
