"""Cut long tool results so that an open tool round fits.

Only results are cut, in copies. Short ones stay whole: room is dealt out from the shortest result
to the longest, each time an equal part of what is left.
"""

from __future__ import annotations

from collections.abc import Mapping

from llama_index.core.base.llms.types import ChatMessage, TextBlock

from mba_integrations.core.counting.truncation import truncate
from mba_integrations.llamaindex.message_tokens import MessageTokens

CUT_MARK = "\n[… cut to fit the token budget]"


def cut_results(
    results: Mapping[int, ChatMessage], *, room_tokens: int, tokens: MessageTokens
) -> dict[int, ChatMessage]:
    """The results with their texts cut to fit.

    Args:
        results: Tool messages by their place.
        room_tokens: What they may have together, framing included. Where it does not even hold
            their framing they are returned without text.
        tokens: What counts.
    """
    left, waiting = room_tokens, len(results)
    fitted = {}
    for place, message in sorted(results.items(), key=lambda pair: tokens.of(pair[1])):
        fitted[place] = _cut(message, max(0, left) // waiting, tokens)
        left -= tokens.of(fitted[place])
        waiting -= 1
    return fitted


def _cut(message: ChatMessage, max_tokens: int, tokens: MessageTokens) -> ChatMessage:
    """*message* if it fits, else a copy with one text block that does."""
    if tokens.of(message) <= max_tokens:
        return message
    others = [block for block in message.blocks if not isinstance(block, TextBlock)]
    for blocks in (others, []):
        bare = message.model_copy(update={"blocks": [*blocks, TextBlock(text="")]})
        room = max_tokens - tokens.of(bare)
        if room > 0:
            break
    text = _beginning(message.content or "", room, tokens)
    return message.model_copy(update={"blocks": [*blocks, TextBlock(text=text)]})


def _beginning(text: str, max_tokens: int, tokens: MessageTokens) -> str:
    """The longest beginning that fits with a mark that it was cut; without it in little room."""
    mark = tokens.counter.count(CUT_MARK)
    if max_tokens <= mark:
        return truncate(tokens.counter, text, max(0, max_tokens))[0]
    room = max_tokens - mark
    while room > 0:
        cut = truncate(tokens.counter, text, room)[0] + CUT_MARK
        over = tokens.counter.count(cut) - max_tokens
        if over <= 0:
            return cut
        room -= over
    return ""
