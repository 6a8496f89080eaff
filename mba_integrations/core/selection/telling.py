"""What tells of an exchange, where a budget is too tight for the whole of it.

An exchange comes in whole. In a budget of a hundred tokens that may be half of it, and then what
the question asks for stays out for the sake of an answer that says "Noted". So in a tight budget
items of exchanges are also chosen from one by one, and stand alone where whole exchanges cost more
than `MOST_LOST` of the value. The newest exchange and rounds of tool calls stay whole.

A budget of 30 tokens, a question of 20 tokens worth 0.6 with its answer of 15 worth 0, and a note
of 15 tokens worth 0.1. The exchange does not fit, so the note comes in with 0.1; apart the question
does, with 0.6.

One more selection, of budgets below `TIGHT_TOKENS` alone.
"""

from __future__ import annotations

import numpy as np

from mba_integrations.core.selection.continuation import NOTHING_BEFORE, Continuation
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.select import Selection, select

TIGHT_TOKENS = 512
"""From here on an eighth of the budget is an exchange of two sentences."""
MOST_LOST = 0.1
"""Part of the value that whole exchanges may cost."""


def select_with_talk(
    problem: SelectionProblem, after: Continuation = NOTHING_BEFORE
) -> tuple[SelectionProblem, Selection]:
    """The selection, with the problem that it was made from."""
    selection = select(problem, after)
    if problem.plan.total_tokens >= TIGHT_TOKENS or not _has_exchanges(problem):
        return problem, selection
    loose = problem.with_exchanges_apart()
    telling = select(loose, after)
    if selection.value >= (1.0 - MOST_LOST) * telling.value:
        return problem, selection
    return loose, telling


def _has_exchanges(problem: SelectionProblem) -> bool:
    exchange = problem.snapshot.talk.exchange
    return bool(np.any(exchange[1:] == exchange[:-1]))
