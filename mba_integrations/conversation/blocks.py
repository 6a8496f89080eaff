"""Calls and results inside of content blocks, in the forms that providers send them.

Anthropic has calls as blocks of the assistant's content, and results as blocks of a user message.
OpenAI's Responses interface has both as items. Bedrock and Gemini name no type: the block has one
key, which says what it is. Calls that a provider answers itself, as for its own search, need no
result and are none here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

NAMED_CALLS = {
    "tool_use": "id",
    "tool_call": "id",
    "function_call": "call_id",
    "custom_tool_call": "call_id",
}
"""Types of blocks that call a tool by its name with arguments, and where each has its id."""
_CALLS = {
    **NAMED_CALLS,
    "computer_call": "call_id",
    "local_shell_call": "call_id",
    "shell_call": "call_id",
    "apply_patch_call": "call_id",
}
_RESULTS = {
    "tool_result": "tool_use_id",
    **{f"{kind}_output": name for kind, name in _CALLS.items() if name == "call_id"},
}
KEYED_CALLS = {
    "toolUse": "toolUseId",
    "tool_use": "toolUseId",
    "functionCall": "name",
    "function_call": "name",
}
"""Keys of blocks without a type that hold a call, and what says which one it is."""
_KEYED_RESULTS = {
    "toolResult": "toolUseId",
    "functionResponse": "name",
    "function_response": "name",
}


def call_id(block: object) -> str | None:
    """Id of the call that a content block makes, "" if it has none; None if it is no call.

    >>> call_id({"type": "tool_use", "id": "c1", "name": "look", "input": {}})
    'c1'
    >>> call_id({"toolUse": {"toolUseId": "c2", "name": "look"}})
    'c2'
    """
    return _id_in(block, _CALLS, KEYED_CALLS)


def answered_id(block: object) -> str | None:
    """Id of the call that a content block answers, "" if it says none; None if it is no result.

    >>> answered_id({"type": "tool_result", "tool_use_id": "c1", "content": "42"})
    'c1'
    >>> answered_id({"type": "function_call_output", "call_id": "c2", "output": "42"})
    'c2'
    """
    return _id_in(block, _RESULTS, _KEYED_RESULTS)


def calls_in(content: object) -> Iterator[str]:
    """Ids of the calls in a message's content, a text or a list of blocks."""
    return _ids(content, call_id)


def answers_in(content: object) -> Iterator[str]:
    """Ids of the calls that the blocks of a message's content answer."""
    return _ids(content, answered_id)


def _ids(content: object, id_of: Any) -> Iterator[str]:
    blocks = content if isinstance(content, list | tuple) else ()
    found = map(id_of, blocks)
    return (one for one in found if one is not None)


def _id_in(block: object, typed: Mapping[str, str], keyed: Mapping[str, str]) -> str | None:
    if not isinstance(block, Mapping):
        return None
    kind = block.get("type")
    if isinstance(kind, str) and kind in typed:
        # Frameworks keep the item's own id beside the call's; only the latter is answered.
        return _text(block.get(typed[kind]) or block.get("id"))
    for key, name in keyed.items() if kind is None else ():
        inner = block.get(key)
        if isinstance(inner, Mapping):
            return _text(inner.get("id") or inner.get(name))
    return None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
