"""What of an exchange is kept or left out together.

An exchange comes in whole as long as it is small beside the budget. Of a larger one each round of
tool calls is whole. What is said without tools stays together where messages are sent, since a
question would stand there unanswered; in the text of a prompt each item of it comes in on its own.

A long answer is a document of its own: with exchanges of up to an eighth of the budget whole,
whatever their size, labelled messages of beam-100k, whose exchanges have a thousand tokens, came in
2 points less often at 4,096 tokens and more at 8,192.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mba_integrations.core.dialogue.exchanges import Exchange

_SMALL_PART = 8
"""A small exchange has at most an eighth of the budget."""
_LEAST_SMALL_TOKENS = 64
"""Two sentences are small beside any budget."""
MOST_SMALL_TOKENS = 256
"""A question with an answer of a paragraph or two."""


def small_exchange_tokens(budget_tokens: int) -> int:
    """Tokens up to which an exchange comes in whole: a power of two, so that a budget which changes
    a little changes nothing.

    >>> small_exchange_tokens(100_000), small_exchange_tokens(1_100), small_exchange_tokens(100)
    (256, 128, 64)
    """
    part = max(budget_tokens // _SMALL_PART, _LEAST_SMALL_TOKENS)
    return min(1 << (part.bit_length() - 1), MOST_SMALL_TOKENS)


def parts_of(
    exchange: Exchange, tokens_of: Callable[[Sequence[int]], int], small_tokens: int
) -> list[tuple[int, ...]]:
    """Places that stay together where messages are sent, in no order.

    Args:
        exchange: The exchange.
        tokens_of: What messages at some places cost.
        small_tokens: Up to how many tokens it is whole.

    >>> from mba_integrations.core.dialogue.exchanges import Round
    >>> rounds = (Round(call=1, results=(2,)),)
    >>> exchange = Exchange(start=0, end=4, has_question=True, talk=(0, 3), rounds=rounds)
    >>> parts_of(exchange, len, 4), parts_of(exchange, len, 3)
    ([(0, 1, 2, 3)], [(0, 3), (1, 2)])
    """
    if tokens_of(exchange.places) <= small_tokens:
        return [exchange.places]
    return [exchange.talk, *rounds_of(exchange)]


def rounds_of(exchange: Exchange) -> list[tuple[int, ...]]:
    """Places of each round of tool calls."""
    return [one.places for one in exchange.rounds]
