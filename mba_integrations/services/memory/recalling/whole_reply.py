"""A recall whose budget is that of the whole reply as its caller writes it.

    budget 400   prompt of 400 -> written 520, 120 over
                 prompt of 280 -> written 396, fits

What is written around the prompt costs tokens, and so does writing the prompt as a text of JSON.
How many depends on the prompt, so it is chosen again with less until the count of the whole fits.
The memories are looked up once; only the reply that is given leaves a trail.
"""

from __future__ import annotations

from collections.abc import Callable

from mba_integrations.core.arguments import checked_tokens
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.recalling.reply import RecallReply

Written = Callable[[RecallReply], str]
"""How a caller writes a reply, whole."""
MOST_TRIES = 8


def fitting_reply(
    budget: int | None, recalled: Callable[[int], RecallReply], written: Written
) -> RecallReply:
    """The reply whose writing fits.

    Args:
        budget: Tokens that the whole may have.
        recalled: The reply with a prompt of at most so many tokens.
        written: How the whole is written.

    Raises:
        InputError: If even a reply without memories is larger.
    """
    if budget is None:
        raise InputError("a budget for the whole reply needs budget_tokens.")
    tokens = checked_tokens("budget_tokens", budget)
    for tries_left in reversed(range(MOST_TRIES)):
        reply = recalled(tokens)
        whole = reply.allocation.decided.problem.counter.count(written(reply))
        if whole <= budget:
            return reply
        if tokens == 1:
            break
        tokens = max(1, tokens - (whole - budget)) if tries_left > 1 else 1
    raise InputError(
        f"budget_tokens is {budget:,}, and the reply around the prompt needs {whole:,}. "
        "Raise it, or ask for a budget of the prompt alone."
    )
