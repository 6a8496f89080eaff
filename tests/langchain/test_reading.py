"""Calls and results in every form that LangChain's providers send, and what becomes of them."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import pytest
from langchain.agents.middleware import ClearToolUsesEdit, ContextEditingMiddleware
from langchain_agents import COUNTER, agent_of, ids, sent_by, talk, thread, tool_round, words
from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    BaseMessage,
    ChatMessage,
    FunctionMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)
from langchain_core.messages.utils import count_tokens_approximately
from langgraph.store.memory import InMemoryStore

from mba_integrations import PinnedOverBudgetError
from mba_integrations.langchain import (
    BudgetedChatMessageHistory,
    LangGraphStoreSource,
    MemoryBudgetMiddleware,
)
from mba_integrations.langchain.history.chat_history import ListChatMessageHistory

USE = {"type": "tool_use", "id": "c", "name": "look", "input": {"q": "x"}}
CALL = {"name": "look", "args": {"q": "x"}, "id": "c"}
LEGACY = {"function_call": {"name": "look", "arguments": "{}"}}


def result_block(text: str = "42", call: str = "c") -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": call, "content": text}


ROUNDS: dict[str, list[BaseMessage]] = {
    "tool-calls": [AIMessage("", tool_calls=[CALL]), ToolMessage("42", tool_call_id="c")],
    "call-in-the-content-only": [AIMessage([USE]), ToolMessage("42", tool_call_id="c")],
    "call-in-both": [AIMessage([USE], tool_calls=[CALL]), ToolMessage("42", tool_call_id="c")],
    "result-in-a-human-message": [
        AIMessage([USE], tool_calls=[CALL]),
        HumanMessage([result_block()]),
    ],
    "raw-anthropic": [AIMessage([USE]), HumanMessage([result_block()])],
    "result-with-words": [
        AIMessage([USE]),
        HumanMessage([result_block(), {"type": "text", "text": "go on"}]),
    ],
    "two-raw-results": [
        AIMessage([USE, {**USE, "id": "d"}]),
        HumanMessage([result_block(), result_block("43", "d")]),
    ],
    "openai-responses": [
        AIMessage([{"type": "function_call", "id": "fc", "call_id": "c", "name": "f"}]),
        ToolMessage("42", tool_call_id="c"),
    ],
    "openai-output-item": [
        AIMessage([{"type": "function_call", "id": "fc", "call_id": "c", "name": "f"}]),
        HumanMessage([{"type": "function_call_output", "call_id": "c", "output": "42"}]),
    ],
    "computer-call": [
        AIMessage(
            "", additional_kwargs={"tool_outputs": [{"type": "computer_call", "call_id": "c"}]}
        ),
        ToolMessage("42", tool_call_id="c"),
    ],
    "invalid-call": [
        AIMessage(
            "",
            invalid_tool_calls=[
                {"name": "f", "args": "{", "id": "c", "error": None, "type": "invalid_tool_call"}
            ],
        ),
        ToolMessage("42", tool_call_id="c"),
    ],
    "function-call": [AIMessage("", additional_kwargs=LEGACY), FunctionMessage("42", name="look")],
    "call-without-an-id": [
        AIMessage("", tool_calls=[{**CALL, "id": None}]),
        ToolMessage("42", tool_call_id="x"),
    ],
}


def sent(messages: Sequence[BaseMessage], budget: int = 4000) -> list[BaseMessage]:
    return sent_by(MemoryBudgetMiddleware(budget, token_counter=words), messages)


@pytest.mark.parametrize("pair", ROUNDS.values(), ids=ROUNDS)
@pytest.mark.parametrize("place", ["open", "closed", "history"])
def test_call_and_result_stay_or_go_together(pair: list[BaseMessage], place: str) -> None:
    if place == "history":
        history = BudgetedChatMessageHistory(4000)
        history.add_messages([HumanMessage("look it up"), *pair, AIMessage("It is 42.")])
        seen = history.messages
    else:
        after = [] if place == "open" else [AIMessage("It is 42."), HumanMessage("thanks")]
        seen = sent([HumanMessage("look it up"), *pair, *after])
    assert [message in seen for message in pair] == [True, True]
    for broken in pair:
        left = [HumanMessage("look it up"), broken, AIMessage("It is 42."), HumanMessage("thanks")]
        assert broken not in sent(left)


@pytest.mark.parametrize("pair", ROUNDS.values(), ids=ROUNDS)
def test_older_rounds_come_whole_within_any_budget(pair: list[BaseMessage]) -> None:
    messages = [
        HumanMessage("look x up"),
        *pair,
        AIMessage("It is 42."),
        *talk("h1 a", "a1 b", "h2 x"),
    ]
    for budget in range(12, COUNTER(messages) + 1, 3):
        seen = sent(messages, budget)
        assert len({message in seen for message in pair}) == 1
        assert COUNTER(seen) <= budget


def test_calls_that_only_the_content_has_are_counted() -> None:
    parsed = COUNTER.message_tokens([AIMessage("", tool_calls=[CALL])])
    assert COUNTER.message_tokens([AIMessage([USE])]) == parsed
    assert COUNTER.message_tokens([AIMessage([USE], tool_calls=[CALL])]) == parsed
    long = {"type": "function_call", "call_id": "c", "name": "f", "arguments": "x " * 90}
    assert COUNTER.message_tokens([AIMessage([long])])[0] > 90


def test_a_waiting_round_with_a_system_message_in_it_is_sent() -> None:
    asked, call, *results = [*talk("h0 look"), *tool_round("r0", "forty two")]
    note = SystemMessage("Be brief.", id="note")
    assert ids(sent([asked, call, note, *results])) == ["h0", "note", "r0", "r0-result-0"]


def test_only_the_first_result_of_a_call_is_sent() -> None:
    asked, call, result = [*talk("h0 pay"), *tool_round("r0", "paid")]
    again = result.model_copy(update={"id": "again"})
    messages = [asked, call, result, again, *talk("h1 x")]
    assert ids(sent(messages)) == ["h0", "r0", "r0-result-0", "h1"]


CALLED: dict[str, list[BaseMessage]] = {
    "function-call": [
        AIMessage(
            "", additional_kwargs={"function_call": {"name": "look", "arguments": "x " * 60}}
        ),
        FunctionMessage("forty two", name="look"),
    ],
    "tool-call": [
        AIMessage("", tool_calls=[{"name": "look", "args": {"x": "x " * 60}, "id": "c"}]),
        ToolMessage("forty two", tool_call_id="c"),
    ],
}


@pytest.mark.parametrize("pair", CALLED.values(), ids=CALLED)
def test_a_waiting_round_is_sent_whole_from_the_budget_on_that_it_needs(
    pair: list[BaseMessage],
) -> None:
    talk = [HumanMessage("what is it? " + "w " * 60), *pair]
    needed = COUNTER(talk)
    assert sent_by(MemoryBudgetMiddleware(needed, token_counter=words), talk) == talk
    with pytest.raises(PinnedOverBudgetError, match="shorten the open tool calls") as refused:
        sent_by(MemoryBudgetMiddleware(needed - 1, token_counter=words), talk)
    assert refused.value.needed_tokens == needed


def test_a_waiting_function_call_that_does_not_fit_is_refused_and_never_halved() -> None:
    call = AIMessage("", additional_kwargs={"function_call": {"name": "f", "arguments": "x " * 60}})
    messages = [HumanMessage("w " * 60), call, FunctionMessage("forty two", name="f")]
    with pytest.raises(PinnedOverBudgetError, match="open tool calls"):
        sent(messages, 120)
    assert sent(messages, 200) == messages


@pytest.mark.parametrize(
    ("role", "kept"), [("system", True), ("developer", True), ("user", True), ("assistant", False)]
)
def test_a_chat_message_counts_by_its_role(role: str, kept: bool) -> None:
    first = ChatMessage("My name is Kate.", role=role)
    history = BudgetedChatMessageHistory(4000)
    history.add_messages([first, AIMessage("Understood."), HumanMessage("hi"), AIMessage("hello")])
    assert (first in history.messages) is kept


OLD = [
    *talk("h0 which index is slow?"),
    *tool_round("r0", "slow index result " * 22),
    AIMessage("the index on orders is slow", id="a0"),
    *(m for n in range(1, 7) for m in talk(f"h{n} " + "filler " * 12, f"a{n} " + "filler " * 12)),
]


def broken_rounds(messages: Sequence[BaseMessage]) -> bool:
    """Whether a result stands without its call or a call without its results."""
    waiting: set[str | None] = set()
    for message in messages:
        if isinstance(message, ToolMessage):
            if message.tool_call_id not in waiting:
                return True
            waiting.discard(message.tool_call_id)
        elif waiting:
            return True
        if isinstance(message, AIMessage):
            waiting = {call["id"] for call in message.tool_calls}
    return bool(waiting)


def test_no_result_is_left_without_its_call_after_an_older_message_changed() -> None:
    budget = MemoryBudgetMiddleware(90, token_counter=words, recent_share=0.2)
    agent, model = agent_of([budget], ["a", "b"])
    agent.invoke({"messages": [*OLD, HumanMessage("slow index result?")]}, thread("t"))
    shorter = OLD[2].model_copy(update={"content": "slow index result"})
    agent.update_state(thread("t"), {"messages": [shorter]})
    agent.invoke({"messages": [HumanMessage("slow index result?")]}, thread("t"))
    assert not broken_rounds(model.received[-1])


def test_context_editing_before_it_leaves_no_result_without_its_call() -> None:
    def agent(replies: list[str]) -> Any:
        most = count_tokens_approximately(OLD) + 20
        clear = ClearToolUsesEdit(trigger=most, keep=0, placeholder="slow index result")
        budget = MemoryBudgetMiddleware(90, token_counter=words, recent_share=0.2)
        return agent_of([ContextEditingMiddleware(edits=[clear]), budget], replies)

    kept, model = agent(["a"] * 4)
    said: list[AnyMessage] = [*OLD]
    for turn in range(4):
        asked = [*said, HumanMessage("slow index result? " + "filler " * turn * 9)]
        state = kept.invoke({"messages": asked}, thread("t"))
        anew, other = agent(["a"])
        anew.invoke({"messages": state["messages"][:-1]}, thread("t"))
        assert contents(model.received[-1]) == contents(other.received[-1])
        assert not broken_rounds(model.received[-1])
        said = []
    cleared = ["slow index result" in contents(received) for received in model.received]
    assert any(cleared[1:])
    assert not cleared[0]


def contents(messages: Sequence[BaseMessage]) -> list[object]:
    return [message.content for message in messages]


def test_an_edited_message_in_a_history_leaves_no_result_without_its_call() -> None:
    for budget in range(40, 140, 10):
        rows = ListChatMessageHistory()
        rows.messages = [*OLD, *talk("h9 slow index result?", "a9 ok")]
        kept = BudgetedChatMessageHistory(budget, rows, token_counter=words, recent_share=0.2)
        assert not broken_rounds(kept.messages)
        shorter = OLD[2].model_copy(update={"content": "slow index result"})
        rows.messages = [*OLD[:2], shorter, *rows.messages[3:]]
        anew = BudgetedChatMessageHistory(budget, rows, token_counter=words, recent_share=0.2)
        assert kept.messages == anew.messages
        assert not broken_rounds(kept.messages)


@pytest.mark.parametrize("seed", range(25))
def test_random_edits_of_a_thread_give_what_a_new_one_gives(seed: int) -> None:
    draw = random.Random(seed)
    kept = MemoryBudgetMiddleware(90, token_counter=words, recent_share=draw.choice([0.2, 0.5]))
    messages: list[AnyMessage] = [*OLD]
    for step in range(6):
        place = draw.randrange(len(messages))
        changed = messages[place].model_copy(
            update={"content": f"slow {step} " * draw.randint(1, 9)}
        )
        messages = [*messages[:place], changed, *messages[place + 1 :]]
        if draw.random() < 0.4:
            del messages[draw.randrange(len(messages))]
        now = [*messages, HumanMessage("slow index?")]
        anew = MemoryBudgetMiddleware(
            90, token_counter=words, recent_share=kept._planner.recent_share
        )
        seen = sent_by(kept, now)
        assert seen == sent_by(anew, now)
        assert not broken_rounds(seen)


def test_a_pinned_memory_that_fits_is_sent_beside_a_long_conversation() -> None:
    store = InMemoryStore()
    store.put(("m",), "rule", {"text": "Never mention the merger. " * 10, "pinned": True})
    long = [m for n in range(20) for m in talk(f"h{n} on the plan", f"a{n} on the plan")]
    for messages in (talk("h what now?"), [*long, *talk("h what now?")]):
        budget = MemoryBudgetMiddleware(
            110, memories=[LangGraphStoreSource(("m",))], token_counter=words
        )
        agent, model = agent_of([budget], ["x"], store=store)
        agent.invoke({"messages": messages}, thread("t"))
        assert "merger" in str(model.received[0][-2].content)
        assert COUNTER(model.received[0]) <= 110


def test_pinned_memories_that_do_not_fit_are_refused() -> None:
    store = InMemoryStore()
    store.put(("m",), "rule", {"text": "Never mention the merger. " * 10, "pinned": True})
    for budget in (8, 20, 50):
        made = MemoryBudgetMiddleware(
            budget, memories=[LangGraphStoreSource(("m",))], token_counter=words
        )
        agent, model = agent_of([made], ["x"], store=store)
        with pytest.raises(PinnedOverBudgetError):
            agent.invoke({"messages": talk("h")}, thread("t"))
        assert model.received == []
