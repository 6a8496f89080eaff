"""Requests as they are sent on: memory in its place, the whole within its budget."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.gateway_made import Maker
from benchmarks.gateway_requests import (
    APIS,
    faults_of,
    recounted,
    rewritten,
    session_faults,
)
from mba_integrations.core.config.gateway_settings import Inject
from mba_integrations.core.errors import PinnedOverBudgetError
from mba_integrations.services.gateway.rewriting.block import MemoryBlock
from mba_integrations.services.gateway.rewriting.rewrite import (
    ELSEWHERE,
    NO_ROOM,
    NO_ROOM_FOR_CHANGING,
    Rewritten,
    memory_room,
    rewrite,
)
from mba_integrations.services.gateway.wire.apis import Api
from mba_integrations.services.gateway.wire.reading import Read, read
from mba_integrations.testing import WordCounter

WORDS = WordCounter()
MEMORY = MemoryBlock(stable="- Kate skis.\n", changing="- It snows.\n", allocation_id="a1")
STABLE = "<memory>\n- Kate skis.\n</memory>"
CHANGING = "<memory>\n- It snows.\n</memory>"
BOTH = "<memory>\n- Kate skis.\n- It snows.\n</memory>"


def sent_on(api: Api, body: Any, **options: Any) -> Rewritten:
    written = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = read(api, written)
    assert isinstance(request, Read)
    return rewrite(request, WORDS, **options)


def value(sent: Rewritten) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(sent.body)
    return found


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def text(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "text", "text": said, **more}


MARK = {"cache_control": {"type": "ephemeral"}}
USE = {"role": "assistant", "content": [{"type": "tool_use", "id": "c", "name": "f", "input": {}}]}
RESULT = {"type": "tool_result", "tool_use_id": "c", "content": "42"}
SYSTEM = {"role": "developer", "content": "Be brief."}
TALK = [user("hi"), {"role": "assistant", "content": "hello"}, user("Where?")]


@pytest.mark.parametrize(
    ("api", "inject", "body", "expected"),
    [
        pytest.param(
            "chat",
            Inject.BEFORE_LAST_USER,
            {"messages": [SYSTEM, *TALK]},
            {
                "messages": [
                    SYSTEM,
                    {"role": "developer", "content": STABLE},
                    *TALK[:2],
                    {"role": "developer", "content": CHANGING},
                    TALK[2],
                ]
            },
            id="chat",
        ),
        pytest.param(
            "chat",
            Inject.SYSTEM,
            {"messages": [user("Where?")]},
            {"messages": [{"role": "system", "content": BOTH}, user("Where?")]},
            id="chat-without-system",
        ),
        pytest.param(
            "messages",
            Inject.BEFORE_LAST_USER,
            {"system": "Be brief.", "messages": TALK},
            {
                "system": [text("Be brief."), text(STABLE)],
                "messages": [*TALK[:2], user([text(CHANGING), text("Where?")])],
            },
            id="messages",
        ),
        pytest.param(
            "messages",
            Inject.BEFORE_LAST_USER,
            {"system": [text("Be brief.", **MARK)], "messages": [user([text("Where?", **MARK)])]},
            {
                "system": [text("Be brief.", **MARK), text(STABLE)],
                "messages": [user([text(CHANGING), text("Where?", **MARK)])],
            },
            id="messages-with-marks",
        ),
        pytest.param(
            "messages",
            Inject.BEFORE_LAST_USER,
            {"messages": [user("Where?"), USE, user([RESULT])]},
            {
                "system": [text(STABLE)],
                "messages": [user([text(CHANGING), text("Where?")]), USE, user([RESULT])],
            },
            id="messages-in-a-round",
        ),
        pytest.param(
            "messages",
            Inject.BEFORE_LAST_USER,
            {"messages": [USE, user([RESULT, text("And now?")])]},
            {
                "system": [text(STABLE)],
                "messages": [USE, user([RESULT, text(CHANGING), text("And now?")])],
            },
            id="messages-results-stand-first",
        ),
        pytest.param(
            "messages",
            Inject.SYSTEM,
            {"system": None, "messages": TALK},
            {"system": [text(BOTH)], "messages": TALK},
            id="messages-all-in-system",
        ),
        pytest.param(
            "responses",
            Inject.BEFORE_LAST_USER,
            {"instructions": "Be brief.", "input": TALK},
            {
                "instructions": f"Be brief.\n\n{STABLE}",
                "input": [*TALK[:2], {"role": "developer", "content": CHANGING}, TALK[2]],
            },
            id="responses",
        ),
        pytest.param(
            "responses",
            Inject.BEFORE_LAST_USER,
            {"input": [SYSTEM, *TALK]},
            {
                "input": [
                    SYSTEM,
                    {"role": "developer", "content": STABLE},
                    *TALK[:2],
                    {"role": "developer", "content": CHANGING},
                    TALK[2],
                ]
            },
            id="responses-without-instructions",
        ),
        pytest.param(
            "responses",
            Inject.BEFORE_LAST_USER,
            {"input": "Where?"},
            {"input": "Where?", "instructions": BOTH},
            id="responses-one-text",
        ),
        pytest.param(
            "responses",
            Inject.BEFORE_LAST_USER,
            {"instructions": None, "input": TALK, "previous_response_id": "r"},
            {"instructions": BOTH, "input": TALK, "previous_response_id": "r"},
            id="responses-history-elsewhere",
        ),
    ],
)
def test_memory_stands_in_its_place(
    api: Api, inject: Inject, body: dict[str, Any], expected: dict[str, Any]
) -> None:
    sent = sent_on(api, body, memory=MEMORY, inject=inject)
    assert value(sent) == expected
    assert sent.plan.allocation_id == "a1"
    assert sent.plan.injected_tokens > 0
    assert sent.plan.saved_tokens == 0


def test_a_stored_prompt_keeps_its_instructions() -> None:
    sent = sent_on(
        "responses", {"input": "hi", "prompt": {"id": "p"}}, memory=MEMORY, inject=Inject.SYSTEM
    )
    assert (sent.plan.changed, sent.plan.injected_tokens) == (False, 0)
    assert "stored prompt" in sent.plan.notes[0]


ODD_BODY = (
    b'{ "model":"m" ,"top_p":1.0, "n": 12345678901234567890123,\n "messages": '
    b'[ {"content" : "h\\u00e9 \\ud83d \\/","role":"user", "x": 1e2} ], "z": [ 1.10 ]}'
)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({}, id="nothing-asked"),
        pytest.param({"inject": "system"}, id="no-memory"),
        pytest.param({"memory": MEMORY}, id="memory-is-off"),
        pytest.param({"memory": MemoryBlock(), "inject": "system"}, id="memory-says-nothing"),
        pytest.param({"request_tokens": 10_000}, id="all-fits"),
    ],
)
def test_a_request_that_needs_no_change_is_sent_byte_for_byte(options: dict[str, Any]) -> None:
    sent = sent_on("chat", ODD_BODY, **options)
    assert (sent.body, sent.plan.changed) == (ODD_BODY, False)


def test_what_is_not_exchanged_stays_as_it_was_written() -> None:
    sent = sent_on("chat", ODD_BODY, memory=MEMORY, inject=Inject.SYSTEM).body
    assert sent.startswith(
        b'{ "model":"m" ,"top_p":1.0, "n": 12345678901234567890123,\n "messages": '
    )
    assert b'{"content" : "h\\u00e9 \\ud83d \\/","role":"user", "x": 1e2}' in sent
    assert sent.endswith(b', "z": [ 1.10 ]}')


@settings(max_examples=25)
@given(
    st.integers(0, 2**32),
    st.sampled_from(APIS),
    st.none() | st.floats(0.0, 1.2),
)
def test_whatever_is_sent_on_is_whole_and_within_its_budget(
    seed: int, api: Api, fraction: float | None
) -> None:
    draw = Random(seed)
    made = Maker(draw, api).request()
    sent, budget = rewritten(made, draw, fraction=fraction)
    if sent is not None:
        assert faults_of(made, sent, budget) == []


@settings(max_examples=8)
@given(st.integers(0, 2**32), st.sampled_from(APIS))
def test_each_request_of_a_session_is_whole_and_within_its_budget(seed: int, api: Api) -> None:
    assert session_faults(Random(seed), api) == []


def long_talk() -> list[dict[str, Any]]:
    return [
        one
        for number in range(9)
        for one in (
            user(f"question {number} " + "so " * 20),
            {"role": "assistant", "content": f"answer {number} " + "thus " * 20},
        )
    ] + [user("the last question")]


def test_a_smaller_budget_leaves_out_more_and_says_what_it_saves() -> None:
    body = {"messages": [SYSTEM, *long_talk()]}
    before = recounted("chat", body)
    counts = []
    for budget in (before, before - 1, before // 2, before // 4, 30):
        sent = sent_on("chat", body, request_tokens=budget)
        left = value(sent)["messages"]
        assert [left[0], left[-1]] == [SYSTEM, user("the last question")]
        assert sent.plan.tokens_after == recounted("chat", value(sent)) <= budget
        assert sent.plan.saved_tokens == before - recounted("chat", value(sent))
        assert len(left) == len(body["messages"]) - len(sent.plan.dropped)
        counts.append(len(left))
    assert counts == sorted(counts, reverse=True)
    assert (counts[0], counts[-1]) == (20, 2)


def test_what_must_be_sent_and_does_not_fit_is_refused_with_the_numbers() -> None:
    body = {"system": "Be brief.", "tools": [{"name": "f"}], "messages": long_talk()}
    with pytest.raises(PinnedOverBudgetError) as caught:
        sent_on("messages", body, request_tokens=100)
    # 346 + 2 for the tools, 3 + 2, 3 for the frame, 3 + 1 + 3.
    assert (caught.value.needed_tokens, caught.value.budget_tokens) == (363, 100)
    for said in ("tool definitions", "system prompt 5", "last message of the user 7", "263 over"):
        assert said in str(caught.value)


@pytest.mark.parametrize(
    ("room", "injected", "notes"),
    [
        pytest.param(100, (True, True), (), id="all"),
        pytest.param(16, (True, False), (NO_ROOM_FOR_CHANGING,), id="the-part-that-stays"),
        pytest.param(5, (False, False), (NO_ROOM,), id="none"),
    ],
)
def test_memory_gives_way_to_what_must_be_sent(
    room: int, injected: tuple[bool, bool], notes: tuple[str, ...]
) -> None:
    body = {"messages": [user("Where?")]}
    budget = recounted("chat", body) + room
    request = read("chat", json.dumps(body))
    assert isinstance(request, Read)
    assert memory_room(request, WORDS, budget) == room
    sent = sent_on(
        "chat", body, memory=MEMORY, inject=Inject.BEFORE_LAST_USER, request_tokens=budget
    )
    said = sent.body.decode()
    assert ("skis" in said, "snows" in said) == injected
    assert sent.plan.notes == notes
    assert recounted("chat", value(sent)) <= budget


@pytest.mark.parametrize(
    ("api", "talk"),
    [
        pytest.param(
            "chat",
            [
                {
                    "role": "assistant",
                    "content": None,
                    "tool_calls": [
                        {"id": "c", "type": "function", "function": {"name": "f", "arguments": ""}}
                    ],
                },
                {"role": "tool", "tool_call_id": "c", "content": "4 2 " * 200, "x": 1},
            ],
            id="chat",
        ),
        pytest.param(
            "messages",
            [USE, user([{**RESULT, "content": [text("4 2 " * 200)], "is_error": True, **MARK}])],
            id="messages",
        ),
        pytest.param(
            "responses",
            [
                {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c", "output": "4 2 " * 200, "x": 1},
            ],
            id="responses",
        ),
    ],
)
def test_a_long_result_that_must_be_sent_is_shortened_and_the_rest_of_it_stays(
    api: Api, talk: list[dict[str, Any]]
) -> None:
    name = "input" if api == "responses" else "messages"
    sent = sent_on(api, {name: [user("Where?"), *talk]}, request_tokens=120)
    asked, call, result = value(sent)[name]
    assert (asked, call) == (user("Where?"), talk[0])
    assert sent.plan.shortened == (2,)
    said, full = (result, talk[1])
    if api == "messages":
        (said,), (full,) = result["content"], talk[1]["content"]
    key = "output" if api == "responses" else "content"
    assert "result of tool call c" in said[key]
    assert {**said, key: 0} == {**full, key: 0}
    assert sent.plan.tokens_after is not None
    assert sent.plan.tokens_after <= 120


def test_the_beginning_of_a_reply_stays_at_the_end() -> None:
    start = {"role": "assistant", "content": "It is"}
    sent = sent_on("messages", {"messages": [*long_talk(), start]}, request_tokens=40)
    assert value(sent)["messages"][-2:] == [user("the last question"), start]


def test_a_history_of_the_provider_is_neither_shortened_nor_counted() -> None:
    body = {"input": long_talk(), "previous_response_id": "r"}
    sent = sent_on("responses", body, request_tokens=10_000)
    assert sent.plan.notes == (ELSEWHERE,)
    with pytest.raises(PinnedOverBudgetError, match="messages"):
        sent_on("responses", body, request_tokens=50)


def test_messages_of_which_none_is_a_users_are_sent_whole_or_refused() -> None:
    body = {"messages": [{"role": "assistant", "content": "thus " * 50}]}
    assert not sent_on("chat", body, request_tokens=60).plan.changed
    with pytest.raises(PinnedOverBudgetError):
        sent_on("chat", body, request_tokens=30)


def test_a_text_that_cannot_be_encoded_is_written_with_escapes() -> None:
    call = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"}
    result = {"type": "function_call_output", "call_id": "c", "output": "\ud83d 4 2 " * 200}
    sent = sent_on("responses", {"input": [user("Where?"), call, result]}, request_tokens=120)
    assert "\ud83d" in value(sent)["input"][2]["output"]


def test_what_was_done_is_told_in_headers() -> None:
    headers = sent_on(
        "chat", {"messages": TALK}, memory=MEMORY, inject=Inject.SYSTEM
    ).plan.headers()
    assert headers["x-mba-allocation-id"] == "a1"
    assert headers["x-mba-prefix-tokens"] == headers["x-mba-saved-tokens"] == "0"
    assert "x-mba-budget-tokens" not in headers
    assert sent_on("chat", {"messages": TALK}).plan.headers() == {}
