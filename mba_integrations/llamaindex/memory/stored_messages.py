"""One conversation in a chat store: read, append and replace, with and without `await`.

Two kinds of store exist in LlamaIndex: `BaseChatStore`, and the asynchronous `AsyncDBChatStore`.
Nothing is kept between two reads. A database tells no reader which rows somebody edited, and what
was redacted there must not be sent again, so each read asks for the whole conversation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from llama_index.core.async_utils import asyncio_run
from llama_index.core.base.llms.types import ChatMessage
from llama_index.core.storage.chat_store.base import BaseChatStore
from llama_index.core.storage.chat_store.base_db import AsyncDBChatStore
from llama_index.core.storage.chat_store.loading import load_chat_store
from llama_index.core.storage.chat_store.simple_chat_store import SimpleChatStore
from llama_index.core.storage.chat_store.sql import SQLAlchemyChatStore

ChatStore = BaseChatStore | AsyncDBChatStore
"""A store of either kind."""


class StoredMessages:
    """The messages under one key of a store.

    Args:
        store: The store.
        key: The conversation's key in it.
    """

    def __init__(self, store: ChatStore, key: str) -> None:
        self._store = store
        self._key = key

    def read(self) -> list[ChatMessage]:
        """All messages, oldest first, in a list of the caller's own."""
        if isinstance(self._store, BaseChatStore):
            return list(self._store.get_messages(self._key))
        messages: list[ChatMessage] = asyncio_run(self.aread())
        return messages

    async def aread(self) -> list[ChatMessage]:
        """All messages, oldest first, in a list of the caller's own."""
        if isinstance(self._store, BaseChatStore):
            return list(await self._store.aget_messages(self._key))
        return list(await self._store.get_messages(self._key))

    def add(self, messages: Sequence[ChatMessage]) -> None:
        """Append messages."""
        if isinstance(self._store, BaseChatStore):
            for message in messages:
                self._store.add_message(self._key, message)
        else:
            asyncio_run(self.aadd(messages))

    async def aadd(self, messages: Sequence[ChatMessage]) -> None:
        """Append messages."""
        if isinstance(self._store, BaseChatStore):
            for message in messages:
                await self._store.async_add_message(self._key, message)
        elif messages:
            await self._store.add_messages(self._key, list(messages))

    def replace(self, messages: Sequence[ChatMessage]) -> None:
        """Put *messages* in place of all there are."""
        if isinstance(self._store, BaseChatStore):
            self._store.set_messages(self._key, list(messages))
        else:
            asyncio_run(self.areplace(messages))

    async def areplace(self, messages: Sequence[ChatMessage]) -> None:
        """Put *messages* in place of all there are."""
        if isinstance(self._store, BaseChatStore):
            await self._store.aset_messages(self._key, list(messages))
        else:
            await self._store.set_messages(self._key, list(messages))


def dumped_store(store: ChatStore) -> dict[str, Any]:
    """The store as JSON-ready values, with its class name."""
    if isinstance(store, SimpleChatStore):
        # Its own serialiser fails with pydantic 2.14 (llama-index-core 0.14.25).
        data: dict[str, Any] = {
            "store": {
                key: [message.model_dump(mode="json") for message in messages]
                for key, messages in store.store.items()
            }
        }
    else:
        data = store.model_dump(mode="json")
    return {**data, "class_name": store.class_name()}


def loaded_store(data: Mapping[str, Any]) -> ChatStore:
    """A store from what `dumped_store` gave.

    Raises:
        ValueError: If LlamaIndex does not know the class.
    """
    if data.get("class_name") == SQLAlchemyChatStore.class_name():
        return SQLAlchemyChatStore(
            **{name: value for name, value in data.items() if name != "class_name"}
        )
    return load_chat_store(dict(data))
