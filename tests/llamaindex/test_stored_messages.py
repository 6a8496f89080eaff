"""A history in SQLite that somebody else changes between two requests, row by row."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from llamaindex_models import tool_call, tool_result

from mba_integrations import counter_for_model
from mba_integrations.llamaindex import BudgetedMemory, MessageTokens

pytestmark = pytest.mark.usefixtures("own_event_loop")

HISTORY = [
    ChatMessage(role=MessageRole.USER, content="hi"),
    ChatMessage(role=MessageRole.ASSISTANT, content="hello"),
    ChatMessage(role=MessageRole.USER, content="Look up account 4711."),
    tool_call("look", "c1", account="4711"),
    tool_result("c1", "4711 belongs to Kate."),
    ChatMessage(role=MessageRole.ASSISTANT, content="Account 4711 is Kate's."),
    ChatMessage(role=MessageRole.USER, content="bye"),
    ChatMessage(role=MessageRole.ASSISTANT, content="bye"),
]
"""The first and the last message hold nothing that is changed below."""


class Database:
    """A chat store in a file, and the file as another process opens it."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "chats.db"
        self.store = SQLAlchemyChatStore(
            table_name="chats", async_database_uri=f"sqlite+aiosqlite:///{self.path}"
        )

    def change(self, statement: str) -> None:
        """Change rows behind the store's back."""
        with closing(sqlite3.connect(self.path)) as base, base:
            assert base.execute(statement).rowcount > 0

    def close(self) -> None:
        engine = self.store._async_engine
        if engine is not None:
            asyncio.run(engine.dispose())


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(tmp_path)
    yield made
    made.close()


def shown(messages: list[ChatMessage]) -> str:
    """All that a provider receives of the messages."""
    return "\n".join(message.model_dump_json() for message in messages)


CHANGES = {
    "everywhere": "UPDATE chats SET data = replace(data, '4711', '****')",
    "rows-are-deleted": "DELETE FROM chats WHERE data LIKE '%4711%'",
    "rows-go-to-an-archive": "UPDATE chats SET status = 'archived' WHERE data LIKE '%4711%'",
    "rows-go-to-another-chat": "UPDATE chats SET key = 'bob' WHERE data LIKE '%4711%'",
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("awaited", [True, False], ids=["awaited", "not-awaited"])
def test_what_was_redacted_in_the_database_is_not_sent_again(
    database: Database, change: str, awaited: bool
) -> None:
    memory = BudgetedMemory.from_defaults(1000, chat_store=database.store)

    def view() -> list[ChatMessage]:
        return asyncio.run(memory.aget("and now?")) if awaited else memory.get("and now?")

    memory.put_messages(HISTORY)
    assert shown(view()).count("4711") == 4
    database.change(change)
    after = view()
    assert "4711" not in shown([*after, *memory.get_all()])
    assert [after[0].content, after[-1].content] == ["hi", "bye"]


def test_a_row_that_grew_in_the_database_is_counted_anew(database: Database) -> None:
    tokens = MessageTokens(counter_for_model("gpt-4o"))
    budget = tokens.of_list(HISTORY)
    memory = BudgetedMemory.from_defaults(budget, chat_store=database.store)
    memory.put_messages(HISTORY)
    assert len(memory.get("and now?")) == len(HISTORY)
    database.change("UPDATE chats SET data = replace(data, 'hello', 'hello and welcome')")
    view = memory.get("and now?")
    assert tokens.of_list(view) <= budget
    assert [message.content for message in view] == [one.content for one in HISTORY[2:]]


def test_a_call_that_is_deleted_takes_its_result_with_it(database: Database) -> None:
    memory = BudgetedMemory.from_defaults(1000, chat_store=database.store)
    memory.put_messages(HISTORY)
    memory.get("and now?")
    database.change('DELETE FROM chats WHERE data LIKE \'%"tool_call_id":%"tool_kwargs"%\'')
    roles = [message.role for message in memory.get("and now?")]
    assert roles == [MessageRole.USER, MessageRole.ASSISTANT] * 3


def test_memories_with_one_store_see_what_the_other_wrote(database: Database) -> None:
    one, other = (BudgetedMemory.from_defaults(1000, chat_store=database.store) for _ in range(2))
    one.put_messages(HISTORY)
    assert other.get_all() == HISTORY
    other.reset()
    assert one.get("and now?") == []
    other.set(HISTORY[:2])
    assert one.get("and now?") == HISTORY[:2]
