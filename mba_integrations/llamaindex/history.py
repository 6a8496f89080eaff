"""The part of a chat history that fits a budget.

First what must be there: system messages, the user message that waits for its answer, and an open
tool round. Then the latest turns, without a gap, up to a share of the room. The rest of the room
goes to the turns that the core finds most useful for the question, wherever they stand.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from llama_index.core.base.llms.types import ChatMessage, TextBlock, ToolCallBlock

from mba_integrations.core.allocation import Allocation
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.chat_format import REPLY_FRAME_TOKENS
from mba_integrations.core.errors import BudgetError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool import MemoryPool
from mba_integrations.llamaindex.counters import LiveAllocator
from mba_integrations.llamaindex.message_cutting import cut_results
from mba_integrations.llamaindex.message_layout import TOKENS, MessageLayout
from mba_integrations.llamaindex.message_tokens import MessageTokens
from mba_integrations.llamaindex.nodes import NO_TEXT
from mba_integrations.llamaindex.template_variables import TemplateGuard
from mba_integrations.llamaindex.turns import Conversation, Turn, conversation_of

LARGEST_TURN = 0.25
"""Part of the room from which a turn stands without its tool rounds."""
DEFAULT_RECENT_SHARE = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryView:
    """What fits of a history.

    Attributes:
        messages: Copies, in the order of the history.
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


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """A message with its tokens, and what they hold for; equal to itself only."""

    message: ChatMessage
    state: tuple[object, ...]
    tokens: int


@dataclass(frozen=True, slots=True)
class _Unit:
    """Messages that come in together."""

    places: tuple[int, ...]
    tokens: int


@dataclass(slots=True)
class _Draft:
    """A view in the making: places that are in, and tokens that are left."""

    counted: Sequence[_Counted]
    room: int
    left: int = field(init=False)
    places: list[int] = field(default_factory=list)
    instead: dict[int, ChatMessage] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.left = self.room

    def unit(self, places: Iterable[int]) -> _Unit:
        taken = tuple(places)
        return _Unit(taken, sum(self.counted[place].tokens for place in taken))

    def add(self, unit: _Unit) -> None:
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
        self._counted: list[_Counted] = []
        self._counted_by: MessageTokens | None = None
        self._pool = MemoryPool()
        self._pooled: list[tuple[object, ...]] = []
        self._lock = threading.Lock()

    @property
    def tokens(self) -> MessageTokens:
        """What counts messages now."""
        counter = self._live.counter
        if self._counted_by is None or self._counted_by.counter is not counter:
            self._counted_by = MessageTokens(counter, media_tokens=self._media_tokens)
            self._counted = []
        return self._counted_by

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
            draft = _Draft(self._count(messages), budget_tokens - REPLY_FRAME_TOKENS)
            conversation = conversation_of(messages, user_follows=user_follows)
            needs, whole = _needs(draft, conversation, user_follows)
            self._add_required(draft, conversation, _required(conversation, user_follows))
            allocation = None
            if sum(unit.tokens for unit in whole) <= draft.left:
                for unit in whole:
                    draft.add(unit)
            else:
                units = list(_units(conversation, user_follows))
                older = self._add_recent(draft, units)
                allocation = self._add_older(draft, older, query, query_embedding)
            return self._view(draft, needs.demand_tokens, allocation)

    def needs(self, messages: Sequence[ChatMessage], *, user_follows: bool = False) -> HistoryNeeds:
        """What *messages* would need; arguments as for `select`."""
        with self._lock:
            draft = _Draft(self._count(messages), 0)
            conversation = conversation_of(messages, user_follows=user_follows)
            return _needs(draft, conversation, user_follows)[0]

    def texts(self, messages: Sequence[ChatMessage]) -> list[str]:
        """What an embedder would be asked for: the text of each turn."""
        turns = conversation_of(messages).turns
        return [_text_of([messages[place] for place in turn.talk]) for turn in turns]

    def _count(self, messages: Sequence[ChatMessage]) -> list[_Counted]:
        """Every message with its tokens; those that are as they were keep their count."""
        tokens, before = self.tokens, self._counted
        counted = []
        for place, message in enumerate(messages):
            known = before[place] if place < len(before) else None
            state = _state(message)
            if known is None or known.message is not message or known.state != state:
                known = _Counted(message, state, tokens.of(self._guard.message(message)))
            counted.append(known)
        self._counted = counted
        return counted

    def _add_required(
        self, draft: _Draft, conversation: Conversation, required: Sequence[int]
    ) -> None:
        if not required:
            return
        unit = draft.unit(required)
        over = unit.tokens - draft.left
        if over > 0:
            results = {
                place: self._guard.message(draft.counted[place].message)
                for place in _open_results(conversation)
                if place in required
            }
            before = sum(draft.counted[place].tokens for place in results)
            draft.instead = cut_results(results, room_tokens=before - over, tokens=self.tokens)
            after = sum(self.tokens.of(message) for message in draft.instead.values())
            over += after - before
            unit = _Unit(unit.places, unit.tokens + after - before)
        if over > 0:
            raise _too_much(draft, required, over)
        draft.add(unit)

    def _add_recent(self, draft: _Draft, units: list[tuple[tuple[int, ...], ...]]) -> list[_Unit]:
        """Add the latest units without a gap; returns the older ones.

        A turn that is large for its room stands without its tool rounds.
        """
        large = int(draft.left * LARGEST_TURN)
        share = int(draft.left * self._recent_share)
        older: list[_Unit] = []
        for place, variants in enumerate(reversed(units)):
            sized = [draft.unit(variant) for variant in variants]
            if place == 0:
                unit, room = _latest(sized, share, draft.left), draft.left
            else:
                unit = sized[0] if sized[0].tokens <= large else sized[-1]
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
        older: Sequence[_Unit],
        query: str,
        query_embedding: FloatArray | None,
    ) -> Allocation | None:
        if draft.left < 1 or not older or self._recent_share >= 1.0:
            return None
        self._fill_pool(draft, older)
        allocation = self._live.allocator.allocate_memory_budget(
            query,
            self._pool,
            self._live.workspace.workspace_id,
            budget_tokens=draft.left,
            query_embedding=query_embedding,
            layout=MessageLayout(),
        )
        by_id = {str(unit.places[0]): unit for unit in older}
        for selected in allocation.selected:
            draft.add(by_id[selected.id])
        return allocation

    def _fill_pool(self, draft: _Draft, older: Sequence[_Unit]) -> None:
        """Make the pool hold exactly *older*; turns that are in it already stay."""
        wanted = [_key(draft, unit) for unit in older]
        same = 0
        while same < min(len(wanted), len(self._pooled)) and wanted[same] == self._pooled[same]:
            same += 1
        gone = [item.id for item in self._pool.items[same:]] if same < len(self._pooled) else []
        if gone:
            self._pool.remove(*gone)
        if same < len(older):
            self._pool.add(*(_item(draft, unit) for unit in older[same:]))
        self._pooled = wanted

    def _view(
        self, draft: _Draft, demand_tokens: int, allocation: Allocation | None
    ) -> HistoryView:
        places = sorted(draft.places)
        messages = [
            self._guard.message(draft.instead.get(place, draft.counted[place].message))
            for place in places
        ]
        return HistoryView(
            messages=messages,
            places=tuple(places),
            used_tokens=draft.room - draft.left + REPLY_FRAME_TOKENS if places else 0,
            demand_tokens=demand_tokens,
            allocation=allocation,
        )


def _required(conversation: Conversation, user_follows: bool) -> list[int]:
    """Places of what must be there."""
    required = [*conversation.system]
    if conversation.turns and not user_follows and conversation.awaits_answer:
        last = conversation.turns[-1]
        required += [last.user, *last.open_round]
    return required


def _open_results(conversation: Conversation) -> tuple[int, ...]:
    return conversation.turns[-1].open_round[1:] if conversation.turns else ()


def _needs(
    draft: _Draft, conversation: Conversation, user_follows: bool
) -> tuple[HistoryNeeds, list[_Unit]]:
    """What the history needs, and its optional units as a whole."""
    whole = [draft.unit(variants[0]) for variants in _units(conversation, user_follows)]
    required = draft.unit(_required(conversation, user_follows)).tokens + REPLY_FRAME_TOKENS
    demand = required + sum(unit.tokens for unit in whole)
    return HistoryNeeds(required_tokens=required, demand_tokens=demand), whole


def _units(conversation: Conversation, user_follows: bool) -> Iterator[tuple[tuple[int, ...], ...]]:
    """What may be left out, oldest first; each in its variants, from whole to shortest."""
    for turn in conversation.turns[:-1]:
        yield _variants(turn)
    if conversation.turns:
        last = conversation.turns[-1]
        if user_follows or not conversation.awaits_answer:
            yield (*_variants(last), (last.user,))
        else:
            parts = [*last.rounds, *((place,) for place in last.answers)]
            yield from ((part,) for part in sorted(parts))


def _latest(sized: Sequence[_Unit], share: int, left: int) -> _Unit:
    """The longest variant of the latest unit that fits; whole tool rounds within the share only."""
    has_rounds = len(sized) > 2
    for place, unit in enumerate(sized):
        if unit.tokens <= (share if has_rounds and place == 0 else left):
            return unit
    return sized[-1]


def _variants(turn: Turn) -> tuple[tuple[int, ...], ...]:
    return (turn.whole, turn.talk) if turn.rounds else (turn.whole,)


def _state(message: ChatMessage) -> tuple[object, ...]:
    """What the tokens of a message depend on, as far as it changes in place: its texts."""
    return tuple(
        block.text if isinstance(block, TextBlock) else id(block) for block in message.blocks
    )


def _key(draft: _Draft, unit: _Unit) -> tuple[object, ...]:
    return (unit.places, tuple(draft.counted[place] for place in unit.places))


def _item(draft: _Draft, unit: _Unit) -> MemoryItem:
    messages = [draft.counted[place].message for place in unit.places]
    return MemoryItem(
        str(unit.places[0]),
        _text_of(messages) or NO_TEXT,
        MemoryTier.WORKING,
        source="conversation",
        position=float(unit.places[0]),
        metadata={TOKENS: unit.tokens},
    )


def _text_of(messages: Iterable[ChatMessage]) -> str:
    texts = []
    for message in messages:
        called = [block.tool_name for block in message.blocks if isinstance(block, ToolCallBlock)]
        texts += [*called, message.content or ""]
    return "\n".join(text for text in texts if text)


def _too_much(draft: _Draft, required: Sequence[int], over: int) -> BudgetError:
    counted: Mapping[int, int] = {place: draft.counted[place].tokens for place in required}
    largest = max(counted, key=lambda place: counted[place])
    role = draft.counted[largest].message.role.value
    budget = draft.room + REPLY_FRAME_TOKENS
    return BudgetError(
        f"{len(required)} messages must be in the prompt and need {budget + over:,} tokens, "
        f"the budget is {budget:,} ({over:,} over). Largest: the {role} message at place {largest} "
        f"with {counted[largest]:,} tokens. Raise budget_tokens or shorten the message.",
        needed_tokens=budget + over,
        budget_tokens=budget,
    )
