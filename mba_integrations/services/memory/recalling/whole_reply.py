"""A recall whose budget is that of the whole reply as its caller writes it.

    budget 400   prompt of 400 -> written 520, 120 over
                 prompt of 280 -> written 396, fits

What is written around the prompt costs tokens, and so does writing the prompt as a text of JSON.
How many depends on the prompt, so it is chosen again with less until the count of the whole fits.
The memories are looked up once; only the reply that is given leaves a trail. Who knows about how
much is written around the prompt says so, and most often needs one try.
"""

from __future__ import annotations

from collections.abc import Callable

from mba_integrations.core.arguments import checked_tokens
from mba_integrations.core.errors import InputError, PinnedOverBudgetError
from mba_integrations.services.memory.recalling.reply import RecallReply

Written = Callable[[RecallReply], str | tuple[str, ...]]
"""How a caller writes a reply, whole: as one text, or as several that are counted each."""
MOST_TRIES = 8


def fitting_reply(
    budget: int | None,
    recalled: Callable[[int], RecallReply],
    written: Written,
    *,
    around: int = 0,
) -> RecallReply:
    """The reply whose writing fits.

    Args:
        budget: Tokens that the whole may have.
        recalled: The reply with a prompt of at most so many tokens.
        written: How the whole is written.
        around: Tokens that are set aside at first for what is written around the prompt.

    Raises:
        InputError: If even a reply without memories is larger.
        PinnedOverBudgetError: If the pinned memories and what is around them do not fit.
    """
    if budget is None:
        raise InputError("a budget for the whole reply needs budget_tokens.")
    checked_tokens("budget_tokens", budget)
    tokens = max(1, budget - around)
    for tries_left in reversed(range(MOST_TRIES)):
        try:
            reply = recalled(tokens)
        except PinnedOverBudgetError as error:
            raise _pins_over(error, error.needed_tokens + max(around, 0), budget) from error
        whole = _counted(reply, written(reply))
        if whole <= budget:
            return reply
        around = whole - reply.used_tokens
        if tokens == 1:
            break
        tokens = max(1, tokens - (whole - budget)) if tries_left > 1 else 1
    raise InputError(
        f"budget_tokens is {budget:,}, and the reply around the prompt needs {whole:,}, without "
        "any memory. Raise budget_tokens."
    )


def _counted(reply: RecallReply, whole: str | tuple[str, ...]) -> int:
    parts = (whole,) if isinstance(whole, str) else whole
    return sum(reply.count(part) for part in parts)


def _pins_over(error: PinnedOverBudgetError, needed: int, budget: int) -> PinnedOverBudgetError:
    return PinnedOverBudgetError(
        f"pinned memories and what is written around them need {needed:,} tokens, budget_tokens is "
        f"{budget:,}. Ask with budget_tokens={needed}, or unpin a memory.",
        needed_tokens=needed,
        budget_tokens=budget,
    )
