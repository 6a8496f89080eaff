"""How much of a request stands as in the one before."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import pytest

from mba_integrations.core.config.gateway_settings import Inject
from mba_integrations.core.errors import InputError
from mba_integrations.services.gateway.rewriting.block import MemoryBlock
from mba_integrations.services.gateway.rewriting.prefix import MOST_PARTS, Part, Sent, sent_of
from mba_integrations.services.gateway.rewriting.rewrite import Rewritten, rewrite
from mba_integrations.services.gateway.wire.reading import read
from mba_integrations.testing import WordCounter


def sent_on(
    messages: list[Any], before: Sent | None = None, changing: str = "", system: Any = "Be brief."
) -> Rewritten:
    body = json.dumps({"system": system, "tools": [{"name": "f"}], "messages": messages})
    memory = MemoryBlock(stable="- Kate skis.\n", changing=changing)
    return rewrite(
        read("messages", body),
        WordCounter(),
        memory=memory,
        inject=Inject.BEFORE_LAST_USER,
        before=before,
    )


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


ANSWER = {"role": "assistant", "content": "in Oslo"}
ROOM = (346 + 2) + (3 + 2) + (3 + 1 + 2 + 3)  # tools, system text, memory


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        pytest.param([user("a b")], [user("a b"), ANSWER, user("c")], ROOM + 6, id="grows"),
        pytest.param([user("a b"), ANSWER], [user("x")], ROOM, id="another-conversation"),
        pytest.param(
            [user([{"type": "text", "text": "a b", "cache_control": {"type": "ephemeral"}}])],
            [user("a b"), ANSWER],
            ROOM + 6,
            id="a-mark-that-moves",
        ),
        pytest.param([user("a b")], [user("a b")], ROOM + 6, id="the-same"),
    ],
)
def test_the_shared_beginning_is_counted(first: list[Any], second: list[Any], shared: int) -> None:
    before = sent_on(first).sent
    assert before is not None
    kept = Sent.from_dict(json.loads(json.dumps(before.to_dict())))
    assert kept == before
    assert sent_on(second, kept).plan.prefix_tokens == shared


def test_nothing_is_shared_with_nothing() -> None:
    assert sent_on([user("a")]).plan.prefix_tokens == 0


def test_what_changes_stands_behind_what_is_shared() -> None:
    before = sent_on([user("a"), ANSWER, user("b")], changing="- one\n").sent
    now = sent_on([user("a"), ANSWER, user("b")], before, changing="- two\n")
    assert now.plan.prefix_tokens == ROOM + 5 + 6


def test_another_system_text_shares_the_tools_alone() -> None:
    before = sent_on([user("a")]).sent
    assert sent_on([user("a")], before, system="Be long.").plan.prefix_tokens == 348


def test_a_chain_is_bounded_and_holds_no_text() -> None:
    sent = sent_of([Part(value=f"secret {n}", tokens=1) for n in range(MOST_PARTS + 9)])
    assert len(sent.digests) == MOST_PARTS
    assert "secret" not in json.dumps(sent.to_dict())


@pytest.mark.parametrize(
    "given",
    [{}, {"digests": 3}, {"digests": [3]}, {"digests": [], "base": 3}, {"digests": [], "base": {}}],
)
def test_another_form_of_a_chain_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"digests|base"):
        Sent.from_dict(given)


def turn(number: int) -> list[dict[str, Any]]:
    return [
        user(f"question {number} " + "so " * 12),
        {"role": "assistant", "content": "thus " * 12},
    ]


def sent_in_turns(*, in_session: bool) -> list[list[Any]]:
    """The messages of 16 requests with a growing history, but for the last message of each."""
    history: list[dict[str, Any]] = []
    before: Sent | None = None
    found = []
    for number in range(16):
        asked = user(f"now {number}")
        body = json.dumps({"messages": [*history, asked]})
        sent = rewrite(read("chat", body), WordCounter(), request_tokens=200, before=before)
        assert sent.plan.tokens_after is not None
        assert sent.plan.tokens_after <= 200
        *messages, last = json.loads(sent.body)["messages"]
        assert last == asked
        found.append(messages)
        history += [asked, *turn(number)[1:], *turn(number)]
        if in_session and sent.sent is not None:
            before = Sent.from_dict(json.loads(json.dumps(sent.sent.to_dict())))
    return found


def stays(found: list[list[Any]]) -> int:
    """How often all that was sent is what the next request begins with."""
    return sum(now[: len(was)] == was for was, now in pairwise(found))


def test_a_shortened_history_keeps_its_beginning_until_it_is_over_its_budget_again() -> None:
    assert stays(sent_in_turns(in_session=True)) >= 8
    assert stays(sent_in_turns(in_session=False)) <= 4


def test_a_request_that_stands_alone_is_given_its_whole_budget() -> None:
    body = json.dumps({"messages": [*(one for n in range(20) for one in turn(n)), user("now")]})
    alone = rewrite(read("chat", body), WordCounter(), request_tokens=300).plan
    session = rewrite(read("chat", body), WordCounter(), request_tokens=300, before=Sent()).plan
    assert session.tokens_after is not None
    assert session.tokens_after <= 225 < (alone.tokens_after or 0) <= 300
