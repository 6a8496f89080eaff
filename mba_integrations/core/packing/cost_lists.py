"""What tiers can be worth at which cost, and how two such lists become one.

A list holds only states that no cheaper one equals or beats. Merging looks at all pairs, or at
those of least slack where there are more than a limit: slack is what a state loses against the
bound, so what is left out loses at least the slack that is returned as the new reach.

O(pairs) for `all_pairs`; the last merge needs one best state only, so `best_pairs` is
O(states x log states).

Five items in two tiers. A holds a (value 8, 4 tokens) and b (3, 3), B holds c (9, 3), d (4, 4) and
e (1, 2); 4 tokens are kept for each, and are charged where less is used. So A costs 4 for a, 7 for
both; B costs 4 for c, 5 with e, 7 with d, 9 with both. What the two can be worth within 11 tokens:

>>> a = CostList(np.array([4.0, 7.0]), np.array([8.0, 11.0]), np.zeros(2))
>>> b = CostList(np.array([4.0, 5.0, 7.0, 9.0]), np.array([9.0, 10.0, 13.0, 14.0]), np.zeros(4))
>>> both = all_pairs(a, b, limit=11.0, gap=0.0)
>>> list(zip(both.cost.tolist(), both.value.tolist()))
[(8.0, 17.0), (9.0, 18.0), (11.0, 21.0)]

A with b and B at home would cost 11 as well, and is worth 20: a cheaper or equal state beats it.

Source: Nemhauser and Ullmann, *Discrete dynamic programming and capital allocation* (Management
Science 15, 1969), for lists of undominated states.
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
        parts: For merged tiers: the two lists, and the state of each that is meant, shapes (n,).
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

    def take(self, states: IntArray) -> CostList:
        """Some of the states, by their numbers."""
        parts = self.parts
        if parts is not None:
            (left, left_states), (right, right_states) = parts
            parts = (left, left_states[states]), (right, right_states[states])
        core = None if self.core_tokens is None else self.core_tokens[states]
        return CostList(self.cost[states], self.value[states], self.slack[states], core, parts)

    def undominated(self) -> CostList:
        """Without states that a cheaper one equals or beats."""
        order = np.argsort(self.cost, kind="stable")
        value = self.value[order]
        # A state stays if it is worth more than the most of all before it. Of equal cost the one
        # that stands first is kept too, if the next is worth more: it does no harm.
        rises = np.empty(len(value), dtype=np.bool_)
        rises[:1] = True
        np.greater(value[1:], np.maximum.accumulate(value)[:-1], out=rises[1:])
        return self.take(order[rises])


def shortened(
    left: CostList, right: CostList, reach: float, most: int
) -> tuple[CostList, CostList, float]:
    """Both lists cut to the states of least slack where there are more than `most` pairs.

    Args:
        left: One list.
        right: The other.
        reach: What a choice that is in neither list loses at least.
        most: Most pairs.

    Returns:
        The two lists, and the reach with what was cut.
    """
    if len(left) * len(right) <= most:
        return left, right, reach
    # The square root for each, and more for one where the other is shorter than that.
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
    of_left, of_right = np.nonzero((cost <= limit) & (slack <= gap))
    value = left.value[of_left] + right.value[of_right]
    cost, slack = cost[of_left, of_right], slack[of_left, of_right]
    return CostList(cost, value, slack, parts=((left, of_left), (right, of_right))).undominated()


def best_pairs(left: CostList, right: CostList, limit: float) -> CostList:
    """For each state of `left` the best of `right` that fits beside it.

    Values rise with costs, so the best that fits is the dearest that fits.
    """
    dearest = np.searchsorted(right.cost, limit - left.cost, side="right") - 1
    of_left = np.flatnonzero(dearest >= 0)
    of_right = dearest[of_left]
    return CostList(
        left.cost[of_left] + right.cost[of_right],
        left.value[of_left] + right.value[of_right],
        left.slack[of_left] + right.slack[of_right],
        parts=((left, of_left), (right, of_right)),
    )


def unwound(merged: CostList, state: int) -> list[int]:
    """Core tokens of each tier, in the order in which the lists were merged."""
    found = []
    while merged.parts is not None:
        # The right list is always of one tier, the left one of all that were merged before.
        (left, left_states), (right, right_states) = merged.parts
        found.append(_own(right, int(right_states[state])))
        merged, state = left, int(left_states[state])
    return [_own(merged, state), *reversed(found)]


def _own(states: CostList, state: int) -> int:
    return int(_core_tokens(states)[state])


def _core_tokens(states: CostList) -> IntArray:
    if states.core_tokens is None:
        return np.full(len(states), AT_HOME)
    return states.core_tokens
