"""How much of a request stands as in the one before."""

from __future__ import annotations

import json
from typing import Any

import pytest

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
        inject="before_last_user",
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
    sent = sent_of(Part(value={"content": f"secret {n}"}, tokens=1) for n in range(MOST_PARTS + 9))
    assert len(sent.digests) == MOST_PARTS
    assert "secret" not in json.dumps(sent.to_dict())


@pytest.mark.parametrize("given", [{}, {"digests": 3}, {"digests": [3]}])
def test_another_form_of_a_chain_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="digests"):
        Sent.from_dict(given)
