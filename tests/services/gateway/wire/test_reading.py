"""Requests of the three protocols, as they are sent, and what is read of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mba_integrations.core.counting.given_counters import CallableCounter
from mba_integrations.core.dialogue.roles import Role
from mba_integrations.services.gateway.wire.apis import Api, api_of, only_counts
from mba_integrations.services.gateway.wire.counting import RequestCounter
from mba_integrations.services.gateway.wire.reading import Read, Unread, read

WORDS = CallableCounter(str.split, id="words")
SYSTEM, USER, ASSISTANT, RESULT = Role.SYSTEM, Role.USER, Role.ASSISTANT, Role.RESULT


def understood(api: Api, **body: Any) -> Read:
    found = read(api, json.dumps(body))
    assert isinstance(found, Read), found
    return found


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def assistant(content: Any, **more: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": content, **more}


def chat_call(call_id: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "f", "arguments": "{}"}}


def use(call_id: str) -> dict[str, Any]:
    return {"type": "tool_use", "id": call_id, "name": "f", "input": {"a": 1}}


def result(call_id: str, content: Any = "42") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call_id, "content": content}


TEXT = [{"type": "text", "text": "Where?"}]
IMAGE = {"type": "image", "source": {"type": "url", "url": "https://example.org/a.png"}}
THINKING = {"type": "thinking", "thinking": "hm", "signature": "sig"}
REASONING = {"type": "reasoning", "id": "rs", "summary": [], "encrypted_content": "abcd" * 4}
FUNCTION_CALL = {"type": "function_call", "call_id": "a", "name": "f", "arguments": "{}"}
OUTPUT = {"type": "function_call_output", "call_id": "a", "output": "42"}


@pytest.mark.parametrize(
    ("api", "listed", "roles"),
    [
        pytest.param("chat", [], [], id="chat-none"),
        pytest.param("chat", [user("hi")], [USER], id="chat-text"),
        pytest.param(
            "chat",
            [{"role": "developer", "content": TEXT}, user([*TEXT, {"type": "image_url"}])],
            [SYSTEM, USER],
            id="chat-blocks",
        ),
        pytest.param(
            "chat",
            [
                user("hi"),
                assistant(None, tool_calls=[chat_call("a"), chat_call("b")]),
                {"role": "tool", "tool_call_id": "a", "content": "42"},
                {"role": "tool", "tool_call_id": "b", "content": TEXT},
                assistant("so", reasoning_content="hm"),
            ],
            [USER, ASSISTANT, RESULT, RESULT, ASSISTANT],
            id="chat-tools",
        ),
        pytest.param(
            "chat",
            [
                assistant(None, function_call={"name": "f", "arguments": "{}"}),
                {"role": "function", "name": "f", "content": "42"},
            ],
            [ASSISTANT, RESULT],
            id="chat-functions",
        ),
        pytest.param("messages", [user("hi"), assistant(TEXT)], [USER, ASSISTANT], id="messages"),
        pytest.param(
            "messages",
            [
                user([IMAGE, *TEXT]),
                assistant([THINKING, use("a"), use("b")]),
                user([result("a"), result("b", [IMAGE])]),
            ],
            [USER, ASSISTANT, RESULT, RESULT],
            id="messages-tools",
        ),
        pytest.param(
            "messages",
            [user("hi"), assistant([use("a")]), user([result("a"), *TEXT])],
            [USER, ASSISTANT, USER],
            id="messages-results-and-words",
        ),
        pytest.param("responses", "hi", [USER], id="responses-text"),
        pytest.param("responses", None, [], id="responses-none"),
        pytest.param(
            "responses",
            [
                {"role": "developer", "content": "Be brief."},
                {"type": "message", **user([{"type": "input_text", "text": "Where?"}])},
                REASONING,
                {"type": "message", **assistant([{"type": "output_text", "text": "I look."}])},
                FUNCTION_CALL,
                OUTPUT,
                REASONING,
                {"type": "web_search_call", "id": "ws", "status": "completed"},
                assistant("so"),
            ],
            [SYSTEM, USER, ASSISTANT, RESULT, ASSISTANT],
            id="responses-items",
        ),
        pytest.param(
            "responses",
            [
                {"type": "mcp_approval_request", "id": "m", "name": "f"},
                {"type": "mcp_approval_response", "approval_request_id": "m", "approve": True},
            ],
            [ASSISTANT, RESULT],
            id="responses-approval",
        ),
    ],
)
def test_each_part_of_a_conversation_is_a_turn(api: Api, listed: Any, roles: list[Role]) -> None:
    name = "input" if api == "responses" else "messages"
    turns = understood(api, **({} if listed is None else {name: listed})).turns
    assert [turn.role for turn in turns] == roles
    places = [place for turn in turns for place in range(turn.start, turn.end)]
    assert (
        sorted(set(places))
        == [*range(len(listed or ()) if isinstance(listed, list) else 1)][: len(set(places))]
    )
    called = [one for turn in turns for one in turn.call_ids]
    assert {one for turn in turns for one in turn.answers} == set(called)


@pytest.mark.parametrize(
    ("api", "body", "query", "system"),
    [
        pytest.param(
            "chat",
            {"messages": [{"role": "system", "content": "Be brief."}, user(TEXT), assistant("so")]},
            "Where?",
            "Be brief.",
            id="chat",
        ),
        pytest.param(
            "messages",
            {
                "system": [{"type": "text", "text": "Be brief."}, {"type": "text", "text": "Now."}],
                "messages": [user("Where?"), assistant([use("a")]), user([result("a")])],
            },
            "Where?",
            "Be brief.\nNow.",
            id="messages-in-a-round",
        ),
        pytest.param(
            "messages",
            {"messages": [user("Where?"), assistant([use("a")]), user([result("a"), *TEXT])]},
            "Where?",
            "",
            id="messages-words-in-a-round",
        ),
        pytest.param(
            "responses",
            {"instructions": "Be brief.", "input": "Where?"},
            "Where?",
            "Be brief.",
            id="responses",
        ),
        pytest.param("chat", {"messages": [assistant("so")]}, "", "", id="no-user"),
    ],
)
def test_query_and_system_text(api: Api, body: dict[str, Any], query: str, system: str) -> None:
    found = understood(api, **body)
    assert (found.query, found.system) == (query, system)


def test_a_question_that_hangs_on_the_one_before_is_searched_with_it() -> None:
    talk = [user("How do I squash commits?"), assistant("rebase"), user("and how do I undo it?")]
    assert "squash" in understood("chat", messages=talk).searched


def test_model_stream_and_the_most_that_may_come_back() -> None:
    found = understood("chat", model="m", stream=True, max_completion_tokens=5, messages=[])
    assert (found.model, found.stream, found.max_output_tokens) == ("m", True, 5)
    assert understood("messages", max_tokens="many", messages=[]).max_output_tokens is None


@pytest.mark.parametrize(
    ("api", "body", "expected"),
    [
        ("responses", {"input": "hi"}, False),
        ("responses", {"input": "hi", "previous_response_id": "r"}, True),
        ("responses", {"input": "hi", "conversation": {"id": "c"}}, True),
        ("responses", {"input": [{"type": "item_reference", "id": "i"}]}, True),
        ("responses", {"input": [{"type": "compaction", "encrypted_content": "x"}]}, True),
        ("messages", {"messages": [assistant([{"type": "compaction", "content": "x"}])]}, True),
        ("chat", {"messages": [user("hi")]}, False),
    ],
)
def test_a_part_that_only_the_provider_has_is_seen(
    api: Api, body: dict[str, Any], expected: bool
) -> None:
    assert understood(api, **body).history_elsewhere is expected


ODD: list[Any] = [3, True, {}, "x", [3], [[]], [{}], [{"role": 3}], [{"role": "narrator"}]]
ODD += [[user(3)], [user({})], [user([3])], [user([{}])], [user([{"type": 3}])]]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("api", ["chat", "messages", "responses"])
def test_another_shape_is_not_understood_and_no_error(api: Api, odd: Any) -> None:
    name = "input" if api == "responses" else "messages"
    found = read(api, json.dumps({"model": "m", name: odd}))
    if api == "responses" and odd == "x":
        assert isinstance(found, Read)
    else:
        assert isinstance(found, Unread)
        assert found.reason


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("chat", {"messages": [], "model": 3}),
        ("chat", {"messages": [assistant(None, tool_calls={})]}),
        ("chat", {"messages": [assistant(None, tool_calls=[3])]}),
        ("messages", {"messages": [], "system": 3}),
        ("messages", {"messages": [{"role": "tool", "content": "x"}]}),
        ("responses", {"input": [{"type": 3}]}),
        ("responses", {"input": [], "instructions": []}),
        ("responses", {"input": [{"role": "tool", "content": "x"}]}),
    ],
)
def test_a_member_of_another_shape_is_not_understood(api: Api, body: dict[str, Any]) -> None:
    assert isinstance(read(api, json.dumps(body)), Unread)


@pytest.mark.parametrize(
    ("path", "api"),
    [
        ("/openai/v1/chat/completions", "chat"),
        ("/openai/v1/responses/", "responses"),
        ("/openai/v1/responses/resp_1", None),
        ("/anthropic/v1/messages", "messages"),
        ("/anthropic/v1/messages/count_tokens", "messages"),
        ("/anthropic/v1/messages/batches", None),
        ("/openai/v1/embeddings", None),
    ],
)
def test_paths_that_are_read(path: str, api: Api | None) -> None:
    assert api_of(path) == api
    assert only_counts(path) is path.endswith("count_tokens")


def counted(api: Api, **body: Any) -> int:
    return RequestCounter(WORDS, understood(api, **body)).total()


@pytest.mark.parametrize(
    ("api", "body", "tokens"),
    [
        pytest.param("chat", {"messages": [user("to be or")]}, 3 + (3 + 1 + 3), id="chat"),
        pytest.param(
            "chat",
            {"messages": [assistant(None, tool_calls=[chat_call("a")])]},
            3 + (3 + 1) + (3 + 1 + 1),
            id="chat-call",
        ),
        pytest.param(
            "chat",
            {"messages": [{"role": "tool", "tool_call_id": "a", "content": "4 2"}]},
            3 + (3 + 1 + 3 + 2),
            id="chat-result",
        ),
        pytest.param(
            "messages",
            {"system": "be so", "messages": [user(TEXT)]},
            3 + (3 + 2) + (3 + 1 + 1),
            id="messages-system",
        ),
        pytest.param(
            "messages",
            {"messages": [assistant([THINKING])]},
            3 + (3 + 1) + 1,
            id="thinking-without-its-signature",
        ),
        pytest.param("messages", {"messages": [user([IMAGE])]}, 3 + 4 + 4784, id="image"),
        pytest.param("responses", {"input": [REASONING]}, 3 + 3 + 4, id="encrypted-by-its-length"),
        pytest.param("messages", {"messages": [], "tools": [{"a": 1}]}, 3 + 346 + 2, id="tools"),
    ],
)
def test_a_request_costs_what_it_says_and_its_framing(
    api: Api, body: dict[str, Any], tokens: int
) -> None:
    assert counted(api, **body) == tokens


@pytest.mark.parametrize(
    ("api", "body"),
    [
        ("chat", {"messages": [{"role": "tool", "tool_call_id": "a", "content": TEXT}]}),
        ("messages", {"messages": [user([result("a", TEXT), result("b", "1 2 3")])]}),
        ("responses", {"input": [OUTPUT]}),
    ],
)
def test_a_result_costs_its_bare_tokens_and_its_text(api: Api, body: dict[str, Any]) -> None:
    found = understood(api, **body)
    for turn in RequestCounter(WORDS, found).read(found.turns):
        assert turn.bare_tokens == turn.tokens - len(turn.text.split())
