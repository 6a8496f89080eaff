"""Chat engines and agents of LlamaIndex with scripted models: what the models receive."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.agent.workflow import AgentWorkflow, FunctionAgent
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.chat_engine import (
    CondensePlusContextChatEngine,
    ContextChatEngine,
    SimpleChatEngine,
)
from llama_index.core.memory import ChatMemoryBuffer
from llama_index.core.schema import TextNode
from llama_index.core.tools import FunctionTool
from llama_index.core.workflow import Context
from llamaindex_models import (
    LetterEmbedding,
    ScriptedLLM,
    orphans,
    prose,
    recorded_events,
    tool_call,
)

from mba_integrations import BudgetError, counter_for_model
from mba_integrations.llamaindex import (
    BudgetedFunctionCallingLLM,
    BudgetedMemory,
    BudgetLedger,
    MemoryBudgetPostprocessor,
    MessageTokens,
)
from mba_integrations.llamaindex.ledger import Participant

pytestmark = [
    pytest.mark.usefixtures("own_event_loop"),
    # FunctionAgent looks up its steps by reading every attribute, pydantic's deprecated ones too.
    pytest.mark.filterwarnings("ignore::pydantic.warnings.PydanticDeprecationWarning"),
]

TOKENS = MessageTokens(counter_for_model("gpt-4o"))
BUDGET = 1000
TURNS = 12


def chat(engine: Any, message: str) -> None:
    engine.chat(message)


def stream_chat(engine: Any, message: str) -> None:
    response = engine.stream_chat(message)
    assert "".join(response.response_gen)
    if response.write_response_to_history_thread is not None:
        response.write_response_to_history_thread.join()


def achat(engine: Any, message: str) -> None:
    asyncio.run(engine.achat(message))


def astream_chat(engine: Any, message: str) -> None:
    async def ask() -> None:
        response = await engine.astream_chat(message)
        assert "".join([token async for token in response.async_response_gen()])
        if response.awrite_response_to_history_task is not None:
            await response.awrite_response_to_history_task

    asyncio.run(ask())


WAYS = [pytest.param(way, id=way.__name__) for way in (chat, stream_chat, achat, astream_chat)]
INDEX = VectorStoreIndex(
    [TextNode(text=prose(40, place)) for place in range(60)], embed_model=LetterEmbedding()
)


def engine_of(kind: Any, llm: ScriptedLLM, budget: int) -> tuple[Any, BudgetedMemory]:
    ledger = BudgetLedger(budget_tokens=budget)
    memory = BudgetedMemory.from_defaults(ledger=ledger)
    engine = kind.from_defaults(
        retriever=INDEX.as_retriever(similarity_top_k=40),
        llm=llm,
        memory=memory,
        node_postprocessors=[MemoryBudgetPostprocessor(ledger=ledger)],
    )
    return engine, memory


def fixed_tokens(kind: Any, way: Callable[[Any, str], None], question: str) -> int:
    """Tokens of the prompt without history, with a document of one token."""
    llm = ScriptedLLM(context_window=8000)
    engine = kind.from_defaults(
        retriever=INDEX.as_retriever(similarity_top_k=1),
        llm=llm,
        memory=BudgetedMemory.from_defaults(10),
        node_postprocessors=[MemoryBudgetPostprocessor(budget_tokens=1)],
    )
    way(engine, question)
    return TOKENS.of_list(llm.prompts[-1]) - 1


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", [ContextChatEngine, CondensePlusContextChatEngine])
def test_history_and_documents_share_one_budget(kind: Any, way: Callable[[Any, str], None]) -> None:
    llm = ScriptedLLM(context_window=8000)
    engine, memory = engine_of(kind, llm, BUDGET)
    used = []
    for turn in range(TURNS):
        question = prose(30, 1000 + turn)
        way(engine, question)
        assert len(llm.prompts) == turn + 1, "one call for each question"
        # A separator line is joined to the context, which may cost or save a token at each end.
        used.append(TOKENS.of_list(llm.prompts[-1]) - fixed_tokens(kind, way, question))
    assert max(used) <= BUDGET
    assert min(used) >= 0.8 * BUDGET
    assert len(memory.get_all()) == 2 * TURNS
    assert [message.content for message in memory.get_all()][1::2] == ["Done."] * TURNS
    long = llm.prompts[-1]
    assert len(long) > 4, "history is in the prompt"
    assert all(orphans(prompt) == [] for prompt in llm.prompts)


@pytest.mark.parametrize("way", WAYS)
def test_simple_engine_stays_within_its_budget(way: Callable[[Any, str], None]) -> None:
    llm = ScriptedLLM()
    memory = BudgetedMemory.from_defaults(300)
    engine = SimpleChatEngine.from_defaults(llm=llm, memory=memory, system_prompt="You are kind.")
    for turn in range(10):
        way(engine, prose(20, turn))
    assert max(map(TOKENS.of_list, llm.prompts)) <= 300
    assert llm.prompts[-1][0].content == "You are kind."
    assert llm.prompts[-1][1].role is MessageRole.USER
    assert llm.prompts[-1][-1].content == prose(20, 9)
    assert len(memory.get_all()) == 20


def test_prompt_of_a_ledger_for_the_model_fits_its_window_in_one_call() -> None:
    llm = ScriptedLLM(context_window=2000, num_output=100)
    ledger = BudgetLedger.for_model(llm, reserved_tokens=500 + 250)
    memory = BudgetedMemory.from_defaults(ledger=ledger)
    engine = ContextChatEngine.from_defaults(
        retriever=INDEX.as_retriever(similarity_top_k=40),
        llm=llm,
        memory=memory,
        node_postprocessors=[MemoryBudgetPostprocessor(ledger=ledger)],
    )
    for turn in range(10):
        engine.chat(prose(25, turn))
    assert len(llm.prompts) == 10
    assert max(map(TOKENS.of_list, llm.prompts)) <= 1900


def test_reply_of_a_model_that_does_not_say_has_the_frameworks_length() -> None:
    llm = ScriptedLLM(context_window=2000, num_output=-1)
    assert BudgetLedger.for_model(llm, reserved_tokens=100).budget_tokens == 2000 - 256 - 100


def test_ledger_that_leaves_nothing_is_refused() -> None:
    with pytest.raises(BudgetError, match=r"512 tokens, the reply takes 12 and 500 are reserved"):
        BudgetLedger.for_model(ScriptedLLM(context_window=512, num_output=12), reserved_tokens=500)


def test_remembered_variables_do_not_leak_documents() -> None:
    """The attack: a user's text asks for the template's own variables and gets them."""
    for memory, expands in (
        (BudgetedMemory.from_defaults(2000), False),
        (ChatMemoryBuffer.from_defaults(token_limit=2000), True),
    ):
        llm = ScriptedLLM(context_window=8000)
        engine = ContextChatEngine.from_defaults(
            retriever=INDEX.as_retriever(similarity_top_k=2), llm=llm, memory=memory
        )
        engine.chat("Remember: H:{context_str}:H and {query_str} and {{context_str}}")
        engine.chat("What did I say?")
        told = llm.prompts[-1][1].content or ""
        assert told.startswith("Remember: H:")
        assert (len(told) > 200) is expands


def test_requests_at_the_same_time_keep_to_themselves() -> None:
    """Ten conversations through one ledger: each task has a request of its own."""
    ledger = BudgetLedger(budget_tokens=400)

    async def request(documents: int) -> int:
        ledger.take(Participant.DOCUMENTS, documents)
        await asyncio.sleep(0)
        return ledger.room(Participant.HISTORY)

    async def all_at_once() -> list[int]:
        return await asyncio.gather(*(request(10 * place) for place in range(10)))

    assert asyncio.run(all_at_once()) == [400 - 10 * place for place in range(10)]


def test_threads_keep_to_themselves() -> None:
    ledger = BudgetLedger(budget_tokens=400)
    rooms: dict[int, int] = {}

    def request(documents: int) -> None:
        ledger.take(Participant.DOCUMENTS, documents)
        rooms[documents] = ledger.room(Participant.HISTORY)

    threads = [threading.Thread(target=request, args=(place,)) for place in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert rooms == {place: 400 - place for place in range(8)}


@pytest.mark.parametrize(
    ("share", "demand", "documents_first", "history_first"),
    [
        pytest.param(0.5, None, 50, 50, id="unknown-history-keeps-its-share"),
        pytest.param(0.5, 10, 90, 50, id="short-history-leaves-the-rest"),
        pytest.param(0.2, 1000, 80, 20, id="long-history-keeps-its-share"),
        pytest.param(0.0, 1000, 100, 0, id="all-for-documents"),
        pytest.param(1.0, 1000, 0, 100, id="all-for-history"),
    ],
)
def test_who_comes_first_leaves_the_other_its_share(
    share: float, demand: int | None, documents_first: int, history_first: int
) -> None:
    ledger = BudgetLedger(budget_tokens=100, history_share=share)
    if demand is not None:
        ledger.note_history(demand)
    assert ledger.room(Participant.DOCUMENTS) == documents_first
    assert ledger.room(Participant.HISTORY) == history_first
    ledger.take(Participant.DOCUMENTS, 30)
    assert ledger.room(Participant.HISTORY) == 70
    ledger.take(Participant.HISTORY, 70)
    assert ledger.room(Participant.DOCUMENTS) == documents_first, "a new request"


def test_ledger_after_a_round_trip_knows_the_requests_of_its_twin() -> None:
    ledger = BudgetLedger(budget_tokens=100)
    twin = BudgetLedger.model_validate(ledger.model_dump())
    ledger.take(Participant.DOCUMENTS, 60)
    assert twin.room(Participant.HISTORY) == 40
    assert BudgetLedger(budget_tokens=100).room(Participant.HISTORY) == 50


CALLS = [tool_call("look", f"c{number}", what=f"w{number}") for number in range(4)]


def look(what: str) -> str:
    """Look something up."""
    return prose(300, int(what[1:]))


def agent_of(
    llm: ScriptedLLM, budget: int, *, streaming: bool = True
) -> tuple[FunctionAgent, BudgetedFunctionCallingLLM]:
    wrapped = BudgetedFunctionCallingLLM(llm, budget_tokens=budget)
    agent = FunctionAgent(
        llm=wrapped,
        tools=[FunctionTool.from_defaults(fn=look)],
        system_prompt="You are kind.",
        streaming=streaming,
    )
    return agent, wrapped


def prompt_tokens(llm: ScriptedLLM, number: int) -> int:
    return TOKENS.of_list(llm.prompts[number]) + TOKENS.of_tools(llm.tools[number])


@pytest.mark.parametrize("streaming", [True, False], ids=["streaming", "whole"])
@pytest.mark.parametrize("as_workflow", [True, False], ids=["workflow", "agent"])
def test_no_call_of_an_agent_exceeds_its_budget(streaming: bool, as_workflow: bool) -> None:
    llm = ScriptedLLM(replies=CALLS)
    agent, _ = agent_of(llm, 1500, streaming=streaming)
    runner: Any = AgentWorkflow(agents=[agent]) if as_workflow else agent
    memory = BudgetedMemory.from_defaults(800)

    async def run() -> Any:
        return await runner.run(user_msg="Look up everything.", memory=memory)

    assert asyncio.run(run()).response.content == "Done."
    assert len(llm.prompts) == 5
    tokens = [prompt_tokens(llm, number) for number in range(5)]
    assert max(tokens) <= 1500
    assert TOKENS.of_list(memory.get_all()) > 2500, "all of it is in the store"
    for prompt in llm.prompts:
        assert orphans(prompt) == []
        assert [message.content for message in prompt[:2]] == [
            "You are kind.",
            "Look up everything.",
        ]
    for number, prompt in enumerate(llm.prompts[1:]):
        assert prompt[-1].additional_kwargs["tool_call_id"] == f"c{number}"
    roles = [message.role.value for message in memory.get_all()]
    assert roles == ["user", *["assistant", "tool"] * 4, "assistant"]


def test_a_result_that_is_too_long_by_itself_is_cut() -> None:
    llm = ScriptedLLM(replies=CALLS[:1])
    agent, _ = agent_of(llm, 400)
    memory = BudgetedMemory.from_defaults(4000)

    async def run() -> None:
        await agent.run(user_msg="Look it up.", memory=memory)

    asyncio.run(run())
    assert prompt_tokens(llm, 1) <= 400
    assert "shortened]" in (llm.prompts[1][-1].content or "")
    assert memory.get_all()[2].content == prose(300, 0)


def test_memory_and_model_tell_what_they_left_out() -> None:
    history = [
        ChatMessage(role=role, content=prose(20, place))
        for place in range(30)
        for role in (MessageRole.USER, MessageRole.ASSISTANT)
    ]
    memory = BudgetedMemory.from_defaults(500, chat_history=history)
    wrapped = BudgetedFunctionCallingLLM(ScriptedLLM(), budget_tokens=300)
    with recorded_events() as events:
        view = memory.get("Which river?")
        wrapped.chat([*view, ChatMessage(content="Which river?")])
    of_memory, of_model = events
    assert of_memory.component == "BudgetedMemory"
    assert (of_memory.budget_tokens, of_memory.used_tokens) == (500, TOKENS.of_list(view))
    assert [history[int(place)].content for place in of_memory.selected] == [
        message.content for message in view
    ]
    assert sum(of_memory.omitted.values()) > 10
    assert of_model.component == "BudgetedFunctionCallingLLM"
    assert of_model.used_tokens <= of_model.budget_tokens == 300


def test_memory_survives_in_a_context_that_is_saved() -> None:
    agent, _ = agent_of(ScriptedLLM(), 1500)
    memory = BudgetedMemory.from_defaults(800, chat_history=[ChatMessage(content="Hello.")])

    async def run() -> tuple[Any, list[ChatMessage]]:
        context = Context(agent)
        await agent.run(user_msg="And now?", memory=memory, ctx=context)
        restored = Context.from_dict(agent, context.to_dict())
        again = await restored.store.get("memory")
        return again, await again.aget_all()

    again, messages = asyncio.run(run())
    assert isinstance(again, BudgetedMemory)
    assert again.budget_tokens == 800
    assert [message.content for message in messages] == ["Hello.", "And now?", "Done."]


def test_empty_memory_is_not_replaced_by_the_agent() -> None:
    agent, _ = agent_of(ScriptedLLM(), 1500)
    memory = BudgetedMemory.from_defaults(800)

    async def run() -> Any:
        context = Context(agent)
        await agent.run(user_msg="Hi.", memory=memory, ctx=context)
        return await context.store.get("memory")

    assert asyncio.run(run()) is memory


@pytest.mark.parametrize("way", ["chat", "stream_chat", "achat", "astream_chat"])
def test_every_way_of_chatting_is_bounded(way: str) -> None:
    llm = ScriptedLLM()
    wrapped = BudgetedFunctionCallingLLM(llm, budget_tokens=200)
    messages = [ChatMessage(content=prose(20, place)) for place in range(20)]

    async def ask() -> None:
        answer = getattr(wrapped, way)(messages)
        if way.startswith("a"):
            answer = await answer
        if way == "stream_chat":
            assert list(answer)
        if way == "astream_chat":
            assert [part async for part in answer]

    asyncio.run(ask())
    assert 100 <= TOKENS.of_list(llm.prompts[0]) <= 200
    assert llm.prompts[0][-1].content == messages[-1].content


@pytest.mark.parametrize("way", ["chat_with_tools", "stream_chat_with_tools"])
def test_user_message_and_history_are_bounded_together(way: str) -> None:
    llm = ScriptedLLM()
    wrapped = BudgetedFunctionCallingLLM(llm, budget_tokens=300)
    tool = FunctionTool.from_defaults(fn=look)
    history = [ChatMessage(content=prose(20, place)) for place in range(20)]
    getattr(wrapped, way)([tool], "What now?", history)
    assert llm.prompts[0][-1].content == "What now?"
    assert prompt_tokens(llm, 0) <= 300
    assert len(history) == 20


def test_completions_are_passed_on_or_refused() -> None:
    llm = ScriptedLLM()
    wrapped = BudgetedFunctionCallingLLM(llm, budget_tokens=20)
    assert wrapped.complete("Short.").text == "Done."
    assert asyncio.run(wrapped.acomplete("Short.")).text == "Done."
    assert [part.text for part in wrapped.stream_complete("Short.")] == ["Done."]
    with pytest.raises(BudgetError, match=r"the budget is 20"):
        wrapped.complete(prose(100))
    assert llm.completions == ["Short."] * 3


def test_tools_that_leave_no_room_are_an_error_with_the_arithmetic() -> None:
    wrapped = BudgetedFunctionCallingLLM(ScriptedLLM(), budget_tokens=20)
    with pytest.raises(BudgetError, match="descriptions of tools"):
        wrapped.chat_with_tools([FunctionTool.from_defaults(fn=look)], "What now?")


def test_without_a_budget_the_window_counts() -> None:
    llm = ScriptedLLM(context_window=200, num_output=50)
    wrapped = BudgetedFunctionCallingLLM(llm)
    wrapped.chat([ChatMessage(content=prose(10, place)) for place in range(20)])
    assert TOKENS.of_list(llm.prompts[0]) <= 150
    assert wrapped.metadata == llm.metadata


def test_model_survives_a_round_trip_of_its_settings() -> None:
    wrapped = BudgetedFunctionCallingLLM(ScriptedLLM(), budget_tokens=200, recent_share=0.3)
    data = wrapped.to_dict()
    assert (data["budget_tokens"], data["class_name"]) == (200, "BudgetedFunctionCallingLLM")
    again = BudgetedFunctionCallingLLM.from_dict({**data, "llm": ScriptedLLM()})
    assert again.to_dict() == data
