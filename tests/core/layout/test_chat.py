"""The format `messages`: whatever is chosen, a provider takes it, and everything is in it."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from fakes import CharCounter
from hypothesis import given
from hypothesis import strategies as st
from providers import refusals
from strategies import of_all

from mba_integrations import MemoryBudgetAllocator, MemoryItem, WorkspaceConfig
from mba_integrations.core.config.settings import RenderingSettings
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.model import MemoryTier

CHAT = Renderer(RenderingSettings(format="messages"))


def said(number: int, role: str | None, text: str = "", **metadata: object) -> MemoryItem:
    """An item of the conversation, the place of which is its number."""
    roles = {"role": role} if role else {}
    return MemoryItem(
        f"m{number}",
        text or f"text {number}",
        "working",
        source="chat",
        position=number,
        metadata={**roles, **metadata},
    )


def calls(number: int, *ids: str) -> MemoryItem:
    function = {"name": "look", "arguments": "{}"}
    listed = [{"id": one, "type": "function", "function": function} for one in ids]
    return said(number, "assistant", "calls look({})", tool_calls=listed)


def answers(number: int, call_id: str | None) -> MemoryItem:
    ids = {} if call_id is None else {"tool_call_id": call_id}
    return said(number, "tool", **ids)


def messages(*items: MemoryItem) -> list[dict[str, Any]]:
    return list(CHAT.write([(MemoryTier.WORKING, items)]).messages)


def shape(*items: MemoryItem) -> list[str]:
    """Roles, with the ids of calls and answers."""
    return [
        " ".join(
            [
                message["role"],
                *(call["id"] for call in message.get("tool_calls", [])),
                *([message["tool_call_id"]] if "tool_call_id" in message else []),
            ]
        )
        for message in messages(*items)
    ]


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        pytest.param([said(0, "user"), said(1, "ai")], ["user", "assistant"], id="an-exchange"),
        pytest.param([said(0, "human"), said(1, "user")], ["user"], id="twice-in-a-row"),
        pytest.param(
            [said(0, "assistant"), said(1, "user")], ["system", "user"], id="answer-first"
        ),
        pytest.param(
            [said(0, "user"), calls(1, "a", "b"), answers(2, "b"), answers(3, "a"), said(4, "ai")],
            ["user", "assistant a b", "tool b", "tool a", "assistant"],
            id="a-round",
        ),
        pytest.param(
            [said(0, "user"), said(1, "ai"), calls(2, "a"), answers(3, "a")],
            ["user", "assistant a", "tool a"],
            id="what-is-said-before-a-call-goes-with-it",
        ),
        pytest.param(
            [said(0, "user"), calls(1, "a", "b"), answers(2, "b"), answers(3, None)],
            ["user", "assistant a b", "tool b", "tool a"],
            id="a-result-that-names-no-call",
        ),
        pytest.param(
            [said(0, "user"), calls(1, "a"), answers(2, "z"), said(3, "ai")],
            ["user", "assistant", "user", "assistant"],
            id="a-result-without-its-call",
        ),
        pytest.param(
            [said(0, "user"), calls(1, "a", "b"), answers(2, "a"), said(3, "ai")],
            ["user", "assistant", "user", "assistant"],
            id="a-call-without-its-result",
        ),
        pytest.param(
            [said(0, "user"), said(1, "ai"), answers(2, None)],
            ["user", "assistant", "user"],
            id="tools-of-which-no-ids-are-known",
        ),
        pytest.param(
            [calls(0, "a"), answers(1, "a"), said(2, "user")],
            ["system", "user"],
            id="a-round-before-the-question",
        ),
        pytest.param(
            [said(0, "user"), said(1, "narrator"), said(2, None), said(3, "system")],
            ["system", "user"],
            id="other-roles-are-a-section",
        ),
    ],
)
def test_shape_of_messages(items: list[MemoryItem], expected: list[str]) -> None:
    assert shape(*items) == expected


def test_a_call_is_sent_once() -> None:
    first, second = said(0, "user"), calls(1, "a")
    sent = messages(first, second, answers(2, "a"))
    assert sent[1] == {
        "role": "assistant",
        "content": "",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        ],
    }
    assert messages(first, second)[1] == {"role": "assistant", "content": "calls look({})"}


def test_a_section_behind_the_question_is_said_by_the_user() -> None:
    fact = MemoryItem("p", "The key rotates.", "project")
    sections = [
        (MemoryTier.PROJECT, [fact]),
        (MemoryTier.WORKING, [said(0, "user"), said(1, "assistant")]),
        (MemoryTier.PROJECT, [fact]),
        (MemoryTier.WORKING, [said(2, "user")]),
    ]
    sent = CHAT.write(sections).messages
    assert [message["role"] for message in sent] == ["system", "user", "assistant", "user"]
    assert sent[3]["content"] == f"{sent[0]['content']}\n\ntext 2"


PARTS = of_all(
    ["user", "ai", "system", "elf", "none", "call", "tool"],
    [row for count in (1, 2) for row in product("abc", repeat=count)],
    [0, 1, 2],
    ["a", "d", None],
)


@st.composite
def conversations(draw: st.DrawFn) -> list[MemoryItem]:
    """Any items in any order, with whole rounds, broken ones and strays among them."""
    items: list[MemoryItem] = []
    for _ in range(draw(st.integers(0, 12))):
        number = len(items)
        kind, ids, kept, answered = draw(PARTS)
        if kind == "call":
            items.append(calls(number, *ids))
            items += [answers(number + 1 + n, one) for n, one in enumerate(ids[:kept])]
        elif kind == "tool":
            items.append(answers(number, answered))
        else:
            items.append(said(number, None if kind == "none" else kind))
    return items


@given(conversations(), st.integers(5, 900), st.booleans())
def test_a_provider_takes_whatever_comes_in(
    items: list[MemoryItem], budget: int, has_fact: bool
) -> None:
    fact = MemoryItem("fact", "A fact about the text.", "project")
    allocator = MemoryBudgetAllocator(token_counter=CharCounter())
    config = WorkspaceConfig(workspace_id="w", rendering={"format": "messages"})
    allocator.register_workspace(config)
    allocation = allocator.allocate_memory_budget(
        "text", [*items, fact] if has_fact else items, "w", budget
    )
    sent = allocation.to_messages()
    assert refusals(sent) == []
    assert allocation.message_tokens <= budget
    said_texts = "\n".join(f"{message['content']}{message.get('tool_calls')}" for message in sent)
    for selected in allocation.selected:
        assert selected.content in said_texts or "look" in selected.content


@given(conversations())
def test_a_provider_takes_a_prompt_that_follows_another(items: list[MemoryItem]) -> None:
    allocator = MemoryBudgetAllocator(token_counter=CharCounter())
    config = WorkspaceConfig(workspace_id="w", rendering={"format": "messages"})
    allocator.register_workspace(config)
    session = allocator.session("s")
    fact = MemoryItem("fact", "A fact about the text.", "project")
    for count in range(0, len(items) + 1, 3):
        facts = [fact] if count > 5 else []
        allocation = session.allocate_memory_budget("text", [*items[:count], *facts], "w", 600)
        assert refusals(allocation.to_messages()) == []


@given(conversations())
def test_messages_cost_no_more_than_their_items(items: list[MemoryItem]) -> None:
    counter = CharCounter()
    written = CHAT.write([(MemoryTier.WORKING, items)] if items else [])
    sums = sum(CHAT.item_tokens(items, counter)) + sum(CHAT.opening_tokens(items, counter))
    measured = CHAT.measure(written, counter)
    assert measured.needed <= sums + CHAT.fixed_tokens(counter) + 60
