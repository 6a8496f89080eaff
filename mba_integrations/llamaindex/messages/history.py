"""The part of a chat history that fits a budget, with long-term memory in front of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llama_index.core.base.llms.types import ChatMessage

from mba_integrations.conversation.besides import choose_besides
from mba_integrations.conversation.conversation import Conversation
from mba_integrations.conversation.draft import Draft, Request
from mba_integrations.conversation.older import Chooser
from mba_integrations.conversation.pins import Part
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.counting.chat_format import REPLY_FRAME_TOKENS
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.llamaindex.counters import LiveAllocator
from mba_integrations.llamaindex.messages.counting import MessageTokens
from mba_integrations.llamaindex.messages.reading import SYSTEM_ROLES, MessageReader
from mba_integrations.llamaindex.messages.template_variables import TemplateGuard

DEFAULT_RECENT_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontMessage:
    """Long-term memory as one message; `Besides` the conversation.

    Attributes:
        message: The message; None if nothing came in.
        tokens: What it costs.
        omits_some: Whether more room could bring in more.
    """

    message: ChatMessage | None = None
    tokens: int = 0
    omits_some: bool = False


NOTHING_IN_FRONT = FrontMessage()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """What fits of a history.

    Attributes:
        messages: Copies, in the order of the history; system messages stand before a round.
        places: Where they stand in it, without what stands in front.
        used_tokens: Their tokens with framing, what primes the reply and what is sent besides; 0
            for none.
        demand_tokens: What everything that may be shown would need.
        allocation: The core's choice among older messages; None where there was nothing to choose.
    """

    messages: list[ChatMessage]
    places: tuple[int, ...]
    used_tokens: int
    demand_tokens: int
    allocation: Allocation | None = None


class HistorySelector:
    """Selects from one conversation; keeps counts and older messages between calls.

    Args:
        live: What counts and allocates.
        guard: Defuses template variables.
        recent_share: Part of the tokens that goes to the newest messages first, in [0, 1]. 1 keeps
            the newest messages only.
        media_tokens: Tokens of each image, recording, video and document.
    """

    def __init__(
        self,
        live: LiveAllocator,
        *,
        guard: TemplateGuard,
        recent_share: float = DEFAULT_RECENT_SHARE,
        media_tokens: int,
    ) -> None:
        self._live = live
        self._guard = guard
        self._recent_share = recent_share
        self._media_tokens = media_tokens
        self._made: tuple[MessageReader, Conversation[ChatMessage]] | None = None

    @property
    def tokens(self) -> MessageTokens:
        """What counts messages now."""
        return self._current()[0].tokens

    def select(
        self,
        messages: Sequence[ChatMessage],
        *,
        budget_tokens: int,
        query: str,
        query_embedding: FloatArray | None = None,
        user_follows: bool = False,
        besides: Sequence[Part] = (),
        front: Callable[[int], FrontMessage] | None = None,
        conversation_share: float = 1.0,
    ) -> HistoryView:
        """The view for one call.

        Args:
            messages: The whole history. It is not changed.
            budget_tokens: Tokens of the view, framing included.
            query: What older messages should be about.
            query_embedding: Vector of the query where messages are embedded.
            user_follows: Whether the caller appends a user message, so that nothing in the
                history waits for an answer.
            besides: What is sent besides and comes off the budget, with its tokens.
            front: Chooses long-term memory within so many tokens.
            conversation_share: Part of the budget that *front* cannot take, in [0, 1].

        Raises:
            PinnedOverBudgetError: If what must be there does not fit, though tool results are
                shortened.
        """
        reader, conversation = self._current()
        with conversation.lock:
            conversation.update(messages)
            request = Request(
                budget_tokens=budget_tokens,
                besides=tuple(besides),
                frame_tokens=REPLY_FRAME_TOKENS,
                query=query,
                query_embedding=query_embedding,
                recent_share=self._recent_share,
                conversation_share=conversation_share,
                waits=not (user_follows or conversation.is_answered),
                calls_may_wait=True,
            )
            draft = Draft(conversation, request, self._chooser())
            chosen = NOTHING_IN_FRONT if front is None else choose_besides(draft, front)
            planned = draft.finish(chosen.tokens)
            return HistoryView(
                messages=_in_front(chosen.message, reader.sent(messages, planned)),
                places=planned.places,
                used_tokens=planned.tokens,
                demand_tokens=conversation.demand_tokens() + REPLY_FRAME_TOKENS + chosen.tokens,
                allocation=planned.allocation,
            )

    def demand_tokens(self, messages: Sequence[ChatMessage]) -> int:
        """What everything that may be shown of *messages* would need; 0 for none."""
        _, conversation = self._current()
        with conversation.lock:
            conversation.update(messages)
            return conversation.demand_tokens() + REPLY_FRAME_TOKENS if messages else 0

    def texts(self, messages: Sequence[ChatMessage]) -> list[str]:
        """What an embedder would be asked for: the text of each message that may be shown."""
        _, conversation = self._current()
        with conversation.lock:
            conversation.update(messages)
            return conversation.texts()

    def _current(self) -> tuple[MessageReader, Conversation[ChatMessage]]:
        """What is known of the history: the same as long as the tokenizer is the same."""
        counter = self._live.counter
        if self._made is None or self._made[0].tokens.counter is not counter:
            tokens = MessageTokens(counter, media_tokens=self._media_tokens)
            reader = MessageReader(tokens, self._guard)
            self._made = reader, Conversation(reader, question_first=True)
        return self._made

    def _chooser(self) -> Chooser:
        live = self._live
        return Chooser(allocator=live.allocator, workspace_id=live.conversation_id)


def _in_front(front: ChatMessage | None, messages: list[ChatMessage]) -> list[ChatMessage]:
    """*front* behind the system messages that the history begins with."""
    if front is None:
        return messages
    place = 0
    while place < len(messages) and messages[place].role in SYSTEM_ROLES:
        place += 1
    return [*messages[:place], front, *messages[place:]]
