"""`BudgetedMemory`: the whole history in a store, the part that fits in the prompt.

A drop-in for `ChatMemoryBuffer` and `Memory` in chat engines and agents. Nothing is ever taken out
of the store; what `get` returns are copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import llama_index.core.instrumentation as instrument
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.base.llms.types import ChatMessage, MessageRole
from llama_index.core.bridge.pydantic import (
    Field,
    PrivateAttr,
    SerializeAsAny,
    field_serializer,
    field_validator,
)
from llama_index.core.llms.llm import LLM
from llama_index.core.memory.types import DEFAULT_CHAT_STORE_KEY, BaseMemory
from llama_index.core.storage.chat_store.simple_chat_store import SimpleChatStore

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.derived import Derived
from mba_integrations.core.errors import BudgetError, InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.llamaindex.component import BudgetTokens, Component, MediaTokens
from mba_integrations.llamaindex.counters import LiveAllocator
from mba_integrations.llamaindex.embedding import LlamaIndexEmbedder
from mba_integrations.llamaindex.events import view_event
from mba_integrations.llamaindex.ledger import BudgetLedger, Participant
from mba_integrations.llamaindex.memory.long_term import (
    LongTermMemory,
    LongTermSource,
    Recalled,
    checked_source,
)
from mba_integrations.llamaindex.memory.stored_messages import (
    ChatStore,
    StoredMessages,
    dumped_store,
    loaded_store,
)
from mba_integrations.llamaindex.messages.counting import DEFAULT_MEDIA_TOKENS
from mba_integrations.llamaindex.messages.history import (
    DEFAULT_RECENT_SHARE,
    HistorySelector,
)
from mba_integrations.llamaindex.messages.reading import with_exchange
from mba_integrations.llamaindex.messages.template_variables import (
    TEMPLATE_VARIABLES,
    TemplateGuard,
)
from mba_integrations.llamaindex.retrieval.nodes import usable_vectors

dispatcher = instrument.get_dispatcher(__name__)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the fields say, ready to work."""

    live: LiveAllocator
    selector: HistorySelector
    long_term: LongTermMemory | None


class BudgetedMemory(Component, BaseMemory):
    """A chat memory whose view never exceeds its budget. Make one with `from_defaults`.

    Args:
        budget_tokens: Tokens of what `get` returns, framing included, >= 1. None with a ledger,
            else the workspace's ceiling.
        chat_store: Where the whole history is.
        chat_store_key: The conversation's key in the store.
        workspace: Settings of the choice; shares of the tiers divide the budget between the
            conversation and long-term memory. The core's defaults without it.
        recent_share: Part of the budget that goes to the newest exchanges first, in [0, 1]; the
            rest goes to those that help most with the question. 1 keeps the newest only.
        media_tokens: Tokens of each image, recording, video and document, an estimate.
        template_variables: Names of template variables, beside LlamaIndex' own, that remembered
            text must not fill in.
        ledger: Joint budget with a `MemoryBudgetPostprocessor`.
        long_term: Long-term memory: a retriever, an index, or a `MemoryPool`.
        token_counter: What counts; the user's `Settings.tokenizer`, or the counter of the
            workspace's model, without it.
        embed_model: Embeds messages and questions, each text once, so that they are also found by
            meaning. Without it they are found by their words.

    The last three are not part of `to_dict`: give them to `from_dict` again. Every field may be set
    to another value, which counts from the next call on.
    """

    budget_tokens: BudgetTokens | None = None
    chat_store: SerializeAsAny[ChatStore] = Field(default_factory=SimpleChatStore)
    chat_store_key: str = DEFAULT_CHAT_STORE_KEY
    workspace: WorkspaceConfig | None = None
    recent_share: float = Field(default=DEFAULT_RECENT_SHARE, ge=0.0, le=1.0)
    media_tokens: MediaTokens = DEFAULT_MEDIA_TOKENS
    template_variables: tuple[str, ...] = ()
    ledger: BudgetLedger | None = None

    _long_term: LongTermSource | None = PrivateAttr()
    _token_counter: object = PrivateAttr()
    _embedder: LlamaIndexEmbedder | None = PrivateAttr()
    _parts: Derived[_Parts] = PrivateAttr(default_factory=Derived)

    def __init__(
        self,
        *,
        long_term: LongTermSource | None = None,
        token_counter: object = None,
        embed_model: BaseEmbedding | None = None,
        **fields: Any,
    ) -> None:
        super().__init__(**fields)
        self._long_term = None if long_term is None else checked_source(long_term)
        self._token_counter = token_counter
        self._embedder = None if embed_model is None else LlamaIndexEmbedder(embed_model)
        self._check()
        self._note_stored()

    @classmethod
    def from_defaults(
        cls,
        budget_tokens: int | None = None,
        *,
        chat_history: Sequence[ChatMessage] | None = None,
        llm: LLM | None = None,
        chat_store: ChatStore | None = None,
        chat_store_key: str = DEFAULT_CHAT_STORE_KEY,
        **arguments: Any,
    ) -> BudgetedMemory:
        """A memory.

        Args:
            budget_tokens: As for the class. Without it and without a ledger, three quarters of the
                context window of *llm*.
            chat_history: Messages to put into the store in place of those under the key.
            llm: See *budget_tokens*.
            chat_store: As for the class; in memory by default.
            chat_store_key: As for the class.
            **arguments: The other arguments of the class.

        Raises:
            InputError: If both a budget and a ledger are given.
        """
        if budget_tokens is None and llm is not None and arguments.get("ledger") is None:
            budget_tokens = max(1, llm.metadata.context_window * 3 // 4)
        memory = cls(
            budget_tokens=budget_tokens,
            chat_store=chat_store or SimpleChatStore(),
            chat_store_key=chat_store_key,
            **arguments,
        )
        if chat_history is not None:
            memory.set(list(chat_history))
        return memory

    @classmethod
    def class_name(cls) -> str:
        """Name in serialised form."""
        return "BudgetedMemory"

    @field_serializer("chat_store")
    def _dump_store(self, chat_store: ChatStore) -> dict[str, Any]:
        return dumped_store(chat_store)

    @field_validator("chat_store", mode="before")
    @classmethod
    def _load_store(cls, value: Any) -> Any:
        return loaded_store(value) if isinstance(value, dict) else value

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in ("chat_store", "chat_store_key", "ledger"):
            self._note_stored()

    @property
    def tokenizer_fn(self) -> Callable[[str], range]:
        """For `SimpleChatEngine`, which takes the length of what this returns off the budget.

        Counts a text as one message, so that a system prompt in front of the history is paid for.
        """
        tokens = self._now().selector.tokens
        return lambda text: range(
            tokens.of(ChatMessage(role=MessageRole.SYSTEM, content=text)) if text else 0
        )

    def get(
        self, input: str | ChatMessage | None = None, initial_token_count: int = 0, **kwargs: Any
    ) -> list[ChatMessage]:
        """The view for one request, in copies.

        Args:
            input: The question. It is not part of the view; the last user message without it.
            initial_token_count: Tokens that come off the budget.
            **kwargs: Ignored.

        Raises:
            BudgetError: If the initial tokens, or the user message that waits for its answer, do
                not fit.
        """
        messages = self._stored.read()
        query = _query(input, messages)
        vector, recalled = None, None
        if self._embedder is not None and query:
            vector = self._embedder.query(query)
            self._embedder(self._now().selector.texts(messages))
        if (long_term := self._now().long_term) is not None:
            recalled = long_term.recall(query)
        return self._select(messages, input, vector, recalled, initial_token_count)

    async def aget(
        self, input: str | ChatMessage | None = None, initial_token_count: int = 0, **kwargs: Any
    ) -> list[ChatMessage]:
        """As `get`; store and models are awaited, in the task that called."""
        messages = await self._stored.aread()
        query = _query(input, messages)
        vector, recalled = None, None
        if self._embedder is not None and query:
            vector = await self._embedder.aquery(query)
            await self._embedder.aprepare(self._now().selector.texts(messages))
        if (long_term := self._now().long_term) is not None:
            recalled = await long_term.arecall(query)
        return self._select(messages, input, vector, recalled, initial_token_count)

    def get_all(self) -> list[ChatMessage]:
        """The whole history as it is in the store."""
        return self._stored.read()

    async def aget_all(self) -> list[ChatMessage]:
        """The whole history as it is in the store."""
        return await self._stored.aread()

    def put(self, message: ChatMessage) -> None:
        """Append a message."""
        self.put_messages([message])

    async def aput(self, message: ChatMessage) -> None:
        """Append a message."""
        await self.aput_messages([message])

    def put_messages(self, messages: list[ChatMessage]) -> None:
        """Append messages."""
        self._stored.add(messages)
        self._note_added(messages)

    async def aput_messages(self, messages: list[ChatMessage]) -> None:
        """Append messages."""
        await self._stored.aadd(messages)
        self._note_added(messages)

    def set(self, messages: list[ChatMessage]) -> None:
        """Put messages in place of the whole history."""
        self._stored.replace(messages)
        self._note_all(messages)

    async def aset(self, messages: list[ChatMessage]) -> None:
        """Put messages in place of the whole history."""
        await self._stored.areplace(messages)
        self._note_all(messages)

    def reset(self) -> None:
        """Empty the history."""
        self.set([])

    async def areset(self) -> None:
        """Empty the history."""
        await self.aset([])

    def _select(
        self,
        messages: list[ChatMessage],
        input: str | ChatMessage | None,
        vector: FloatArray | None,
        recalled: Recalled | None,
        initial_token_count: int,
    ) -> list[ChatMessage]:
        parts = self._now()
        budget = self._left(initial_token_count)
        query = _query(input, messages)
        front = None
        if parts.long_term is not None and recalled is not None and len(recalled.candidates):
            front = partial(parts.long_term.within, query, recalled)
        (usable,) = usable_vectors([vector])
        view = parts.selector.select(
            messages,
            budget_tokens=budget,
            query=query,
            query_embedding=usable,
            user_follows=_user_follows(input, messages),
            front=front,
            conversation_share=1.0 if front is None else self._conversation_share(),
        )
        if self.ledger is not None:
            self.ledger.take(Participant.HISTORY, view.used_tokens)
            self.ledger.note_history(view.demand_tokens)
        dispatcher.event(view_event(self.class_name(), view, budget))
        return view.messages

    @property
    def _stored(self) -> StoredMessages:
        return StoredMessages(self.chat_store, self.chat_store_key)

    def _now(self) -> _Parts:
        """The parts for the fields of now."""
        return self._parts.of(
            self._made,
            self.chat_store,
            self.chat_store_key,
            self.workspace,
            self.recent_share,
            self.media_tokens,
            self.template_variables,
            self._embeds,
        )

    @property
    def _embeds(self) -> LlamaIndexEmbedder | None:
        """What embeds. Before the first usable vector nobody knows how long one is that is not."""
        known = self._embedder is not None and self._embedder.length is not None
        return self._embedder if known else None

    def _made(self, *_: object) -> _Parts:
        config = self.workspace or WorkspaceConfig(workspace_id="default")
        guard = TemplateGuard((*TEMPLATE_VARIABLES, *self.template_variables))
        live = LiveAllocator(config, token_counter=self._token_counter, embedder=self._embeds)
        selector = HistorySelector(
            live, guard=guard, recent_share=self.recent_share, media_tokens=self.media_tokens
        )
        long_term = None
        if self._long_term is not None:
            recalls = LiveAllocator(config, token_counter=self._token_counter)
            session_id = self.chat_store_key or DEFAULT_CHAT_STORE_KEY
            long_term = LongTermMemory(self._long_term, recalls, guard, session_id=session_id)
        return _Parts(live, selector, long_term)

    def _check(self) -> None:
        if self.budget_tokens is not None and self.ledger is not None:
            raise InputError("give budget_tokens or a ledger, not both: the ledger has the budget.")

    def _left(self, initial_tokens: int) -> int:
        """The budget less what the caller sends besides."""
        budget = self._budget()
        initial = checked_whole("initial_token_count", initial_tokens)
        if initial > budget:
            raise BudgetError(
                f"initial_token_count is {initial:,}, the budget is {budget:,} tokens "
                f"({initial - budget:,} over). Shorten what is sent besides the history, such as "
                "the system prompt, or raise the budget.",
                needed_tokens=initial,
                budget_tokens=budget,
            )
        return budget - initial

    def _budget(self) -> int:
        if self.ledger is not None:
            return self.ledger.room(Participant.HISTORY)
        return self.budget_tokens or self._now().live.workspace.max_total_tokens

    def _conversation_share(self) -> float:
        """The conversation's part of the budget: its share beside those of long-term memory."""
        config = self._now().live.workspace
        working = config.share(MemoryTier.WORKING)
        others = config.share(MemoryTier.LONG_TERM) + config.share(MemoryTier.PROJECT)
        return working / (working + others) if working + others else 0.0

    def _note_stored(self) -> None:
        """Tell the ledger of the history; other stores are read when there is a request."""
        if self.ledger is not None and isinstance(self.chat_store, SimpleChatStore):
            self._note_all(self._stored.read())

    def _note_all(self, messages: Sequence[ChatMessage]) -> None:
        if self.ledger is not None:
            self.ledger.note_history(self._now().selector.demand_tokens(messages))

    def _note_added(self, messages: Sequence[ChatMessage]) -> None:
        if self.ledger is not None:
            tokens = self._now().selector.tokens
            self.ledger.add_history(sum(tokens.of(message) for message in messages))


def _text(input: str | ChatMessage | None) -> str:
    return (input.content or "") if isinstance(input, ChatMessage) else input or ""


def _last_user_text(messages: Sequence[ChatMessage]) -> str | None:
    for message in reversed(messages):
        if message.role is MessageRole.USER:
            return message.content or ""
    return None


def _query(input: str | ChatMessage | None, messages: Sequence[ChatMessage]) -> str:
    """What is asked, with the exchange that it hangs on; "" where that is white space, for which no
    retriever or model is asked."""
    asked = _text(input).strip() and _text(input)
    last = _last_user_text(messages) or ""
    return with_exchange(asked or (last.strip() and last), messages)


def _user_follows(input: str | ChatMessage | None, messages: Sequence[ChatMessage]) -> bool:
    """Whether the caller asks what is not in the history yet, and will append it."""
    return bool(_text(input)) and _text(input) != _last_user_text(messages)
