"""Calls and results in content blocks, in every form that providers send."""

from __future__ import annotations

import pytest

from mba_integrations.conversation.blocks import answers_in, calls_in


@pytest.mark.parametrize(
    ("block", "calls", "answers"),
    [
        pytest.param({"type": "tool_use", "id": "c"}, ["c"], [], id="anthropic-call"),
        pytest.param({"type": "tool_result", "tool_use_id": "c"}, [], ["c"], id="anthropic-result"),
        pytest.param({"type": "tool_call", "id": "c", "name": "x"}, ["c"], [], id="langchain-call"),
        pytest.param(
            {"type": "function_call", "id": "fc_1", "call_id": "c"}, ["c"], [], id="openai-call"
        ),
        pytest.param(
            {"type": "function_call_output", "call_id": "c"}, [], ["c"], id="openai-result"
        ),
        pytest.param({"type": "custom_tool_call", "call_id": "c"}, ["c"], [], id="openai-custom"),
        pytest.param(
            {"type": "custom_tool_call_output", "call_id": "c"}, [], ["c"], id="its-result"
        ),
        pytest.param({"type": "computer_call", "call_id": "c"}, ["c"], [], id="computer-call"),
        pytest.param({"type": "computer_call_output", "call_id": "c"}, [], ["c"], id="computer"),
        pytest.param({"type": "local_shell_call", "call_id": "c"}, ["c"], [], id="local-shell"),
        pytest.param(
            {"type": "local_shell_call_output", "call_id": "c"}, [], ["c"], id="of-a-local-shell"
        ),
        pytest.param({"type": "shell_call", "call_id": "c"}, ["c"], [], id="shell"),
        pytest.param({"type": "shell_call_output", "call_id": "c"}, [], ["c"], id="of-a-shell"),
        pytest.param({"type": "apply_patch_call", "call_id": "c"}, ["c"], [], id="patch"),
        pytest.param(
            {"type": "apply_patch_call_output", "call_id": "c"}, [], ["c"], id="of-a-patch"
        ),
        pytest.param({"toolUse": {"toolUseId": "c", "name": "x"}}, ["c"], [], id="bedrock-call"),
        pytest.param(
            {"tool_use": {"toolUseId": "c", "name": "x"}}, ["c"], [], id="bedrock-in-snake-case"
        ),
        pytest.param({"function_call": {"name": "look"}}, ["look"], [], id="gemini-in-snake-case"),
        pytest.param(
            {"function_response": {"name": "look"}}, [], ["look"], id="gemini-result-in-snake-case"
        ),
        pytest.param({"type": "text", "toolUse": {"name": "x"}}, [], [], id="a-key-beside-a-type"),
        pytest.param({"toolUse": "c"}, [], [], id="a-key-that-holds-a-text"),
        pytest.param({"toolResult": {"toolUseId": "c"}}, [], ["c"], id="bedrock-result"),
        pytest.param({"functionCall": {"name": "look"}}, ["look"], [], id="gemini-call"),
        pytest.param({"functionResponse": {"name": "look"}}, [], ["look"], id="gemini-result"),
        pytest.param({"functionCall": {"id": "c", "name": "look"}}, ["c"], [], id="gemini-with-id"),
        pytest.param({"type": "tool_use"}, [""], [], id="call-without-an-id"),
        pytest.param({"type": "tool_use", "id": 3}, [""], [], id="id-that-is-no-text"),
        pytest.param({"type": "server_tool_use", "id": "c"}, [], [], id="provider-s-own-call"),
        pytest.param({"type": "web_search_call", "id": "c"}, [], [], id="provider-s-own-search"),
        pytest.param({"type": "text", "text": "tool_use"}, [], [], id="text"),
        pytest.param({"type": ["tool_use"]}, [], [], id="type-that-is-no-text"),
        pytest.param("tool_use", [], [], id="plain-text"),
        pytest.param(None, [], [], id="nothing"),
    ],
)
def test_blocks_that_call_and_blocks_that_answer(
    block: object, calls: list[str], answers: list[str]
) -> None:
    content = [{"type": "text", "text": "look"}, block]
    assert (list(calls_in(content)), list(answers_in(content))) == (calls, answers)


def test_a_text_has_no_calls() -> None:
    assert list(calls_in("tool_use")) == list(answers_in("tool_result")) == []


def test_calls_stand_in_their_order_and_a_tuple_is_a_list() -> None:
    content = ({"type": "tool_use", "id": "b"}, "words", {"type": "tool_call", "id": "a"})
    assert list(calls_in(content)) == ["b", "a"]


@pytest.mark.parametrize("content", [None, 3, {"type": "tool_use", "id": "c"}])
def test_what_is_no_list_of_blocks_has_none(content: object) -> None:
    assert list(calls_in(content)) == list(answers_in(content)) == []
