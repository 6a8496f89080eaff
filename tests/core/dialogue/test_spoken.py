"""What an item's metadata says of who speaks and of calls."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mba_integrations.core.dialogue.roles import Role
from mba_integrations.core.dialogue.spoken import ToolCall, spoken

LOOK = ToolCall("c1", "look", '{"at": 2}')


@pytest.mark.parametrize(
    ("name", "role", "is_chat_role"),
    [
        pytest.param("user", Role.USER, True, id="user"),
        pytest.param("Human", Role.USER, True, id="human"),
        pytest.param("ai", Role.ASSISTANT, True, id="ai"),
        pytest.param("function", Role.RESULT, True, id="function"),
        pytest.param("customer", Role.USER, False, id="who-asks-for-help"),
        pytest.param("agent", Role.ASSISTANT, False, id="who-has-another-name"),
    ],
)
def test_who_speaks(name: str, role: Role, is_chat_role: bool) -> None:
    said = spoken({"role": name})
    assert said is not None
    assert (said.role, said.is_chat_role, said.calls, said.answers) == (role, is_chat_role, (), ())


@pytest.mark.parametrize("metadata", [{}, {"speaker": "Kate"}, {"role": ""}, {"role": None}])
def test_without_a_role_nobody_is_known_to_speak(metadata: dict[str, Any]) -> None:
    assert spoken(metadata) is None


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        pytest.param(
            {"id": "c1", "function": {"name": "look", "arguments": '{"at": 2}'}}, LOOK, id="openai"
        ),
        pytest.param({"id": "c1", "name": "look", "args": {"at": 2}}, LOOK, id="langchain"),
        pytest.param({"id": "c1", "name": "look", "input": {"at": 2}}, LOOK, id="anthropic"),
        pytest.param({"id": "c1", "name": "look"}, ToolCall("c1", "look", "{}"), id="no-arguments"),
        pytest.param({"name": "look"}, None, id="no-id"),
        pytest.param({"id": "c1"}, None, id="no-name"),
        pytest.param({"id": "c1", "name": "look", "args": {1: {2}}}, None, id="no-json"),
        pytest.param("look", None, id="no-mapping"),
    ],
)
def test_calls_in_the_forms_of_providers(call: object, expected: ToolCall | None) -> None:
    said = spoken({"role": "assistant", "tool_calls": [call]})
    assert said is not None
    assert said.calls == (() if expected is None else (expected,))


def test_calls_of_which_two_share_an_id_are_none() -> None:
    call = {"id": "c1", "name": "look"}
    said = spoken({"role": "assistant", "tool_calls": [call, call]})
    assert said is not None
    assert said.calls == ()


def test_only_results_answer_and_only_assistants_call() -> None:
    tools = {"tool_calls": [{"id": "c1", "name": "look"}], "tool_call_id": "c0"}
    made = {role: spoken({"role": role, **tools}) for role in ("user", "assistant", "tool")}
    assert {role: one and (one.call_ids, one.answers) for role, one in made.items()} == {
        "user": ((), ()),
        "assistant": (("c1",), ()),
        "tool": ((), ("c0",)),
    }


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3) | st.binary(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(["id", "name", "function", "args"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(ANYTHING, ANYTHING)
def test_metadata_holds_anything(calls: object, answered: object) -> None:
    for role in ("assistant", "tool", "elf"):
        said = spoken({"role": role, "tool_calls": calls, "tool_call_id": answered})
        assert said is not None
        assert len(set(said.call_ids)) == len(said.calls)
