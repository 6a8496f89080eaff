"""Two choices of settings side by side, on the same allocations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.learning.gate.bootstrap import ROUNDS, Interval, interval
from mba_integrations.learning.gate.outcomes import COLUMNS, Outcome, sums

_PLACE = {name: place for place, name in enumerate(COLUMNS)}
_WIDTH = len(COLUMNS)
PER_TOKENS = 1000.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What came of one choice, over all allocations.

    Attributes:
        evidence: Share of the needed weight that is kept, in [0, 1]; 0 where nothing is needed.
        evidence_per_1000_tokens: Weight kept for each 1,000 tokens of prompts.
        mean_used_tokens: Of a prompt.
        mean_cost: Of a prompt.
        utilisation: Of the budgets, what is used, in [0, 1].
        stability: Of prompts that follow another one, the part shared with it, in [0, 1]; None
            where none does.
        unfit: How many prompts do not fit their budget.
    """

    evidence: float
    evidence_per_1000_tokens: float
    mean_used_tokens: float
    mean_cost: float
    utilisation: float
    stability: float | None
    unfit: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A choice beside another one.

    Attributes:
        before: The other one.
        after: The choice.
        gain: In needed weight kept for each 1,000 tokens.
        evidence_points: In the share of the needed weight that is kept, in points of 100.
        workspace_points: The same of each workspace, by its id.
    """

    before: Side
    after: Side
    gain: Interval
    evidence_points: Interval
    workspace_points: Mapping[str, float]


def compare(
    before: Sequence[Outcome], after: Sequence[Outcome], *, seed: int = 0, rounds: int = ROUNDS
) -> Comparison:
    """A choice beside another one, with intervals over sessions.

    Args:
        before: Outcomes of the other choice; at least one.
        after: Outcomes of the choice, of the same allocations, in any order.
        seed: Of the draws.
        rounds: Of the bootstrap.

    Raises:
        InputError: If the two are not of the same allocations, or of none.
    """
    _check_same(before, after)
    then, now = sums(before), sums(after)
    pairs = np.array([np.concatenate([then[one], now[one]]) for one in then])
    workspaces = np.array([one[0] for one in then])
    return Comparison(
        before=side_of(before),
        after=side_of(after),
        gain=interval(pairs, _gain, seed=seed, rounds=rounds),
        evidence_points=interval(pairs, _points, seed=seed, rounds=rounds),
        workspace_points={
            str(one): float(_points(pairs[workspaces == one].sum(axis=0, keepdims=True))[0])
            for one in dict.fromkeys(workspaces)
        },
    )


def side_of(outcomes: Sequence[Outcome]) -> Side:
    """What came of one choice.

    Args:
        outcomes: Of it; at least one.
    """
    whole = np.sum(list(sums(outcomes).values()), axis=0)
    of = {name: float(whole[place]) for name, place in _PLACE.items()}
    return Side(
        evidence=of["kept"] / of["needed"] if of["needed"] else 0.0,
        evidence_per_1000_tokens=float(_per_tokens(whole[None, :])[0]),
        mean_used_tokens=of["used_tokens"] / of["turns"],
        mean_cost=of["cost"] / of["turns"],
        utilisation=of["used_tokens"] / of["budget_tokens"] if of["budget_tokens"] else 0.0,
        stability=of["stable"] / of["following"] if of["following"] else None,
        unfit=sum(not one.fits for one in outcomes),
    )


def evidence_of(outcomes: Sequence[Outcome], *, seed: int = 0, rounds: int = ROUNDS) -> Interval:
    """Share of the needed weight that a choice keeps, in [0, 1], with its interval over sessions.

    Args:
        outcomes: Of it; at least one.
        seed: Of the draws.
        rounds: Of the bootstrap.
    """
    return interval(np.array(list(sums(outcomes).values())), _evidence, seed=seed, rounds=rounds)


def _check_same(before: Sequence[Outcome], after: Sequence[Outcome]) -> None:
    then = {(one.workspace_id, one.allocation_id): one.needed for one in before}
    now = {(one.workspace_id, one.allocation_id): one.needed for one in after}
    if not then or then != now or len(then) != len(before) or len(now) != len(after):
        raise InputError(
            "before and after must be of the same allocations, each once and with the same need, "
            f"and of at least one; got {len(before):,} and {len(after):,} outcomes."
        )


def _ratio(above: FloatArray, below: FloatArray) -> FloatArray:
    return np.divide(above, below, out=np.zeros_like(above), where=below > 0.0)


def _evidence(side: FloatArray) -> FloatArray:
    return _ratio(side[:, _PLACE["kept"]], side[:, _PLACE["needed"]])


def _gain(found: FloatArray) -> FloatArray:
    then, now = found[:, :_WIDTH], found[:, _WIDTH:]
    return _per_tokens(now) - _per_tokens(then)


def _per_tokens(side: FloatArray) -> FloatArray:
    return PER_TOKENS * _ratio(side[:, _PLACE["kept"]], side[:, _PLACE["used_tokens"]])


def _points(found: FloatArray) -> FloatArray:
    then, now = found[:, :_WIDTH], found[:, _WIDTH:]
    kept = now[:, _PLACE["kept"]] - then[:, _PLACE["kept"]]
    return 100.0 * _ratio(kept, then[:, _PLACE["needed"]])
