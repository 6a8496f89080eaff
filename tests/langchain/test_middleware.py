"""What a model receives through `MemoryBudgetMiddleware`, and what it leaves alone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_agents import COUNTER, agent_of, ids, sent_by, talk, thread, tool_round, words
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import AIMessage, AnyMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.tools import tool

from benchmarks.langchain_runs import ScriptedModel
from mba_integrations import (
    InputError,
    MemoryBudgetAllocator,
    PinnedOverBudgetError,
)
from mba_integrations.langchain import LangGraphStoreSource, MemoryBudgetMiddleware

SYSTEM = SystemMessage("be brief")  # 3 + 1 + 2 tokens


def middleware(budget: int | None, **options: Any) -> MemoryBudgetMiddleware:
    return MemoryBudgetMiddleware(budget, token_counter=words, **options)


# Each message costs 4 and its words; three prime the reply.
FOUR_TURNS = talk("h0 oslo", "a0 is", "h1 tram", "a1 blue", "h2 boat", "a2 red", "h3 oslo")


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        pytest.param(45, ["h0", "a0", "h1", "a1", "h2", "a2", "h3"], id="all-fit-exactly"),
        pytest.param(44, ["h0", "a0", "h2", "a2", "h3"], id="one-under-costs-an-exchange"),
        pytest.param(33, ["h0", "a0", "h2", "a2", "h3"], id="the-relevant-and-the-newest"),
        pytest.param(32, ["h2", "a2", "h3"], id="the-newest-in-half-of-the-budget"),
        pytest.param(24, ["h2", "a2", "h3"], id="half-of-it-is-one-exchange"),
        pytest.param(23, ["h0", "a0", "h3"], id="the-relevant-beats-the-newest-in-less"),
        pytest.param(21, ["h0", "a0", "h3"], id="one-exchange-exactly"),
        pytest.param(20, ["h3"], id="no-exchange"),
        pytest.param(9, ["h3"], id="the-question-alone"),
    ],
)
def test_exchanges_disappear_in_this_order(budget: int, expected: list[str]) -> None:
    sent = sent_by(middleware(budget), FOUR_TURNS)
    assert ids(sent) == expected
    assert COUNTER(sent) <= budget


def test_the_newest_exchange_goes_first_to_the_window_where_it_has_room() -> None:
    sent = sent_by(middleware(30, recent_share=1.0), FOUR_TURNS)
    assert ids(sent) == ["h2", "a2", "h3"]


def test_without_a_window_only_usefulness_decides() -> None:
    sent = sent_by(middleware(33, recent_share=0.0), FOUR_TURNS)
    assert ids(sent)[:2] == ["h0", "a0"]


@pytest.mark.parametrize(
    ("messages", "system", "budget", "message"),
    [
        pytest.param(
            talk("h0 a b c"),
            None,
            10,
            r"needs 11 tokens \(framing 3, last human message 8\), the budget is 10 "
            r"\(budget_tokens; 1 over\).*shorten the last human message",
            id="question",
        ),
        pytest.param(
            talk("h0"), SYSTEM, 13, r"needs 14 tokens \(system message 6, framing 3", id="system"
        ),
        pytest.param(
            [SystemMessage("a b c d", id="s"), *talk("h0")],
            None,
            15,
            r"system messages in the state 8, last human message 5",
            id="system-in-the-state",
        ),
        pytest.param(
            [*talk("h0"), *tool_round("r", "x " * 90)],
            None,
            30,
            r"open tool calls \d+, their results, shortened 1\d\), the budget is 30",
            id="open-round",
        ),
    ],
)
def test_what_must_be_sent_and_does_not_fit_is_refused_with_the_arithmetic(
    messages: list[AnyMessage], system: SystemMessage | None, budget: int, message: str
) -> None:
    with pytest.raises(PinnedOverBudgetError, match=message) as caught:
        sent_by(middleware(budget), messages, system_message=system)
    assert caught.value.budget_tokens == budget < caught.value.needed_tokens
    fitting = caught.value.needed_tokens
    assert COUNTER(sent_by(middleware(fitting), messages, system_message=system)) <= fitting


def test_a_refusal_comes_before_the_model_is_called() -> None:
    agent, model = agent_of([middleware(5)], ["never"])
    with pytest.raises(PinnedOverBudgetError):
        agent.invoke({"messages": talk("h0 a b c")}, thread("t"))
    assert model.received == []


def test_a_tool_round_stands_or_falls_with_its_results_and_its_question() -> None:
    old = [*talk("h0 oslo"), *tool_round("r0", "oslo fjord", "oslo tram"), AIMessage("ok", id="a0")]
    messages = [*old, *talk("h1 x", "a1 y", "h2 oslo")]
    for budget in range(9, COUNTER(messages) + 1):
        sent = ids(sent_by(middleware(budget), messages))
        parts = {"r0", "r0-result-0", "r0-result-1"} & set(sent)
        assert len(parts) in (0, 3)
        assert not parts or "h0" in sent


def test_a_long_round_comes_in_only_with_its_question() -> None:
    rounds = [m for n in range(3) for m in tool_round(f"r{n}", f"tram {n} " * 30)]
    messages = [*talk("h0 harbour"), *rounds, AIMessage("ok", id="a0"), *talk("h1 tram 1")]
    seen = set()
    for budget in range(10, COUNTER(messages), 3):
        sent = ids(sent_by(middleware(budget, recent_share=0.0), messages))
        assert "h0" in sent or not {"r0", "r1", "r2"} & set(sent)
        seen.add(len({"r0", "r1", "r2"} & set(sent)))
    assert seen >= {0, 1, 2}


def test_of_exchanges_that_match_alike_the_later_ones_come_in() -> None:
    long = [m for n in range(10, 40) for m in talk(f"h{n} word", f"a{n} reply")]
    sent = sent_by(middleware(93, recent_share=0.0), [*long, *talk("last other")])
    assert len(sent) == 15
    assert min(int(str(message.id)[1:]) for message in sent[:-1]) >= 30


def test_results_of_the_open_round_are_shortened_as_little_as_needed() -> None:
    long, short = "filler words here. " * 60 + "Oslo has trams.", "two words"
    messages = [*talk("h0 trams oslo"), *tool_round("r0", long, short)]
    sent = sent_by(middleware(120), messages)
    assert 100 <= COUNTER(sent) <= 120
    assert sent[3] is messages[3]
    assert "Oslo has trams." in str(sent[2].content)
    assert str(sent[2].content).startswith("[result of tool call r0-0: 190 tokens, shortened]")
    assert sent[2].response_metadata["memory_budget"] == {"full_tokens": 190}
    assert messages[2].content == long


def test_closed_results_are_whole_where_all_fits_and_short_where_not() -> None:
    old = [*talk("h0 x"), *tool_round("r0", "word " * 300), AIMessage("ok", id="a0")]
    messages = [*old, *talk("h1 y")]
    whole = COUNTER(messages)
    assert sent_by(middleware(whole), messages) == messages
    shorter = sent_by(middleware(whole - 1), messages)
    assert ids(shorter) == ids(messages)
    assert whole - 20 <= COUNTER(shorter) <= whole - 1
    assert "shortened]" in str(shorter[2].content)


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        pytest.param(
            [AIMessage("Hello", id="hello"), *talk("h0")], ["h0"], id="greeting-before-the-first"
        ),
        pytest.param(
            [*talk("h0"), tool_round("r0", "x", "y")[0], *talk("h1")], ["h0", "h1"], id="unanswered"
        ),
        pytest.param(
            [*talk("h0"), *tool_round("r0", "x", "y")[:2], *talk("h1")],
            ["h0", "h1"],
            id="half-answered",
        ),
        pytest.param(
            [*talk("h0"), tool_round("r0", "x")[1], *talk("h1")], ["h0", "h1"], id="orphan"
        ),
        pytest.param(
            [*talk("h0"), *tool_round("r0", "x"), tool_round("other", "y")[1]],
            ["h0", "r0", "r0-result-0"],
            id="orphan-after-an-open-round",
        ),
        pytest.param([*talk("h0"), tool_round("r0", "x")[0]], ["h0"], id="call-at-the-end"),
        pytest.param([AIMessage("only", id="only")], ["only"], id="no-human-message"),
        pytest.param([], [], id="no-message"),
    ],
)
def test_what_a_provider_would_refuse_is_not_sent(
    messages: list[AnyMessage], expected: list[str]
) -> None:
    assert ids(sent_by(middleware(500), messages)) == expected


def test_a_system_message_in_the_state_stays_in_its_place() -> None:
    messages = [*talk("h0 x", "a0 y"), SystemMessage("note", id="note"), *talk("h1 z")]
    assert ids(sent_by(middleware(500), messages)) == ["h0", "a0", "note", "h1"]
    assert ids(sent_by(middleware(14), messages)) == ["note", "h1"]


def test_nothing_that_is_handed_in_changes() -> None:
    messages = [*talk("h0 oslo"), *tool_round("r0", "word " * 300), *talk("h1 oslo")]
    before = [message.model_dump() for message in messages]
    kept = list(messages)
    sent_by(middleware(60), messages, system_message=SYSTEM)
    assert [message.model_dump() for message in messages] == before
    assert all(one is other for one, other in zip(messages, kept, strict=True))


def test_equal_calls_send_equal_prompts_whatever_was_sent_before() -> None:
    used = middleware(80)
    long = [m for n in range(40) for m in talk(f"h{n} word{n % 7} oslo", f"a{n} tram{n % 5}")]
    for end in range(1, len(long), 6):
        sent_by(used, long[:end])
    assert sent_by(used, long[:61]) == sent_by(middleware(80), long[:61])


def test_a_message_that_was_exchanged_is_counted_anew() -> None:
    used = middleware(20)
    (asked,) = talk("h0 a")
    assert sent_by(used, [asked])
    longer = asked.model_copy(update={"content": "word " * 50})
    with pytest.raises(PinnedOverBudgetError):
        sent_by(used, [longer])


def test_a_message_whose_content_was_exchanged_is_counted_anew() -> None:
    used = middleware(20)
    (asked,) = talk("h0 a")
    assert sent_by(used, [asked])
    asked.content = "word " * 50
    with pytest.raises(PinnedOverBudgetError):
        sent_by(used, [asked])


def test_the_beginning_of_a_growing_prompt_stays() -> None:
    used = middleware(10_000)
    long = [m for n in range(30) for m in talk(f"h{n} word", f"a{n} reply")]
    before: list[BaseMessage] = []
    for end in range(1, len(long), 2):
        sent = sent_by(used, long[:end], system_message=SYSTEM)
        assert sent[: len(before)] == before
        before = sent


def test_state_output_and_history_are_those_of_an_agent_without_it() -> None:
    made = middleware(25)
    agent, model = agent_of([made], ["one", "two", "three"])
    plain, _ = agent_of([], ["one", "two", "three"])
    for asked in ("h0 a b c", "h1 d e f", "h2 g h i"):
        out = agent.invoke({"messages": talk(asked)}, thread("t"))
        assert out.keys() == plain.invoke({"messages": talk(asked)}, thread("t")).keys()
    texts = [
        [message.content for message in one.get_state(thread("t")).values["messages"]]
        for one in (agent, plain)
    ]
    assert texts[0] == texts[1]
    assert len(texts[0]) == 6
    assert len(model.received[2]) < 5


def test_the_decision_is_in_the_state_and_the_log() -> None:
    made = middleware(25)
    agent, _ = agent_of([made], ["one", "two", "three"])
    for asked in ("h0 a b c", "h1 d e f", "h2 g h i"):
        agent.invoke({"messages": talk(asked)}, thread("t"))
    decision = agent.get_state(thread("t")).values["memory_budget"]["MemoryBudgetMiddleware"]
    assert decision["budget_tokens"] == 25
    assert decision["messages"] == 5
    assert decision["messages_sent"] + decision["messages_left_out"] == 5
    assert decision["used_tokens"] <= 25
    statistics = made.allocator.get_allocation_statistics("agent:conversation")
    assert statistics.allocation_count >= 1


MODES: list[Any] = ["values", "updates", ["messages", "values"], ["messages", "updates"]]


@pytest.mark.parametrize("mode", MODES, ids=str)
def test_streams_of_the_state_show_the_decision_and_streams_of_messages_do_not(mode: Any) -> None:
    agent, _ = agent_of([middleware(300)], ["one", "two", "three"])
    asked = {"messages": talk("h0 hello")}

    def streamed(name: str, **options: Any) -> str:
        return str(list(agent.stream(asked, thread(name), **options)))

    assert "memory_budget" in streamed("a", stream_mode=mode)
    assert "memory_budget" not in streamed("b", stream_mode=mode, output_keys=["messages"])
    assert "memory_budget" not in streamed("c", stream_mode="messages")


def test_the_decision_is_no_part_of_input_and_output() -> None:
    agent, _ = agent_of([middleware(300)], ["one"])
    given = {"messages": talk("h0 hello"), "memory_budget": {"MemoryBudgetMiddleware": {"x": 1}}}
    assert set(agent.invoke(given, thread("t"))) == {"messages"}
    assert "x" not in agent.get_state(thread("t")).values["memory_budget"]["MemoryBudgetMiddleware"]
    for schema in (agent.get_input_jsonschema(), agent.get_output_jsonschema()):
        assert "memory_budget" not in schema["properties"]


def test_the_decision_is_a_custom_event_and_steps_have_names() -> None:
    agent, _ = agent_of([middleware(100)], ["hello"])

    async def events() -> list[dict[str, Any]]:
        stream = agent.astream_events({"messages": talk("h0 hi")}, thread("t"), version="v2")
        return [dict(event) async for event in stream]

    found = asyncio.run(events())
    custom = [event for event in found if event["event"] == "on_custom_event"]
    assert [event["name"] for event in custom] == ["memory_budget"]
    assert custom[0]["data"]["budget_tokens"] == 100
    names = [event["name"] for event in found if event["event"].endswith("_start")]
    assert names == ["LangGraph", "model", "ScriptedModel"]


def test_callbacks_of_a_sync_run_hear_of_the_decision() -> None:
    class Listener(BaseCallbackHandler):
        def __init__(self) -> None:
            self.heard: list[Any] = []

        def on_custom_event(self, name: str, data: Any, **kwargs: Any) -> None:
            self.heard.append((name, data["budget_tokens"]))

    listener = Listener()
    agent, _ = agent_of([middleware(100)], ["hello"])
    config: Any = {**thread("t"), "callbacks": [listener]}
    agent.invoke({"messages": talk("h0 hi")}, config)
    assert listener.heard == [("memory_budget", 100)]


def test_streaming_and_async_send_the_same() -> None:
    sent = {}
    for way in ("invoke", "ainvoke", "stream", "astream"):
        agent, model = agent_of([middleware(20)], ["one", "two"])
        for asked in ("h0 a b c", "h1 d e f"):
            given = {"messages": talk(asked)}
            if way == "invoke":
                agent.invoke(given, thread("t"))
            elif way == "ainvoke":
                asyncio.run(agent.ainvoke(given, thread("t")))
            elif way == "stream":
                assert list(agent.stream(given, thread("t")))
            else:
                assert asyncio.run(_all(agent.astream(given, thread("t"))))
        sent[way] = [ids(received) for received in model.received]
    assert all(one == [["h0"], ["h1"]] for one in sent.values())


async def _all(stream: Any) -> list[Any]:
    return [part async for part in stream]


def test_two_instances_need_names_and_keep_their_decisions_apart() -> None:
    outer, inner = middleware(200, name="outer"), middleware(15, name="inner")
    agent, model = agent_of([outer, inner], ["one", "two"])
    for asked in ("h0 a b c", "h1 d e f"):
        agent.invoke({"messages": talk(asked)}, thread("t"))
    assert ids(model.received[1]) == ["h1"]
    decisions = agent.get_state(thread("t")).values["memory_budget"]
    assert {name: one["budget_tokens"] for name, one in decisions.items()} == {
        "outer": 200,
        "inner": 15,
    }
    with pytest.raises(AssertionError, match="duplicate"):
        agent_of([middleware(1), middleware(2)], [])


def test_a_sub_agent_has_a_budget_of_its_own() -> None:
    made = middleware(200)
    inner_model = ScriptedModel(script=[AIMessage("deep answer")])
    inner = create_agent(inner_model, middleware=[made], name="inner")

    @tool
    def ask(topic: str) -> str:
        """Ask another agent."""
        out = inner.invoke({"messages": [HumanMessage(topic, id="sub")]})
        return str(out["messages"][-1].content)

    call = AIMessage("", tool_calls=[{"name": "ask", "args": {"topic": "deep"}, "id": "c"}])
    agent, model = agent_of([made], [call, "done"], [ask])
    agent.invoke({"messages": talk("h0 top")}, thread("t"))
    assert ids(inner_model.received[0]) == ["sub"]
    assert [message.type for message in model.received[1]] == ["human", "ai", "tool"]
    assert model.received[1][2].content == "deep answer"


def test_threads_do_not_mix() -> None:
    agent, model = agent_of([middleware(60)], ["one", "two", "three"])
    agent.invoke({"messages": talk("h0 x")}, thread("a"))
    agent.invoke({"messages": talk("h0 y")}, thread("b"))
    agent.invoke({"messages": talk("h1 z")}, thread("a"))
    assert [message.content for message in model.received[2]] == ["h0 x", "one", "h1 z"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"budget_tokens": 0}, "budget_tokens must be an integer >= 1", id="zero"),
        pytest.param({"budget_tokens": True}, "budget_tokens must be an integer", id="a-truth"),
        pytest.param({"reply_tokens": -1}, "reply_tokens must be an integer >= 1", id="reply"),
        pytest.param({"recent_share": 1.5}, r"recent_share must be in \[0, 1\]", id="share"),
        pytest.param({"recent_share": ...}, r"recent_share must be in \[0, 1\]", id="no-share"),
        pytest.param({"recent_share": True}, "recent_share must be in", id="share-a-truth"),
        pytest.param({"introduction": 3}, "introduction must be a text, got int", id="words"),
        pytest.param({"name": ["x"]}, "name must be a text, got list", id="name"),
        pytest.param({"allocator": "x"}, "must be a MemoryBudgetAllocator, got str", id="chooser"),
        pytest.param({"memories": 3}, "memories must be a list of sources, got int", id="number"),
        pytest.param({"memories": ["x"]}, "a source of memories must be", id="source"),
        pytest.param({"memories": [LangGraphStoreSource]}, "a source of memories", id="class"),
        pytest.param({"embedder": 3}, "embedder must be LangChain Embeddings", id="embedder"),
        pytest.param(
            {"embedder": len, "allocator": MemoryBudgetAllocator()},
            "give embedder to the allocator",
            id="embedder-twice",
        ),
    ],
)
def test_unusable_arguments_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MemoryBudgetMiddleware(**options)
