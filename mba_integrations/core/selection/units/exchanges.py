"""Which items stay together because of what is said, and which come in before others.

An exchange of a talk is a unit if it is small beside the budget, each round of tool calls in a
larger one. The newest exchange is a unit up to its own share of the budget, and then it comes in
before anything else is chosen. Groups of the caller stay as they are: one that lies within an
exchange is a part of it, the items of any other are of no exchange. Pinned items and their groups
are in the prompt anyway.

A budget of 1,100 tokens, so an exchange of up to 128 is small, and 250 for the newest, a quarter of
what there is beyond the first hundred:

    row        0     1     2     3     4     5     6
    role       user  asst  user  asst  tool  user  asst
    tokens     20    30    40    90    50    30    120
    exchange   0     0     1     1     1     2     2
    together   a     a           b     b     c     c

Exchange 1 has 180 tokens, so its question is on its own and its round stays together. Exchange 2 is
larger than 128, but it is the newest and has its share: it comes in first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import BoolArray, FloatArray, IntArray
from mba_integrations.core.budget.plan import BudgetPlan
from mba_integrations.core.dialogue.parts import small_exchange_tokens
from mba_integrations.core.dialogue.talk import Talk
from mba_integrations.core.pool.columns import Columns
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn

_NO_ROWS: IntArray = np.zeros(0, dtype=np.int64)
_TIGHT_TOKENS = 100
"""The newest exchange has its share of what the budget has beyond these. With a share of all of it,
a fifth of a budget of a hundred tokens, needed items of sixty situations made by hand came in 3
points less often."""


@dataclass(frozen=True, slots=True)
class Together:
    """What stays together of n items.

    Attributes:
        label: Items of the same label stay together; -1 for an item on its own, shape (n,). None
            where every item is.
        recent: Rows that come in before others are chosen.
    """

    label: IntArray | None
    recent: IntArray


def kept_together(
    snapshot: PoolSnapshot,
    column: TokenColumn,
    plan: BudgetPlan,
    *,
    fixed_tokens: int,
    recent_share: float,
    apart: bool = False,
) -> Together:
    """Groups, exchanges and rounds of tool calls.

    Args:
        snapshot: The items.
        column: Their tokens.
        plan: The budget.
        fixed_tokens: What a prompt costs besides items and headings.
        recent_share: Part of the budget beyond its first hundred tokens that the newest exchange
            may have before others, in [0, 1].
        apart: Whether only the newest exchange is whole.
    """
    talk, columns = snapshot.talk, snapshot.columns
    groups = columns.group if snapshot.has_groups else None
    if not len(talk.rows):
        return Together(groups, _NO_ROWS)
    members = _Members(columns, talk)
    most = _most_alone(columns, column, plan, fixed_tokens)
    recent = members.with_groups(talk.newest)
    share = np.minimum(most, recent_share * max(plan.total_tokens - _TIGHT_TOKENS, 0))
    if not _fit(columns, column, recent, share):
        recent = _NO_ROWS
    small = np.minimum(most, 0 if apart else small_exchange_tokens(plan.total_tokens))
    whole = _small(columns, column, talk, members.free, small)
    whole |= np.isin(talk.rows, recent) & members.free
    label = columns.group.copy()
    _label(label, talk.rows[whole], talk.exchange[whole])
    in_rounds = members.whole_rounds(~whole)
    _label(label, talk.rows[in_rounds], talk.round[in_rounds])
    return Together(label, recent)


def _label(label: IntArray, rows: IntArray, number: IntArray) -> None:
    """Give rows the label of their number, which nothing else has."""
    label[rows] = number + int(label.max(initial=-1)) + 1


class _Members:
    """Which items of a talk may be taken together.

    Attributes:
        free: Those that are not pinned, and whose group lies within their exchange, shape (k,).
    """

    def __init__(self, columns: Columns, talk: Talk) -> None:
        self._columns, self._talk = columns, talk
        rows, group = talk.rows, columns.group
        self._stays = _pinned(columns)
        of_rows = np.full(len(group), -1, dtype=np.int64)
        of_rows[rows] = talk.exchange
        within = ~self._stays & (of_rows >= 0)
        grouped = np.flatnonzero(group >= 0)
        if len(grouped):
            lowest = np.full(int(group.max()) + 1, len(group))
            highest = np.full(len(lowest), -2)
            np.minimum.at(lowest, group[grouped], of_rows[grouped])
            np.maximum.at(highest, group[grouped], of_rows[grouped])
            within[grouped] &= (lowest == highest)[group[grouped]]
        self.free: BoolArray = within[rows]

    def with_groups(self, rows: IntArray) -> IntArray:
        """Rows that are not pinned, with the others of their groups."""
        rows = rows[~self._stays[rows]]
        groups = np.unique(self._columns.group[rows])
        others = np.isin(self._columns.group, groups[groups >= 0])
        return np.union1d(rows, np.flatnonzero(others))

    def whole_rounds(self, apart: BoolArray) -> BoolArray:
        """Which items are of a round that is apart as a whole and that no group or pin cuts."""
        talk, columns = self._talk, self._columns
        if talk.round.max(initial=-1) < 0:
            return np.zeros(len(talk.rows), dtype=bool)
        in_round = talk.round >= 0
        bad = ~apart | self._stays[talk.rows] | (columns.group[talk.rows] >= 0)
        cut = np.bincount(talk.round[in_round], weights=bad[in_round]) > 0
        return in_round & ~cut[np.maximum(talk.round, 0)]


def _pinned(columns: Columns) -> BoolArray:
    """Items that are pinned, or whose group is, shape (n,)."""
    groups = columns.group[columns.pinned]
    return columns.pinned | np.isin(columns.group, groups[groups >= 0])


def _most_alone(
    columns: Columns, column: TokenColumn, plan: BudgetPlan, fixed_tokens: int
) -> FloatArray:
    """Tokens that a unit of each tier could have if it were alone beside the pins, shape (4,)."""
    pins = np.flatnonzero(_pinned(columns))
    paid = np.bincount(columns.tier[pins], weights=column.of(pins), minlength=len(column.opening))
    limit = plan.tier_cap_tokens if plan.borrowing else plan.tier_tokens
    beside = plan.total_tokens - fixed_tokens - paid.sum() - column.opening
    most: FloatArray = np.minimum(limit - paid - column.opening, beside)
    return most


def _fit(columns: Columns, column: TokenColumn, rows: IntArray, limit: FloatArray) -> bool:
    """Whether rows have at most the tokens that their tier is left; not where there are none."""
    return len(rows) > 0 and float(column.of(rows).sum()) <= float(limit[columns.tier[rows[0]]])


def _small(
    columns: Columns, column: TokenColumn, talk: Talk, free: BoolArray, limit: FloatArray
) -> BoolArray:
    """Which items are of an exchange of two or more that has at most the limit of its tier.

    Only exchanges that could be are counted.
    """
    limits = limit[columns.tier[talk.rows]]
    may_be = _under(talk, free, column.at_least(talk.rows, limits), limits)
    tokens = np.zeros(len(talk.rows))
    tokens[may_be] = column.of(talk.rows[may_be])
    return _under(talk, may_be, tokens, limits)


def _under(
    talk: Talk, among: BoolArray, tokens: IntArray | FloatArray, limits: FloatArray
) -> BoolArray:
    """Which of *among* are of an exchange that has two of them or more, within its limit."""
    exchange = talk.exchange[among]
    several = np.bincount(exchange, minlength=1) > 1
    sums = np.bincount(exchange, weights=tokens[among], minlength=1)
    under = among.copy()
    under[among] = several[exchange] & (sums[exchange] <= limits[among])
    return under
