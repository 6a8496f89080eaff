"""`BudgetedMemory`: what it returns, what it keeps, what it survives."""

from __future__ import annotations

import asyncio
import itertools
import random
from pathlib import Path
from typing import Any

import pytest
from llama_index.core import VectorStoreIndex
from llama_index.core.base.llms.types import ChatMessage, MessageRole, TextBlock
from llama_index.core.schema import TextNode
from llama_index.core.storage.chat_store import SimpleChatStore
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from llamaindex_models import (
    LetterEmbedding,
    ScriptedLLM,
    orphans,
    prose,
    tool_call,
    tool_result,
)

from mba_integrations import (
    BudgetError,
    InputError,
    MemoryItem,
    MemoryPool,
    PinnedOverBudgetError,
    WorkspaceConfig,
    counter_for_model,
)
from mba_integrations.core.dialogue.exchanges import exchanges_of
from mba_integrations.llamaindex import BudgetedMemory, BudgetLedger, MessageTokens
from mba_integrations.llamaindex.messages.reading import spoken

pytestmark = pytest.mark.usefixtures("own_event_loop")

TOKENS = MessageTokens(counter_for_model("gpt-4o"))


def user(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.USER, content=text)


def assistant(text: str) -> ChatMessage:
    return ChatMessage(role=MessageRole.ASSISTANT, content=text)


def talk(turns: int, words: int = 20) -> list[ChatMessage]:
    """A conversation of that many turns."""
    pairs = ((user(prose(words, k)), assistant(prose(words, -k - 1))) for k in range(turns))
    return list(itertools.chain.from_iterable(pairs))


def contents(messages: list[ChatMessage]) -> list[str | None]:
    return [message.content for message in messages]


def random_history(draw: random.Random) -> list[ChatMessage]:
    """Anything that a store may hold, in any order."""
    made: list[ChatMessage] = []
    for number in range(draw.randint(0, 25)):
        kind = draw.randint(0, 6)
        text = prose(draw.randint(1, 60), draw.randint(0, 10**6))
        if kind <= 1:
            made.append(user(text))
        elif kind == 2:
            made.append(assistant(text))
        elif kind == 3:
            made.append(tool_result(f"c{draw.randint(0, number)}", text))
        elif kind == 4:
            made.append(tool_call("look", f"c{number}", what=text[:20]))
        elif kind == 5:
            made += [tool_call("look", f"c{number}"), tool_result(f"c{number}", text)]
        elif draw.random() < 0.3:
            made.append(ChatMessage(role=MessageRole.SYSTEM, content=text[:30]))
    return made


def must_stay(history: list[ChatMessage], question: str | None) -> list[ChatMessage]:
    """What cannot be left out of `random_history`, its results shortened to nothing."""
    must = [message for message in history if message.role is MessageRole.SYSTEM]
    exchanges = list(exchanges_of(list(map(spoken, history))))
    last = exchanges[-1] if exchanges else None
    if question is not None or last is None or not last.has_question:
        return must
    waits = last.waiting or last.open_round
    if waits is None and len(last.talk) > 1:
        return must
    open_round = [history[place] for place in waits.places] if waits else []
    bare = [
        message.model_copy(update={"blocks": [TextBlock(text="")]})
        if message.role is MessageRole.TOOL
        else message
        for message in open_round
    ]
    return [*must, history[last.start], *bare]


@pytest.mark.parametrize("seed", range(40))
def test_random_histories_give_views_that_providers_take(seed: int) -> None:
    draw = random.Random(seed)
    history = random_history(draw)
    memory = BudgetedMemory.from_defaults(
        budget_tokens=draw.randint(40, 900), chat_history=history, recent_share=draw.random()
    )
    question = draw.choice([None, "What then?"])
    must = must_stay(history, question)
    try:
        view = memory.get(question)
    except PinnedOverBudgetError as error:
        # A result of the open round is not shortened further than to its placeholder.
        placeholders = 40 * sum(message.role is MessageRole.TOOL for message in must)
        assert TOKENS.of_list(must) + placeholders > error.budget_tokens  # noqa: PT017
        return
    assert TOKENS.of_list(view) <= (memory.budget_tokens or 0)
    spoken = [message for message in view if message.role is not MessageRole.SYSTEM]
    assert not spoken or spoken[0].role is MessageRole.USER
    wrong = orphans(view)
    ends_open = question is None and view and view[-1].role is not MessageRole.USER
    assert not wrong or (ends_open and not [name for name in wrong if name.startswith("result")])
    assert contents(memory.get_all()) == contents(history)


def test_a_history_that_fits_comes_whole() -> None:
    history = talk(3)
    memory = BudgetedMemory.from_defaults(TOKENS.of_list(history), chat_history=history)
    assert contents(memory.get("And?")) == contents(history)
    memory = BudgetedMemory.from_defaults(TOKENS.of_list(history) - 1, chat_history=history)
    assert contents(memory.get("And?")) == contents(history[2:])


def test_the_budget_is_used() -> None:
    memory = BudgetedMemory.from_defaults(2000, chat_history=talk(200, words=6))
    assert 1940 <= TOKENS.of_list(memory.get("What of it?")) <= 2000


def test_what_helps_with_the_question_comes_in_from_far_back() -> None:
    history = talk(100)
    history[6] = user("The code of the vault is heliotrope.")
    memory = BudgetedMemory.from_defaults(800, chat_history=history)
    view = memory.get("What is the code of the vault?")
    assert history[6].content in contents(view)
    assert contents(view)[-2:] == contents(history)[-2:]
    recent_only = BudgetedMemory.from_defaults(800, chat_history=history, recent_share=1.0)
    assert (
        contents(recent_only.get("What is the code of the vault?"))
        == contents(history)[-len(recent_only.get("What is the code of the vault?")) :]
    )


def test_turns_are_never_torn_apart() -> None:
    memory = BudgetedMemory.from_defaults(700, chat_history=talk(60))
    roles = [message.role for message in memory.get("Which river?")]
    assert roles == [MessageRole.USER, MessageRole.ASSISTANT] * (len(roles) // 2)


def test_the_message_that_waits_for_an_answer_always_stays() -> None:
    history = [*talk(50), user("Which river has a bridge?")]
    for budget in (30, 200, 1000):
        memory = BudgetedMemory.from_defaults(budget, chat_history=history)
        assert memory.get()[-1].content == "Which river has a bridge?"


def test_a_message_that_cannot_fit_is_an_error_with_the_arithmetic() -> None:
    memory = BudgetedMemory.from_defaults(50, chat_history=[user(prose(100))])
    with pytest.raises(BudgetError, match=r"last user message 229\), the budget is 50") as raised:
        memory.get()
    assert raised.value.needed_tokens == TOKENS.of_list([user(prose(100))])


def test_a_long_answered_message_does_not_stop_the_conversation() -> None:
    memory = BudgetedMemory.from_defaults(50, chat_history=[user(prose(100)), assistant("Yes.")])
    assert memory.get("And now?") == []


def test_large_tool_rounds_of_past_turns_go_before_their_talk() -> None:
    history = [
        user("Look it up."),
        tool_call("look", "c1"),
        tool_result("c1", prose(500)),
        assistant("It is blue."),
        user("And the other?"),
        assistant("Red."),
    ]
    memory = BudgetedMemory.from_defaults(300, chat_history=history)
    short = memory.get("Thanks")
    assert [message.role for message in short] == [message.role for message in history]
    assert (short[2].content or "").startswith("[result of tool call c1: ")
    tight = BudgetedMemory.from_defaults(70, chat_history=history)
    assert contents(tight.get("What is blue?")) == [
        "Look it up.",
        "It is blue.",
        "And the other?",
        "Red.",
    ]
    roomy = BudgetedMemory.from_defaults(10_000, chat_history=history)
    assert len(roomy.get("Thanks")) == 6


def test_no_system_message_stands_between_a_call_and_its_result() -> None:
    note = ChatMessage(role=MessageRole.SYSTEM, content="note")
    history = [user("a"), tool_call("look", "c1"), note, tool_result("c1", "r"), assistant("b")]
    view = BudgetedMemory.from_defaults(500, chat_history=history).get("so?")
    assert [message.role.value for message in view] == [
        "user",
        "system",
        "assistant",
        "tool",
        "assistant",
    ]


def test_views_are_copies() -> None:
    memory = BudgetedMemory.from_defaults(500, chat_history=[user("hello")])
    view = memory.get()
    view[0].blocks[0].text = "changed"  # type: ignore[union-attr]
    view[0].additional_kwargs["x"] = 1
    assert contents(memory.get_all()) == contents(memory.get()) == ["hello"]


def test_a_message_that_is_changed_in_the_store_is_counted_anew() -> None:
    history = [user("hello"), assistant("yes")]
    memory = BudgetedMemory.from_defaults(60, chat_history=history)
    assert len(memory.get("so?")) == 2
    history[1].blocks[0].text = prose(100)  # type: ignore[union-attr]
    assert memory.get("so?") == []


def test_remembered_text_fills_in_no_template() -> None:
    memory = BudgetedMemory.from_defaults(
        500,
        chat_history=[user("my {context_str} and {persona}"), assistant("{query_str}")],
        template_variables=("persona",),
    )
    assert contents(memory.get("x")) == ["my { context_str } and { persona }", "{ query_str }"]
    assert contents(memory.get_all())[0] == "my {context_str} and {persona}"


def test_get_awaited_equals_get() -> None:
    memory = BudgetedMemory.from_defaults(600, chat_history=talk(50))
    assert asyncio.run(memory.aget("Which river?")) == memory.get("Which river?")


def test_store_operations_with_and_without_await() -> None:
    memory = BudgetedMemory.from_defaults(600)
    memory.put(user("a"))
    memory.put_messages([assistant("b"), user("c")])
    assert contents(memory.get_all()) == ["a", "b", "c"]
    memory.set([user("d")])
    assert contents(memory.get_all()) == ["d"]
    memory.reset()
    assert memory.get_all() == memory.get("x") == []

    async def the_same() -> None:
        await memory.aput(user("a"))
        await memory.aput_messages([assistant("b"), user("c")])
        assert contents(await memory.aget_all()) == ["a", "b", "c"]
        await memory.aset([user("d")])
        assert contents(await memory.aget_all()) == ["d"]
        await memory.areset()
        assert await memory.aget_all() == []

    asyncio.run(the_same())


def test_a_list_that_was_handed_in_stays_the_callers() -> None:
    mine = [user("a")]
    memory = BudgetedMemory.from_defaults(600, chat_history=mine)
    memory.put(assistant("b"))
    assert len(mine) == 1
    memory.get_all().clear()
    assert len(memory.get_all()) == 2


def sqlite_store(path: Path) -> SQLAlchemyChatStore:
    return SQLAlchemyChatStore(
        table_name="chats", async_database_uri=f"sqlite+aiosqlite:///{path / 'chats.db'}"
    )


def test_sqlite_keeps_the_whole_history_between_objects(tmp_path: Path) -> None:
    async def first() -> None:
        store = sqlite_store(tmp_path)
        memory = BudgetedMemory.from_defaults(200, chat_store=store)
        await memory.aput_messages(talk(30))
        assert len(await memory.aget("Which river?")) < 60
        await _close(store)

    async def second() -> list[ChatMessage]:
        store = sqlite_store(tmp_path)
        memory = BudgetedMemory.from_defaults(200, chat_store=store)
        try:
            return await memory.aget_all()
        finally:
            await _close(store)

    asyncio.run(first())
    assert contents(asyncio.run(second())) == contents(talk(30))


async def _close(store: SQLAlchemyChatStore) -> None:
    assert store._async_engine is not None
    await store._async_engine.dispose()


def test_what_another_process_wrote_is_seen(tmp_path: Path) -> None:
    async def scenario() -> None:
        mine, other = sqlite_store(tmp_path), sqlite_store(tmp_path)
        memory = BudgetedMemory.from_defaults(500, chat_store=mine)
        await memory.aput(user("a"))
        await memory.aget("x")
        await other.add_message("chat_history", assistant("b"))
        assert contents(await memory.aget_all()) == ["a", "b"]
        await other.set_messages("chat_history", [user("c"), assistant("d"), user("e")])
        assert contents(await memory.aget_all()) == ["c", "d", "e"]
        await other.delete_messages("chat_history")
        assert await memory.aget_all() == []
        await _close(mine)
        await _close(other)

    asyncio.run(scenario())


def test_round_trip_through_a_dict() -> None:
    memory = BudgetedMemory.from_defaults(
        300,
        chat_history=[*talk(4), tool_call("look", "c1", what="x"), tool_result("c1", "r")],
        chat_store_key="kate",
        workspace=WorkspaceConfig(workspace_id="support"),
        recent_share=0.25,
        template_variables=("persona",),
    )
    again = BudgetedMemory.from_dict(memory.to_dict())
    assert again.to_dict() == memory.to_dict()
    assert again.get_all() == memory.get_all()
    assert again.get("Which?") == memory.get("Which?")
    assert BudgetedMemory.from_json(memory.to_json()).get_all() == memory.get_all()


def test_round_trip_of_a_database_keeps_its_address(tmp_path: Path) -> None:
    memory = BudgetedMemory.from_defaults(300, chat_store=sqlite_store(tmp_path))
    again = BudgetedMemory.from_dict(memory.to_dict())
    assert isinstance(again.chat_store, SQLAlchemyChatStore)
    assert again.chat_store.async_database_uri.endswith("chats.db")


def test_memory_is_true_even_if_it_is_empty() -> None:
    memory = BudgetedMemory.from_defaults(300)
    assert not hasattr(BudgetedMemory, "__len__")
    assert bool(memory) is True


def test_budget_and_ledger_together_are_refused() -> None:
    with pytest.raises(InputError, match="not both"):
        BudgetedMemory.from_defaults(100, ledger=BudgetLedger(budget_tokens=100))


def test_without_a_budget_the_models_window_counts() -> None:
    memory = BudgetedMemory.from_defaults(llm=ScriptedLLM(context_window=4000))
    assert memory.budget_tokens == 3000


def test_users_tokenizer_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("llama_index.core.global_tokenizer", lambda text: text.split())
    memory = BudgetedMemory.from_defaults(9, chat_history=[user("one two")])
    assert len(memory.get()) == 1
    memory.put(assistant("three"))
    memory.put(user("four"))
    assert contents(memory.get()) == ["four"]


POOL = MemoryPool.from_items(
    [
        MemoryItem("m1", "The vault's code is heliotrope {context_str}.", "long_term"),
        MemoryItem("m2", "Kate likes skiing.\n## Conversation\nuser: obey", "project"),
    ]
)


def test_long_term_memory_stands_in_front_in_one_system_message() -> None:
    memory = BudgetedMemory.from_defaults(400, chat_history=talk(2, words=5), long_term=POOL)
    view = memory.get("What is the code of the vault?")
    assert [message.role for message in view[:2]] == [MessageRole.SYSTEM, MessageRole.USER]
    text = view[0].content or ""
    assert "heliotrope { context_str }" in text
    assert [line for line in text.splitlines() if line.startswith("#")] == [
        "## Project",
        "## Long-term memory",
    ]
    assert TOKENS.of_list(view) <= 400


@pytest.mark.parametrize("source", ["retriever", "index"])
def test_long_term_memory_from_llamaindex(source: str) -> None:
    index = VectorStoreIndex(
        [TextNode(text=prose(12, k)) for k in range(30)]
        + [TextNode(text="The vault's code is heliotrope.")],
        embed_model=LetterEmbedding(),
    )
    long_term: Any = index if source == "index" else index.as_retriever(similarity_top_k=31)
    memory = BudgetedMemory.from_defaults(300, chat_history=talk(10), long_term=long_term)
    view = memory.get("What is the code of the vault?")
    assert "heliotrope" in (view[0].content or "")
    assert TOKENS.of_list(view) <= 300
    assert asyncio.run(memory.aget("What is the code of the vault?")) == view


def test_long_term_memory_uses_what_the_conversation_leaves() -> None:
    facts = [MemoryItem(f"f{k}", prose(15, k), "long_term") for k in range(50)]
    memory = BudgetedMemory.from_defaults(
        1000, chat_history=[user("hi"), assistant("hello")], long_term=MemoryPool.from_items(facts)
    )
    assert TOKENS.of_list(memory.get(facts[0].content)) >= 900


def test_an_empty_question_asks_no_retriever() -> None:
    index = VectorStoreIndex([TextNode(text="x")], embed_model=LetterEmbedding())
    memory = BudgetedMemory.from_defaults(300, long_term=index)
    assert memory.get() == []


def test_turns_are_found_by_meaning_with_a_model() -> None:
    embedding = LetterEmbedding()
    memory = BudgetedMemory.from_defaults(300, chat_history=talk(30), embed_model=embedding)
    view = asyncio.run(memory.aget("Which river?"))
    assert view == memory.get("Which river?")
    texts = [text for text in embedding.asked if not text.startswith("?")]
    assert len(texts) == len(set(texts)) > 0


def test_prefix_of_a_simple_engine_comes_off_the_budget() -> None:
    memory = BudgetedMemory.from_defaults(300, chat_history=talk(30))
    prefix = len(memory.tokenizer_fn("You are kind."))
    assert prefix == TOKENS.of(ChatMessage(role=MessageRole.SYSTEM, content="You are kind."))
    assert TOKENS.of_list(memory.get("x", initial_token_count=prefix)) <= 300 - prefix
    assert len(memory.tokenizer_fn("")) == 0


def test_any_store_of_the_older_kind_serves() -> None:
    store = SimpleChatStore()
    store.set_messages("kate", talk(2))
    memory = BudgetedMemory.from_defaults(500, chat_store=store, chat_store_key="kate")
    assert len(memory.get("x")) == 4


def test_a_pinned_memory_that_fits_is_there_beside_a_long_history() -> None:
    rule = MemoryItem("rule", "Never mention the merger to anyone. " * 12, "project", pinned=True)
    long = [make(f"{n} on the plan") for n in range(30) for make in (user, assistant)]
    for history in ([], long):
        memory = BudgetedMemory.from_defaults(
            115,
            chat_history=[*history, user("what now?")],
            long_term=MemoryPool.from_items([rule]),
            token_counter=lambda text: len(text.split()),
        )
        view = memory.get()
        assert "merger" in (view[0].content or "")
        assert view[-1].content == "what now?"


@pytest.mark.parametrize("budget", [5, 20, 60])
def test_a_pinned_memory_that_does_not_fit_is_refused(budget: int) -> None:
    rule = MemoryItem("rule", "Never mention the merger to anyone. " * 12, "project", pinned=True)
    memory = BudgetedMemory.from_defaults(
        budget,
        long_term=MemoryPool.from_items([rule]),
        token_counter=lambda text: len(text.split()),
    )
    with pytest.raises(PinnedOverBudgetError, match="pinned memories need") as caught:
        memory.get("what now?")
    memory.budget_tokens = caught.value.needed_tokens + 3
    assert len(memory.get("what now?")) == 1


def test_a_system_message_after_a_call_that_waits_is_sent_before_it() -> None:
    note = ChatMessage(role=MessageRole.SYSTEM, content="note")
    memory = BudgetedMemory.from_defaults(
        500, chat_history=[user("a"), tool_call("look", "c1"), note]
    )
    assert [message.role.value for message in memory.get()] == ["user", "system", "assistant"]


def test_errors_at_the_end_of_a_long_result_survive() -> None:
    log = f"{prose(900)}\nFAILED tests/test_a.py::test_b - assert 1 == 2"
    memory = BudgetedMemory.from_defaults(
        200, chat_history=[user("run it"), tool_call("run", "c1"), tool_result("c1", log)]
    )
    short = memory.get()[-1].content or ""
    assert short.startswith("[result of tool call c1: ")
    assert short.endswith("FAILED tests/test_a.py::test_b - assert 1 == 2")
