"""Memories for chains of langchain-classic, and histories for `RunnableWithMessageHistory`."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from langchain_agents import COUNTER, words
from langchain_core.chat_history import BaseChatMessageHistory
from langchain_core.language_models.fake_chat_models import FakeListChatModel
from langchain_core.messages import AIMessage, BaseMessage, ChatMessage, HumanMessage
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder, PromptTemplate
from pydantic import ValidationError

from mba_integrations import InputError
from mba_integrations.langchain import BudgetedChatMessageHistory, BudgetedMemory


@pytest.fixture
def classic() -> Iterator[Any]:
    """langchain-classic, whose chains warn that they are deprecated."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_classic import chains

        yield chains


def memory(budget: int = 100, **options: Any) -> BudgetedMemory:
    return BudgetedMemory(budget_tokens=budget, token_counter=words, **options)


def filled(budget: int, **options: Any) -> BudgetedMemory:
    made = memory(budget, **options)
    for number, topic in enumerate(("oslo", "trams", "boats", "snow")):
        made.save_context({"input": f"{topic} {number}"}, {"output": f"about {topic}"})
    return made


@pytest.mark.parametrize("return_messages", [False, True], ids=["text", "messages"])
@pytest.mark.parametrize("budget", range(1, 60, 4))
def test_what_is_loaded_fits(budget: int, return_messages: bool) -> None:
    made = filled(budget, return_messages=return_messages)
    value = made.load_memory_variables({"input": "oslo"})["history"]
    used = words(value) if isinstance(value, str) else sum(COUNTER.message_tokens(value))
    assert used <= budget


@pytest.mark.parametrize("budget", range(1, 60, 4))
def test_text_with_long_prefixes_fits(budget: int) -> None:
    made = filled(
        budget, human_prefix="what a person has said here", ai_prefix="and the reply to it"
    )
    assert words(made.load_memory_variables({"input": "oslo"})["history"]) <= budget


def test_the_input_decides_beside_the_newest() -> None:
    loaded = filled(30).load_memory_variables({"input": "oslo"})["history"]
    assert loaded.splitlines() == [
        "Human: oslo 0",
        "AI: about oslo",
        "Human: snow 3",
        "AI: about snow",
    ]


def test_all_turns_are_kept() -> None:
    made = filled(1)
    assert made.load_memory_variables({"input": "oslo"}) == {"history": ""}
    assert len(made.chat_memory.messages) == 8
    made.clear()
    assert made.chat_memory.messages == []


def test_async_twins_do_the_same() -> None:
    async def use() -> tuple[Any, Any]:
        made = memory()
        await made.asave_context({"input": "oslo"}, {"output": "trams"})
        loaded = await made.aload_memory_variables({"input": "oslo"})
        await made.aclear()
        return loaded, await made.aload_memory_variables({"input": "oslo"})

    assert asyncio.run(use()) == ({"history": "Human: oslo\nAI: trams"}, {"history": ""})


def test_in_a_conversation_chain(classic: Any) -> None:
    model = FakeListChatModel(responses=["Hello Kate.", "You are Kate."])
    chain = classic.ConversationChain(llm=model, memory=memory())
    chain.invoke({"input": "I am Kate."})
    chain.invoke({"input": "Who am I?"})
    saved = [message.content for message in chain.memory.chat_memory.messages]
    assert saved == ["I am Kate.", "Hello Kate.", "Who am I?", "You are Kate."]
    assert chain.memory.load_memory_variables({"input": "x"})["history"].startswith(
        "Human: I am Kate.\nAI: Hello Kate."
    )


def test_in_a_chain_with_several_inputs_and_messages(classic: Any) -> None:
    prompt = ChatPromptTemplate(
        [("system", "{style}"), MessagesPlaceholder("history"), ("human", "{question}")]
    )
    made = memory(return_messages=True, input_key="question")
    model = FakeListChatModel(responses=["one", "two"])
    chain = classic.LLMChain(llm=model, prompt=prompt, memory=made)
    for asked in ("first", "second"):
        asyncio.run(chain.ainvoke({"style": "brief", "question": asked}))
    saved = [message.content for message in made.chat_memory.messages]
    assert saved == ["first", "one", "second", "two"]


def test_a_failed_call_saves_nothing(classic: Any) -> None:
    class Broken(FakeListChatModel):
        def _call(self, *arguments: Any, **options: Any) -> str:
            raise ConnectionError("away")

    chain = classic.ConversationChain(llm=Broken(responses=[]), memory=memory())
    with pytest.raises(ConnectionError):
        chain.invoke({"input": "hello"})
    assert chain.memory.chat_memory.messages == []


def test_prompt_variables_may_have_other_names(classic: Any) -> None:
    prompt = PromptTemplate.from_template("{talk}\n{input}")
    made = memory(memory_key="talk", human_prefix="Kate", ai_prefix="Bot")
    model = FakeListChatModel(responses=["hi", "hi"])
    chain = classic.ConversationChain(llm=model, memory=made, prompt=prompt)
    chain.invoke({"input": "hello"})
    assert made.load_memory_variables({"input": "x"}) == {"talk": "Kate: hello\nBot: hi"}


@pytest.mark.parametrize(
    ("inputs", "outputs", "options", "message"),
    [
        pytest.param(
            {"a": "x", "b": "y"}, {"o": "z"}, {}, r"inputs have the keys \['a', 'b'\]", id="inputs"
        ),
        pytest.param({}, {"o": "z"}, {}, "inputs have the keys", id="no-input"),
        pytest.param(
            {"a": "x"}, {"o": "z"}, {"input_key": "b"}, "set input_key", id="other-input-key"
        ),
        pytest.param(
            {"a": "x"},
            {"o": "z", "p": "w"},
            {},
            r"keys \['o', 'p'\]: set output_key",
            id="outputs",
        ),
    ],
)
def test_unclear_keys_are_refused(
    inputs: dict[str, Any], outputs: dict[str, Any], options: dict[str, Any], message: str
) -> None:
    made = memory(**options)
    with pytest.raises(InputError, match=message):
        made.save_context(inputs, outputs)
    assert made.chat_memory.messages == []


def test_injected_history_and_stop_words_are_no_inputs() -> None:
    made = memory()
    made.save_context({"history": "old", "stop": ["x"], "question": "new"}, {"text": "reply"})
    assert [message.content for message in made.chat_memory.messages] == ["new", "reply"]


def test_an_unusable_budget_is_refused() -> None:
    with pytest.raises(ValidationError, match="budget_tokens must be an integer >= 1, got 0"):
        memory(0)
    with pytest.raises(InputError, match=r"recent_share must be in \[0, 1\]"):
        BudgetedChatMessageHistory(10, recent_share=2.0)


class FileHistory(BaseChatMessageHistory):
    """Stands for a persistent back end."""

    def __init__(self) -> None:
        self.rows: list[BaseMessage] = []

    @property
    def messages(self) -> list[BaseMessage]:  # type: ignore[override]
        return list(self.rows)

    def add_messages(self, messages: Sequence[BaseMessage]) -> None:
        self.rows.extend(messages)

    def clear(self) -> None:
        self.rows.clear()


def test_turns_go_to_a_persistent_history() -> None:
    rows = FileHistory()
    memory(chat_memory=rows).save_context({"input": "oslo"}, {"output": "trams"})
    assert [message.content for message in rows.rows] == ["oslo", "trams"]
    again = memory(chat_memory=rows)
    assert again.load_memory_variables({"input": "x"}) == {"history": "Human: oslo\nAI: trams"}


def test_history_reads_what_fits_and_writes_everything() -> None:
    rows = FileHistory()
    history = BudgetedChatMessageHistory(21, rows, token_counter=words)
    for number in range(5):
        history.add_messages([HumanMessage(f"ask {number}"), AIMessage(f"say {number}")])
    assert len(rows.rows) == 10
    assert sum(COUNTER.message_tokens(history.messages)) <= 21
    assert [message.content for message in history.messages] == ["ask 4", "say 4"]
    assert asyncio.run(history.aget_messages()) == history.messages
    asyncio.run(history.aadd_messages([HumanMessage("last")]))
    assert len(rows.rows) == 11
    asyncio.run(history.aclear())
    assert history.messages == []


def test_a_history_is_chosen_from_by_what_the_user_said_last_in_any_class() -> None:
    pairs = [("oslo 0", "fjord"), *((f"u{n} x", "a") for n in range(9))]
    turns = [one for u, a in pairs for one in (HumanMessage(u), AIMessage(a))]
    kept = BudgetedChatMessageHistory(36, token_counter=words)
    kept.add_messages([*turns, ChatMessage("about oslo", role="user")])
    assert "oslo 0" in [message.content for message in kept.messages]


def test_history_under_runnable_with_message_history() -> None:
    histories: dict[str, BudgetedChatMessageHistory] = {}

    def history_of(session_id: str) -> BudgetedChatMessageHistory:
        made = BudgetedChatMessageHistory(40, token_counter=words)
        return histories.setdefault(session_id, made)

    prompt = ChatPromptTemplate([MessagesPlaceholder("history"), ("human", "{input}")])
    seen: list[int] = []

    def answer(value: Any) -> AIMessage:
        seen.append(len(value.messages))
        return AIMessage("reply")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from langchain_core.runnables.history import RunnableWithMessageHistory

        chain = RunnableWithMessageHistory(
            prompt | answer, history_of, input_messages_key="input", history_messages_key="history"
        )
        for number in range(12):
            chain.invoke({"input": f"word {number}"}, {"configurable": {"session_id": "s"}})
    assert len(histories["s"].history.messages) == 24
    assert max(seen) < 12


def test_fields_have_the_names_of_the_memory_that_it_replaces(classic: Any) -> None:
    from langchain_classic.memory import ConversationTokenBufferMemory

    others = {"max_token_limit", "llm"}
    assert set(ConversationTokenBufferMemory.model_fields) - others <= set(
        BudgetedMemory.model_fields
    )
