"""What a provider says of chat messages; written apart from the library."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any


def refusals(messages: Sequence[dict[str, Any]]) -> list[str]:
    """Why the strictest provider would refuse the messages; nothing if it takes them."""
    rest = list(messages)
    found: list[str] = []
    while rest and rest[0]["role"] == "system":
        rest.pop(0)
    if rest and rest[0]["role"] != "user":
        found.append(f"begins with {rest[0]['role']}")
    waiting: list[str] = []
    before = ""
    for message in rest:
        role = message["role"]
        if role == "tool":
            if message.get("tool_call_id") not in waiting:
                found.append(f"a result of {message.get('tool_call_id')!r} without its call")
            else:
                waiting.remove(message["tool_call_id"])
        else:
            if waiting:
                found.append(f"calls {waiting} without results")
            if role not in ("user", "assistant"):
                found.append(f"{role} within the dialogue")
            if role == before:
                found.append(f"{role} twice in a row")
            waiting = [call["id"] for call in message.get("tool_calls", [])]
            found += _of_calls(message)
        before = role
    return [*found, *(f"call {one!r} without a result" for one in waiting)]


def _of_calls(message: dict[str, Any]) -> list[str]:
    calls = message.get("tool_calls", [])
    found = [] if message["content"] or calls else ["an empty message"]
    if calls and message["role"] != "assistant":
        found.append("calls of somebody else")
    if len({call["id"] for call in calls}) < len(calls):
        found.append("two calls of one id")
    for call in calls:
        if call["type"] != "function" or not call["function"]["name"]:
            found.append(f"a call of {call}")
        json.dumps(call["function"]["arguments"])
    return found
