"""The part of a chat history that fits a budget.

First what must be there: system messages, the user message that waits for its answer, and an open
tool round. Then the latest turns, without a gap, up to a share of the room. The rest of the room
goes to the turns that the core finds most useful for the question, wherever they stand.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from llama_index.core.base.llms.types import ChatMessage, ToolCallBlock

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.counting.chat_format import REPLY_FRAME_TOKENS
from mba_integrations.core.errors import BudgetError
from mba_integrations.core.layout.priced_messages import PricedMessages
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.llamaindex.counted_history import CountedHistory, HistoryCounter, Unit
from mba_integrations.llamaindex.counters import LiveAllocator
from mba_integrations.llamaindex.message_cutting import cut_results
from mba_integrations.llamaindex.message_tokens import MessageTokens
from mba_integrations.llamaindex.nodes import NO_TEXT
from mba_integrations.llamaindex.template_variables import TemplateGuard
from mba_integrations.llamaindex.turns import turns_of

LARGEST_TURN = 0.25
"""Part of the room from which a turn stands without its tool rounds."""
DEFAULT_RECENT_SHARE = 0.5
_TOKENS = "message_tokens"
"""Key of an item's metadata: tokens of its messages, framing included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """What fits of a history.

    Attributes:
        messages: Copies, in the order of the history; system messages stand before a round.
        places: Where they stand in it.
        used_tokens: Their tokens with framing and what primes the reply; 0 for none.
        demand_tokens: What everything that may be shown would need.
        allocation: The core's choice among older turns; None where there was nothing to choose.
    """

    messages: list[ChatMessage]
    places: tuple[int, ...]
    used_tokens: int
    demand_tokens: int
    allocation: Allocation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryNeeds:
    """Tokens of a history with framing and what primes the reply.

    Attributes:
        required_tokens: Of what must be there.
        demand_tokens: Of everything that may be shown.
    """

    required_tokens: int
    demand_tokens: int


@dataclass(slots=True)
class _Draft:
    """A view in the making: places that are in, and tokens that are left."""

    history: CountedHistory
    room: int
    left: int = field(init=False)
    places: list[int] = field(default_factory=list)
    instead: dict[int, ChatMessage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = self.room

    def add(self, unit: Unit) -> None:
        self.places.extend(unit.places)
        self.left -= unit.tokens


class HistorySelector:
    """Selects from one conversation; keeps counts and older turns between calls.

    Args:
        live: What counts and allocates.
        guard: Defuses template variables.
        recent_share: Part of the room that goes to the latest turns first, in [0, 1]. 1 keeps the
            latest turns only.
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
        self._counting: HistoryCounter | None = None
        self._pool = MemoryPool()
        self._pooled: list[Unit] = []
        self._lock = threading.Lock()

    @property
    def tokens(self) -> MessageTokens:
        """What counts messages now."""
        return self._counter().tokens

    def select(
        self,
        messages: Sequence[ChatMessage],
        *,
        budget_tokens: int,
        query: str,
        query_embedding: FloatArray | None = None,
        user_follows: bool = False,
    ) -> HistoryView:
        """The view for one call.

        Args:
            messages: The whole history. It is not changed.
            budget_tokens: Tokens of the view, framing included.
            query: What the turns should be about.
            query_embedding: Vector of the query where the turns are embedded.
            user_follows: Whether the caller appends a user message, so that nothing in the
                history waits for an answer.

        Raises:
            BudgetError: If what must be there does not fit, though tool results are cut.
        """
        with self._lock:
            history = self._counter().count(messages, user_follows=user_follows)
            draft = _Draft(history, budget_tokens - REPLY_FRAME_TOKENS)
            optional = history.optional()
            needs = _needs(history, optional)
            self._add_required(draft)
            allocation = None
            if needs.demand_tokens - needs.required_tokens <= draft.left:
                for variants in optional:
                    draft.add(variants[0])
            else:
                older = self._add_recent(draft, optional)
                allocation = self._add_older(draft, older, query, query_embedding)
            return self._view(draft, needs.demand_tokens, allocation)

    def needs(self, messages: Sequence[ChatMessage], *, user_follows: bool = False) -> HistoryNeeds:
        """What *messages* would need; arguments as for `select`."""
        with self._lock:
            history = self._counter().count(messages, user_follows=user_follows)
            return _needs(history, history.optional())

    def texts(self, messages: Sequence[ChatMessage]) -> list[str]:
        """What an embedder would be asked for: the text of each turn."""
        return [_text_of([messages[i] for i in turn.whole]) for turn in turns_of(messages)]

    def _counter(self) -> HistoryCounter:
        """What counts the history: the same as long as the tokenizer is the same."""
        counter = self._live.counter
        if self._counting is None or self._counting.tokens.counter is not counter:
            tokens = MessageTokens(counter, media_tokens=self._media_tokens)
            self._counting = HistoryCounter(tokens, self._guard)
        return self._counting

    def _add_required(self, draft: _Draft) -> None:
        history = draft.history
        if not history.required:
            return
        unit = history.unit(history.required)
        over = unit.tokens - draft.left
        if over > 0:
            cut = self._cut_results(history, over)
            saved = sum(history.messages[place].tokens for place in cut)
            saved -= sum(map(self.tokens.of, cut.values()))
            draft.instead = cut
            over -= saved
            unit = Unit(unit.places, unit.tokens - saved)
        if over > 0:
            raise _too_much(draft, over)
        draft.add(unit)

    def _cut_results(self, history: CountedHistory, over: int) -> dict[int, ChatMessage]:
        """The results of the open round with *over* tokens less, if they have so many."""
        results = {
            place: self._guard.message(history.messages[place].message)
            for place in history.open_results
        }
        room = sum(history.messages[place].tokens for place in results) - over
        return cut_results(results, room_tokens=room, tokens=self.tokens)

    def _add_recent(self, draft: _Draft, optional: Sequence[tuple[Unit, ...]]) -> list[Unit]:
        """Add the latest units without a gap; returns the older ones.

        A turn that is large for its room stands without its tool rounds.
        """
        large = int(draft.left * LARGEST_TURN)
        share = int(draft.left * self._recent_share)
        older: list[Unit] = []
        for variants in reversed(optional):
            if variants is optional[-1]:
                unit, room = _latest(variants, share, draft.left), draft.left
            else:
                unit = variants[0] if variants[0].tokens <= large else variants[-1]
                room = min(share, draft.left)
            if not older and unit.tokens <= room:
                draft.add(unit)
                share -= unit.tokens
            else:
                older.append(unit)
        return older[::-1]

    def _add_older(
        self,
        draft: _Draft,
        older: list[Unit],
        query: str,
        query_embedding: FloatArray | None,
    ) -> Allocation | None:
        if draft.left < 1 or not older or self._recent_share >= 1.0:
            return None
        self._fill_pool(draft.history, older)
        allocation = self._live.allocator.allocate_memory_budget(
            query,
            self._pool,
            self._live.workspace.workspace_id,
            budget_tokens=draft.left,
            query_embedding=query_embedding,
            layout=PricedMessages("llamaindex-messages", lambda item: item.metadata[_TOKENS]),
        )
        chosen = {selected.id for selected in allocation.selected}
        for unit in older:
            if unit.id in chosen:
                draft.add(unit)
        return allocation

    def _fill_pool(self, history: CountedHistory, older: list[Unit]) -> None:
        """Make the pool hold exactly *older*; units that are in it already stay."""
        pooled = self._pooled
        same = 0
        while same < min(len(older), len(pooled)) and older[same] is pooled[same]:
            same += 1
        if same < len(pooled):
            self._pool.remove(*(unit.id for unit in pooled[same:]))
        if same < len(older):
            self._pool.add(*(_item(history, unit) for unit in older[same:]))
        self._pooled = older

    def _view(
        self, draft: _Draft, demand_tokens: int, allocation: Allocation | None
    ) -> HistoryView:
        places = draft.history.in_order(draft.places)
        messages = [
            self._guard.message(draft.instead.get(place, draft.history.messages[place].message))
            for place in places
        ]
        return HistoryView(
            messages=messages,
            places=tuple(places),
            used_tokens=draft.room - draft.left + REPLY_FRAME_TOKENS if places else 0,
            demand_tokens=demand_tokens,
            allocation=allocation,
        )


def _needs(history: CountedHistory, optional: Sequence[tuple[Unit, ...]]) -> HistoryNeeds:
    required = history.unit(history.required).tokens + REPLY_FRAME_TOKENS
    demand = required + sum(variants[0].tokens for variants in optional)
    return HistoryNeeds(required_tokens=required, demand_tokens=demand)


def _latest(variants: Sequence[Unit], share: int, left: int) -> Unit:
    """The longest variant of the latest unit that fits; with tool rounds within the share only."""
    has_rounds = len(variants) > 1 and variants[0] is not variants[1]
    for unit in variants:
        if unit.tokens <= (share if has_rounds and unit is variants[0] else left):
            return unit
    return variants[-1]


def _item(history: CountedHistory, unit: Unit) -> MemoryItem:
    messages = [history.messages[place].message for place in unit.places]
    return MemoryItem(
        unit.id,
        _text_of(messages) or NO_TEXT,
        MemoryTier.WORKING,
        source="conversation",
        position=float(unit.places[0]),
        metadata={_TOKENS: unit.tokens},
    )


def _text_of(messages: Iterable[ChatMessage]) -> str:
    texts = []
    for message in messages:
        called = [block.tool_name for block in message.blocks if isinstance(block, ToolCallBlock)]
        texts += [*called, message.content or ""]
    return "\n".join(text for text in texts if text)


def _too_much(draft: _Draft, over: int) -> BudgetError:
    messages, required = draft.history.messages, draft.history.required
    largest = max(required, key=lambda place: messages[place].tokens)
    role = messages[largest].message.role.value
    budget = draft.room + REPLY_FRAME_TOKENS
    return BudgetError(
        f"{len(required)} messages must be in the prompt and need {budget + over:,} tokens, "
        f"the budget is {budget:,} ({over:,} over). Largest: the {role} message at place {largest} "
        f"with {messages[largest].tokens:,} tokens. Raise budget_tokens or shorten the message.",
        needed_tokens=budget + over,
        budget_tokens=budget,
    )
