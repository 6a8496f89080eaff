"""The messages before the window as memory items, and the core's choice among them.

Kept in a pool that changes only when the window moves. What stays together is what stays together
in the core (`core.dialogue.parts`): a small exchange as a whole, each tool round of a larger one.
As these are sent as messages, the question and the answer of a large one stay together too, and a
round comes in only together with them. So of a long exchange they may come in alone.

The newest messages are in the window, so none of these is the newest exchange: their metadata names
speakers and no roles, and `recent_share` is 0 in `conversation_workspace`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.conversation.message import Message
from mba_integrations.conversation.window import Window
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.arrays import FloatArray, IntArray
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.dialogue.exchanges import Exchange
from mba_integrations.core.dialogue.parts import MOST_SMALL_TOKENS, parts_of, rounds_of
from mba_integrations.core.layout.priced_messages import PricedMessages
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.result.allocation import Allocation

_HALF_WAY = 100
"""Messages after which importance has grown by half."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chooser:
    """Who chooses among older messages.

    Attributes:
        allocator: The core.
        workspace_id: Whose settings apply; see `conversation_workspace`.
    """

    allocator: MemoryBudgetAllocator
    workspace_id: str


class OlderMessages:
    """The pool of a conversation's older messages."""

    def __init__(self) -> None:
        self._pool = MemoryPool()
        self._held: IntArray = np.zeros(0, dtype=np.int64)
        self._items: dict[int, MemoryItem] = {}
        self._tokens: dict[str, int] = {}
        self._places: dict[str, int] = {}
        self._grouping = (0, False)

    def forget_from(self, place: int) -> None:
        """Drop the messages from *place* on, the start of an exchange: they may have changed."""
        self._remove(self._held[self._held >= place])

    def update(
        self,
        messages: Sequence[Message],
        exchanges: Sequence[Exchange],
        window: Window,
        limit_tokens: int,
        *,
        waits: bool,
    ) -> None:
        """Hold the messages to choose from.

        Args:
            messages: The conversation.
            exchanges: What it consists of.
            window: How they are divided.
            limit_tokens: To how much long results are shortened; other groups and costs go with
                another.
            waits: Whether the last exchange may come in in parts.
        """
        if self._grouping[0] != limit_tokens:
            self._remove(self._held)
        elif self._grouping[1] != waits and exchanges:
            self.forget_from(exchanges[-1].start)
        self._grouping = limit_tokens, waits
        if np.array_equal(window.older, self._held):
            return
        self._remove(np.setdiff1d(self._held, window.older, assume_unique=True))
        missing = np.setdiff1d(window.older, self._held, assume_unique=True).tolist()
        self._held = window.older
        if missing:
            limit, sent = self._grouping[0], window.sent
            groups = dict(_groups(exchanges, sent, limit, missing[0], waits=waits))
            self._add(
                [_item(messages[place], place, groups.get(place)) for place in missing],
                sent[missing].tolist(),
            )

    def choose(
        self,
        chooser: Chooser,
        query: str,
        budget_tokens: int,
        query_embedding: FloatArray | None = None,
    ) -> Allocation | None:
        """The core's choice within a budget; None where there is nothing to choose."""
        if budget_tokens < 1 or not self._items:
            return None
        return chooser.allocator.allocate_memory_budget(
            query,
            self._pool,
            workspace_id=chooser.workspace_id,
            budget_tokens=budget_tokens,
            query_embedding=query_embedding,
            layout=PricedMessages(
                f"messages:{self._grouping[0]}", tokens_of=lambda item: self._tokens[item.id]
            ),
        )

    def places_of(self, allocation: Allocation) -> list[int]:
        """Places of the messages that were chosen, ascending."""
        return sorted(self._places[one] for one in allocation.selected_ids)

    def with_questions(
        self, exchanges: Sequence[Exchange], chosen: list[int], budget_tokens: int
    ) -> list[int]:
        """*chosen* in which each tool round has its question.

        A question that fits in what is left of the budget comes in; else the round goes.
        """
        left_tokens = budget_tokens - sum(self._cost(place) for place in chosen)
        among = set(chosen)
        for number, places in self._without_question(exchanges, chosen):
            talk = exchanges[number].talk
            needed = sum(self._cost(place) for place in talk)
            if needed <= left_tokens:
                among.update(talk)
                left_tokens -= needed
            else:
                among.difference_update(places)
                left_tokens += sum(self._cost(place) for place in places)
        return sorted(among)

    def _without_question(
        self, exchanges: Sequence[Exchange], chosen: list[int]
    ) -> Iterator[tuple[int, list[int]]]:
        """Exchanges whose question is to choose from and is not among *chosen*, with theirs."""
        starts = np.array([exchange.start for exchange in exchanges])
        of_exchange = np.searchsorted(starts, chosen, side="right") - 1
        found: dict[int, list[int]] = {}
        for place, number in zip(chosen, of_exchange.tolist(), strict=True):
            found.setdefault(number, []).append(place)
        for number, places in found.items():
            exchange = exchanges[number]
            in_pool = exchange.has_question and exchange.start in self._items
            if in_pool and places[0] != exchange.start:
                yield number, places

    def _cost(self, place: int) -> int:
        return self._tokens[self._items[place].id] if place in self._items else 0

    def _add(self, items: list[MemoryItem], tokens: list[int]) -> None:
        for item, cost in zip(items, tokens, strict=True):
            place = int(item.position or 0)
            self._items[place] = item
            self._places[item.id] = place
            self._tokens[item.id] = cost
        self._pool.add(*items)

    def _remove(self, places: IntArray) -> None:
        self._held = np.setdiff1d(self._held, places, assume_unique=True)
        gone = [self._items.pop(place).id for place in places.tolist()]
        for item_id in gone:
            del self._places[item_id], self._tokens[item_id]
        if gone:
            self._pool.remove(*gone)


def _groups(
    exchanges: Sequence[Exchange], sent: IntArray, limit: int, start: int, *, waits: bool
) -> Iterator[tuple[int, str]]:
    """Place and group of each message of the exchanges that reach beyond *start*."""

    def tokens_of(places: Sequence[int]) -> int:
        return int(sent[list(places)].sum())

    for exchange in reversed(exchanges):
        if exchange.end <= start:
            return
        if waits and exchange is exchanges[-1]:
            units = [*((place,) for place in exchange.talk), *rounds_of(exchange)]
        else:
            units = parts_of(exchange, tokens_of, min(limit, MOST_SMALL_TOKENS))
        for unit in units:
            for place in unit if len(unit) > 1 else ():
                yield place, f"from-{unit[0]}"


def _item(message: Message, place: int, group: str | None) -> MemoryItem:
    return MemoryItem(
        # The place makes it unique: ids of messages may repeat.
        str(place) if message.id is None else f"{place}:{message.id}",
        searched_text(message),
        MemoryTier.WORKING,
        importance=_importance(place),
        source="conversation",
        position=place,
        group=group,
        metadata={"speaker": message.role.value},
    )


def searched_text(message: Message) -> str:
    """What is matched with the query, and embedded; never blank, which embedders refuse."""
    return message.text if message.text.strip() else f"[{message.role.value}]"


def _importance(place: int) -> float:
    """Grows with the place, so that of messages that match alike the later ones come in.

    It does not depend on the end of the conversation: items would change with every message. From
    the first message to the last the odds of being useful grow by a factor of 1.6 at most.
    """
    return 0.25 + 0.5 * place / (place + _HALF_WAY)


def conversation_workspace(config: WorkspaceConfig) -> WorkspaceConfig:
    """Settings for choosing among messages: those of *config*, all shares to working memory.

    Where it names no price, none is asked: who keeps a history expects as much of it as there is
    room for.
    """
    return config.model_copy(
        update={
            "workspace_id": f"{config.workspace_id}:conversation",
            "working_memory_pct": 1.0,
            "project_memory_pct": 0.0,
            "long_term_memory_pct": 0.0,
            "rag_memory_pct": 0.0,
            "tier_floor_tokens": {},
            "tier_cap_tokens": {},
            "borrowing": True,
            "recent_share": 0.0,
            "token_price": config.token_price or 0.0,
            "duplicate_threshold": None,
            "passage_min_tokens": None,
        }
    )
