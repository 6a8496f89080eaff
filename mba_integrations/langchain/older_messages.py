"""The messages before the window as memory items, and the core's choice among them.

Kept in a pool that changes only when the window moves. An exchange is one group; where it has more
than a long result's tokens, its tool rounds are groups of their own, and a round comes in only
together with its question.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from langchain_core.messages import AIMessage, BaseMessage

from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.arrays import IntArray
from mba_integrations.core.layout.priced_messages import PricedMessages
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.langchain.conversation import Conversation
from mba_integrations.langchain.message_counting import role_of
from mba_integrations.langchain.message_plan import Window
from mba_integrations.langchain.message_units import Exchange

_HALF_WAY = 100
"""Messages after which importance has grown by half."""


class OlderMessages:
    """The pool of a conversation's older messages."""

    def __init__(self) -> None:
        self._pool = MemoryPool()
        self._items: dict[int, MemoryItem] = {}
        self._tokens: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._limit = 0

    def forget_from(self, place: int) -> None:
        """Drop the messages from *place* on: they may have changed."""
        self._remove([known for known in self._items if known >= place])

    def update(self, conversation: Conversation, window: Window, limit: int) -> None:
        """Hold the messages to choose from.

        Args:
            conversation: The messages.
            window: How they are divided.
            limit: To how much long results are shortened; other groups and costs go with another.
        """
        if limit != self._limit:
            self._remove(list(self._items))
            self._limit = limit
        wanted = window.older.tolist()
        missing = [place for place in wanted if place not in self._items]
        if len(self._items) + len(missing) != len(wanted):
            kept = set(wanted)
            self._remove([place for place in self._items if place not in kept])
        if missing:
            self._add(conversation, missing, window.sent)

    def choose(
        self, allocator: MemoryBudgetAllocator, query: str, workspace_id: str, budget_tokens: int
    ) -> list[int]:
        """Places of the messages that the core chooses within a budget, ascending."""
        if budget_tokens < 1 or not self._items:
            return []
        allocation = allocator.allocate_memory_budget(
            query,
            self._pool,
            workspace_id=workspace_id,
            budget_tokens=budget_tokens,
            layout=PricedMessages(
                f"messages:{self._limit}", tokens_of=lambda item: self._tokens[item.id]
            ),
        )
        return sorted(self._places[message["id"]] for message in allocation.to_messages())

    def with_questions(
        self, exchanges: Sequence[Exchange], chosen: list[int], budget_tokens: int
    ) -> list[int]:
        """*chosen* in which each tool round has its question.

        A question that fits in what is left of the budget comes in; else the round goes.
        """
        left_tokens = budget_tokens - sum(self._cost(place) for place in chosen)
        starts = np.array([exchange.start for exchange in exchanges])
        of_exchange = np.searchsorted(starts, chosen, side="right") - 1
        among = set(chosen)
        of_rounds: dict[int, list[int]] = {}
        for place, number in zip(chosen, of_exchange.tolist(), strict=True):
            exchange = exchanges[number]
            if exchange.has_human and exchange.start not in among:
                of_rounds.setdefault(exchange.start, []).append(place)
        for start, places in of_rounds.items():
            head = exchanges[int(np.searchsorted(starts, start))].head
            needed = sum(self._cost(place) for place in head)
            if start in self._items and needed <= left_tokens:
                among.update(head)
                left_tokens -= needed
            elif start in self._items:
                among.difference_update(places)
                left_tokens += sum(self._cost(place) for place in places)
        return sorted(among)

    def _cost(self, place: int) -> int:
        return self._tokens[self._items[place].id] if place in self._items else 0

    def _add(self, conversation: Conversation, places: list[int], sent: IntArray) -> None:
        groups = dict(_groups(conversation.exchanges, sent, self._limit, places[0]))
        added = []
        for place in places:
            message = conversation.messages[place]
            item_id = message.id or f"message-{place}"
            if item_id in self._places:
                item_id = f"{item_id}@{place}"
            item = _item(message, item_id, place, groups.get(place))
            self._items[place] = item
            self._places[item_id] = place
            self._tokens[item_id] = int(sent[place])
            added.append(item)
        self._pool.add(*added)

    def _remove(self, places: list[int]) -> None:
        gone = [self._items.pop(place).id for place in places]
        for item_id in gone:
            del self._places[item_id], self._tokens[item_id]
        if gone:
            self._pool.remove(*gone)


def _groups(
    exchanges: Sequence[Exchange], sent: IntArray, limit: int, start: int
) -> Iterator[tuple[int, str]]:
    """Place and group of each message of the exchanges that reach beyond *start*."""
    for exchange in reversed(exchanges):
        if exchange.end <= start:
            return
        rounds = [list(one.places) for one in exchange.rounds]
        places = [*exchange.head, *(place for one in rounds for place in one)]
        if exchange is exchanges[-1]:
            units = [[place] for place in exchange.head] + rounds
        elif int(sent[places].sum()) <= limit:
            units = [places]
        else:
            units = [list(exchange.head), *rounds]
        for unit in units:
            for place in unit:
                if len(unit) > 1:
                    yield place, f"from-{unit[0]}"


def _item(message: BaseMessage, item_id: str, place: int, group: str | None) -> MemoryItem:
    return MemoryItem(
        item_id,
        _searchable_text(message),
        MemoryTier.WORKING,
        importance=_importance(place),
        source="conversation",
        position=place,
        group=group,
        metadata={"role": role_of(message)},
    )


def _importance(place: int) -> float:
    """Grows with the place, so that of messages that match alike the later ones come in.

    It does not depend on the end of the conversation: items would change with every message. From
    the first message to the last the odds of being useful grow by a factor of 1.6 at most.
    """
    return 0.25 + 0.5 * place / (place + _HALF_WAY)


def _searchable_text(message: BaseMessage) -> str:
    """What is matched with the query: the text, and the tool calls."""
    parts = [str(message.text)]
    if isinstance(message, AIMessage):
        parts += [f"{call['name']} {call['args']}" for call in message.tool_calls]
    return "\n".join(part for part in parts if part) or f"[{message.type}]"
