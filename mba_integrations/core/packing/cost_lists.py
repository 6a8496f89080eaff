"""What tiers can be worth at which cost, and how two such lists become one.

A list holds only states that no cheaper one equals or beats. Merging looks at all pairs, or at
those of least slack where there are more than a limit.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mba_integrations.core.arrays import FloatArray, IntArray

AT_HOME = -1
"""Core tokens of the state in which a tier stays within its guarantee."""


class CostList:
    """What one tier or several can be worth at which cost, by rising cost and rising value.

    Args:
        cost: Charged to the shared budget, shape (n,).
        value: Shape (n,).
        slack: How far value less cost at the price stays below its bound, shape (n,).
        core_tokens: For one tier: tokens from its core, or -1 at home, shape (n,).
        parts: For merged tiers: the two lists, and the row in each, shapes (n,).
    """

    __slots__ = ("core_tokens", "cost", "parts", "slack", "value")

    def __init__(
        self,
        cost: FloatArray,
        value: FloatArray,
        slack: FloatArray,
        core_tokens: IntArray | None = None,
        parts: tuple[tuple[CostList, IntArray], tuple[CostList, IntArray]] | None = None,
    ) -> None:
        self.cost, self.value, self.slack = cost, value, slack
        self.core_tokens, self.parts = core_tokens, parts

    def __len__(self) -> int:
        return len(self.cost)

    @classmethod
    def joined(cls, lists: Sequence[CostList]) -> CostList:
        """The states of several lists of one tier, undominated."""
        return cls(
            np.concatenate([states.cost for states in lists]),
            np.concatenate([states.value for states in lists]),
            np.concatenate([states.slack for states in lists]),
            np.concatenate([_core_tokens(states) for states in lists]),
        ).undominated()

    def take(self, rows: IntArray) -> CostList:
        """The states at *rows*."""
        parts = self.parts
        if parts is not None:
            (left, left_rows), (right, right_rows) = parts
            parts = (left, left_rows[rows]), (right, right_rows[rows])
        core = None if self.core_tokens is None else self.core_tokens[rows]
        return CostList(self.cost[rows], self.value[rows], self.slack[rows], core, parts)

    def undominated(self) -> CostList:
        """Without states that a cheaper one equals or beats."""
        order = np.argsort(self.cost, kind="stable")
        value = self.value[order]
        rises = np.empty(len(value), dtype=np.bool_)
        rises[:1] = True
        np.greater(value[1:], np.maximum.accumulate(value)[:-1], out=rises[1:])
        return self.take(order[rises])


def shortened(
    left: CostList, right: CostList, reach: float, most: int
) -> tuple[CostList, CostList, float]:
    """Both lists cut to the states of least slack where there are more than `most` pairs."""
    if len(left) * len(right) <= most:
        return left, right, reach
    side = int(most**0.5)
    left, left_lost = _least_slack(left, max(side, most // len(right)))
    right, right_lost = _least_slack(right, max(side, most // len(left)))
    return left, right, min(reach, left_lost, right_lost)


def _least_slack(states: CostList, count: int) -> tuple[CostList, float]:
    if len(states) <= count:
        return states, np.inf
    order = np.argsort(states.slack, kind="stable")
    return states.take(np.sort(order[:count])), float(states.slack[order[count]])


def all_pairs(left: CostList, right: CostList, limit: float, gap: float) -> CostList:
    """All undominated sums of two lists within `limit` and `gap`."""
    cost = left.cost[:, None] + right.cost
    slack = left.slack[:, None] + right.slack
    rows, columns = np.nonzero((cost <= limit) & (slack <= gap))
    value = left.value[rows] + right.value[columns]
    parts = (left, rows), (right, columns)
    return CostList(cost[rows, columns], value, slack[rows, columns], parts=parts).undominated()


def best_pairs(left: CostList, right: CostList, limit: float) -> CostList:
    """For each state of `left` the best of `right` that fits beside it."""
    columns = np.searchsorted(right.cost, limit - left.cost, side="right") - 1
    rows = np.flatnonzero(columns >= 0)
    columns = columns[rows]
    return CostList(
        left.cost[rows] + right.cost[columns],
        left.value[rows] + right.value[columns],
        left.slack[rows] + right.slack[columns],
        parts=((left, rows), (right, columns)),
    )


def unwound(states: CostList, row: int) -> list[int]:
    """Core tokens of each tier, in the order in which the lists were merged."""
    found = []
    while states.parts is not None:
        (left, left_rows), (right, right_rows) = states.parts
        found.append(_own(right, int(right_rows[row])))
        states, row = left, int(left_rows[row])
    return [_own(states, row), *reversed(found)]


def _own(states: CostList, row: int) -> int:
    return int(_core_tokens(states)[row])


def _core_tokens(states: CostList) -> IntArray:
    if states.core_tokens is None:
        return np.full(len(states), AT_HOME)
    return states.core_tokens
