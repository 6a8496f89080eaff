"""What the tiers' shares cost: how much more could be worth what comes in if no tier had one.

Both are packed where nothing is kept of a previous prompt, so that the difference is that of the
shares alone; caps and pins hold in both. Without borrowing a share is a limit as well, and that
counts. Two packings; nothing is written.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mba_integrations.core.selection.continuation import Continuation
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.selection.select import packed


def share_cost(problem: SelectionProblem, continuation: Continuation) -> float:
    """Value that the shares cost, at least 0.

    Args:
        problem: What was chosen from.
        continuation: What the prompt follows; see `select.packed`.
    """
    none = np.zeros(len(problem.plan.tier_tokens))
    free = replace(problem.plan, tier_tokens=none, tier_firm_tokens=none, borrowing=True)
    costs = _packed_value(problem.with_plan(free), continuation) - _packed_value(
        problem, continuation
    )
    # Where a search is cut short, or repetitions are left out, the freer one may be worth less.
    return max(0.0, costs)


def _packed_value(problem: SelectionProblem, continuation: Continuation) -> float:
    return float(problem.values(packed(problem, continuation).rows).sum())
