"""A LlamaIndex chat engine that remembers earlier sessions from a SQLite file.

Run it with: python examples/llamaindex_chat_sessions.py

Each session opens the file anew, as another process would. The prompt has the part of its history
that fits, and the turns of earlier sessions that help. The model is scripted, so no key is needed.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.chat_engine import SimpleChatEngine
from llama_index.core.llms import MockFunctionCallingLLM
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore
from sqlalchemy.ext.asyncio import create_async_engine

from mba_integrations import MemoryPool, counter_for_model
from mba_integrations.llamaindex import BudgetedMemory, MessageTokens, items_from_messages

BUDGET_TOKENS = 100
SESSIONS = {
    "monday": ["I live in Oslo.", "The deploy key of the shop rotates every second Thursday."],
    "tuesday": [f"Tell me fact number {number} about rivers in Norway." for number in range(12)],
    "wednesday": ["On which day does the deploy key rotate?"],
}


async def earlier_items(store: SQLAlchemyChatStore, session: str) -> MemoryPool:
    """The turns of all other sessions, as long-term memory."""
    pool = MemoryPool()
    for key in sorted(set(await store.get_keys()) - {session}):
        pool.add(*items_from_messages(await store.get_messages(key), source=key))
    return pool


async def chat(path: Path, session: str) -> list[list[ChatMessage]]:
    """Hold one session; returns what the model received."""
    prompts: list[list[ChatMessage]] = []

    def reply(messages: Sequence[ChatMessage], **kwargs: Any) -> ChatMessage:
        prompts.append(list(messages))
        return ChatMessage(role=MessageRole.ASSISTANT, content="I will remember that.")

    llm = MockFunctionCallingLLM(response_generator=reply, is_chat_model=True)
    database = create_async_engine(f"sqlite+aiosqlite:///{path}")
    store = SQLAlchemyChatStore(table_name="chats", async_engine=database)
    known: Any = {"chat_store_key": session, "long_term": await earlier_items(store, session)}
    memory = BudgetedMemory.from_defaults(BUDGET_TOKENS, chat_store=store, **known)
    engine = SimpleChatEngine.from_defaults(llm=llm, memory=memory)
    for message in SESSIONS[session]:
        await engine.achat(message)
    stored = len(await memory.aget_all())
    print(f"{session}: {stored} messages stored, {len(prompts[-1])} in the last prompt")
    assert stored == 2 * len(SESSIONS[session])
    await database.dispose()
    return prompts


def main() -> None:
    """Hold three sessions; the third needs what was said in the first."""
    tokens = MessageTokens(counter_for_model("gpt-4o"))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chats.db"
        for session in SESSIONS:
            prompts = asyncio.run(chat(path, session))
            assert max(map(tokens.of_list, prompts)) <= BUDGET_TOKENS
    print("\n".join(f"  {message.role.value}: {message.content}" for message in prompts[-1]))
    assert "rotates every second Thursday" in (prompts[-1][0].content or "")


if __name__ == "__main__":
    main()
