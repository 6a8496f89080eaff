"""Conversations as items of long-term memory."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.base.llms.types import ChatMessage

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.dialogue.exchanges import exchanges_of
from mba_integrations.core.model import MemoryItem, MemoryTier, TierName
from mba_integrations.llamaindex.messages.reading import spoken


def items_from_messages(
    messages: Sequence[ChatMessage],
    *,
    source: str,
    tier: MemoryTier | TierName = MemoryTier.LONG_TERM,
    first_position: int = 0,
) -> list[MemoryItem]:
    """One item for each exchange of a conversation, for a pool of long-term memory.

    Args:
        messages: A history. System messages, tool rounds and what stands before the first user
            message are left out.
        source: Names the conversation; ids are `source` and the place of the user message.
        tier: Tier of all items.
        first_position: Place of the first message in the conversation, >= 0.

    Raises:
        InputError: If *first_position* is another value.
    """
    first = checked_whole("first_position", first_position)
    items = []
    for exchange in exchanges_of(list(map(spoken, messages))):
        if not exchange.has_question:
            continue
        said = [messages[place] for place in exchange.talk if messages[place].content]
        position = first + exchange.start
        text = "\n".join(f"{message.role.value}: {message.content}" for message in said)
        if text:
            item_id = f"{source}/{position}"
            items.append(MemoryItem(item_id, text, tier, source=source, position=float(position)))
    return items
