"""`judge_arms`: whether changed settings are proposed, by live recalls dealt out to two arms.

Both arms have feedback on their own prompts, so what the usual settings never brought counts as
well. All recalls of an arm are counted, also those of which nothing was said: an answer that needs
nothing of its prompt often says nothing of it, and a worse prompt gets more of those.

The arms are two samples, not pairs: their sessions are drawn each by themselves. So chance moves
cost and stability of one arm as well, and what they lose counts where it is sure. Before proposed
settings hold, the shadow compares both on the same recalls, without that chance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mba_integrations.core.arrays import FloatArray
from mba_integrations.learning.gate.bootstrap import ROUNDS, Interval, interval_between
from mba_integrations.learning.gate.comparison import PER_TOKENS
from mba_integrations.learning.gate.verdict import (
    LEAST_ALLOCATIONS,
    LEAST_POSITIVES,
    LEAST_SESSIONS,
    MOST_COST_RISE,
    MOST_LOST_POINTS,
    MOST_STABILITY_LOSS,
    Answer,
    answered,
    missing,
)

_USEFUL, _TOKENS, _RECALLS, _COST, _STABLE, _FOLLOWING = range(6)
"""Columns of sums over a session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was seen of one recall, in numbers.

    Attributes:
        session: What it was dealt out by: its session, or its question outside of one.
        used_tokens: Of the prompt.
        budget_tokens: That memory could use.
        cost: Of the prompt, in any unit.
        stable_prefix_tokens: That the prompt shares with the one before it; None if there is none.
        useful: Weight of the memories in it that were of use; 0 where nobody said anything.
        positives: How many those are.
        is_judged: Whether somebody said something of its memories.
        liked: Whether a person liked the whole prompt; None where nobody said.
    """

    session: str
    used_tokens: int
    budget_tokens: int
    cost: float
    stable_prefix_tokens: int | None = None
    useful: float = 0.0
    positives: int = 0
    is_judged: bool = False
    liked: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmFigures:
    """What came of one arm, over all its recalls.

    Attributes:
        recalls: How many.
        judged: Of how many somebody said something of the memories.
        sessions: In how many sessions; a question outside of one counts as one.
        positives: How many memories were of use.
        useful_per_1000_tokens: Weight of useful memories for each 1,000 tokens of prompts.
        useful_weight: Of a prompt.
        mean_used_tokens: Of a prompt.
        mean_cost: Of a prompt.
        stability: Of prompts that follow another one, the part shared with it, in [0, 1]; None
            where none does.
        unfit: How many prompts do not fit their budget.
        liked: Of prompts that a person judged, the part that was liked, in [0, 1]; None where none
            was judged.
    """

    recalls: int
    judged: int
    sessions: int
    positives: int
    useful_per_1000_tokens: float
    useful_weight: float
    mean_used_tokens: float
    mean_cost: float
    stability: float | None
    unfit: int
    liked: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arms:
    """Both arms side by side.

    Attributes:
        usual: With the settings of the workspace.
        changed: With the changes.
        gain: In useful weight for each 1,000 tokens. None while the experiment runs, as all that
            follows: who looks again and again finds a gain by chance.
        useful_rise: Of the useful weight of a prompt, as a part of the usual arm's.
        cost_rise: Of the cost of a prompt, likewise.
        stability_change: Of the stability; None also where no prompt of an arm follows another.
    """

    usual: ArmFigures
    changed: ArmFigures
    gain: Interval | None = None
    useful_rise: Interval | None = None
    cost_rise: Interval | None = None
    stability_change: Interval | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ArmsVerdict:
    """An answer with its grounds.

    Attributes:
        answer: It.
        reasons: Why, a sentence each; what is missing, or what broke.
        arms: Both arms.
    """

    answer: Answer
    reasons: tuple[str, ...]
    arms: Arms

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "answer": self.answer.value, "reasons": list(self.reasons)}


def so_far(usual: Sequence[Sent], changed: Sequence[Sent], *, wanted: int) -> ArmsVerdict:
    """What is known of an experiment that goes on.

    Args:
        usual: Recalls of the usual arm.
        changed: Of the changed one.
        wanted: How many judged recalls it is to have.
    """
    arms = Arms(usual=_figures(usual), changed=_figures(changed))
    judged = arms.usual.judged + arms.changed.judged
    reason = f"{judged:,} of {wanted:,} recalls have feedback on their memories."
    return ArmsVerdict(answer=Answer.NOT_ENOUGH, reasons=(reason,), arms=arms)


def judge_arms(
    usual: Sequence[Sent], changed: Sequence[Sent], *, seed: int = 0, rounds: int = ROUNDS
) -> ArmsVerdict:
    """Whether the changed settings are proposed.

    Args:
        usual: Recalls of the usual arm.
        changed: Of the changed one.
        seed: Of the bootstrap.
        rounds: Of the bootstrap.
    """
    arms = Arms(usual=_figures(usual), changed=_figures(changed))
    lacking = tuple(_missing(arms.usual, arms.changed))
    if lacking:
        return ArmsVerdict(answer=Answer.NOT_ENOUGH, reasons=lacking, arms=arms)
    sums = _sums(usual), _sums(changed)

    def found(figure: Callable[[FloatArray, FloatArray], FloatArray]) -> Interval:
        return interval_between(*sums, figure, seed=seed, rounds=rounds)

    follow = arms.usual.stability is not None and arms.changed.stability is not None
    gain = found(_gain)
    arms = replace(
        arms,
        gain=gain,
        useful_rise=found(_useful_rise),
        cost_rise=found(_cost_rise),
        stability_change=found(_stability_change) if follow else None,
    )
    answer, reasons = answered(gain, "useful weight", tuple(_broken(arms)))
    return ArmsVerdict(answer=answer, reasons=reasons, arms=arms)


def _missing(usual: ArmFigures, changed: ArmFigures) -> Iterator[str]:
    return missing(
        ("recalls with feedback", usual.judged + changed.judged, LEAST_ALLOCATIONS),
        ("memories known to be of use", usual.positives + changed.positives, LEAST_POSITIVES),
        ("sessions with the usual settings", usual.sessions, LEAST_SESSIONS),
        ("sessions with the changed settings", changed.sessions, LEAST_SESSIONS),
    )


def _broken(arms: Arms) -> Iterator[str]:
    usual, changed = arms.usual, arms.changed
    if _part(changed.unfit, changed.recalls) > _part(usual.unfit, usual.recalls):
        yield (
            f"{changed.unfit:,} of {changed.recalls:,} prompts do not fit their budget, with the "
            f"usual settings {usual.unfit:,} of {usual.recalls:,}."
        )
    useful, cost, stability = arms.useful_rise, arms.cost_rise, arms.stability_change
    if useful is not None and 100.0 * useful.value < -MOST_LOST_POINTS:
        yield (
            f"a prompt has {-useful.value:.1%} less useful weight, {MOST_LOST_POINTS:g}% is the "
            "most."
        )
    if cost is not None and cost.low > MOST_COST_RISE:
        yield f"a prompt costs at least {cost.low:.1%} more, {MOST_COST_RISE:.0%} is the most."
    if stability is not None and stability.high < -MOST_STABILITY_LOSS:
        yield (
            f"stability falls by at least {-stability.high:.3f}, {MOST_STABILITY_LOSS:g} is the "
            "most."
        )


def _figures(sent: Sequence[Sent]) -> ArmFigures:
    liked = [one.liked for one in sent if one.liked is not None]
    following = [one for one in sent if one.stable_prefix_tokens is not None]
    tokens = sum(one.used_tokens for one in sent)
    useful = sum(one.useful for one in sent)
    shared = sum(one.stable_prefix_tokens or 0 for one in following)
    return ArmFigures(
        recalls=len(sent),
        judged=sum(one.is_judged for one in sent),
        sessions=len({one.session for one in sent}),
        positives=sum(one.positives for one in sent),
        useful_per_1000_tokens=PER_TOKENS * _part(useful, tokens),
        useful_weight=_part(useful, len(sent)),
        mean_used_tokens=_part(tokens, len(sent)),
        mean_cost=_part(sum(one.cost for one in sent), len(sent)),
        stability=_part_or_none(shared, sum(one.used_tokens for one in following)),
        unfit=sum(one.used_tokens > one.budget_tokens for one in sent),
        liked=_part_or_none(sum(liked), len(liked)),
    )


def _part(of: float, whole: float) -> float:
    return of / whole if whole else 0.0


def _part_or_none(of: float, whole: float) -> float | None:
    return of / whole if whole else None


def _sums(sent: Sequence[Sent]) -> FloatArray:
    """Sums over each session, shape (s, 6)."""
    found: dict[str, FloatArray] = {}
    for one in sent:
        stable = one.stable_prefix_tokens
        follows = (0, 0) if stable is None else (stable, one.used_tokens)
        row = found.setdefault(one.session, np.zeros(_FOLLOWING + 1))
        row += (one.useful, one.used_tokens, 1.0, one.cost, *follows)
    return np.array(list(found.values()))


def _gain(usual: FloatArray, changed: FloatArray) -> FloatArray:
    before, after = (_ratio(one, _USEFUL, _TOKENS) for one in (usual, changed))
    return PER_TOKENS * (after - before)


def _useful_rise(usual: FloatArray, changed: FloatArray) -> FloatArray:
    return _rise(*(_ratio(one, _USEFUL, _RECALLS) for one in (usual, changed)))


def _cost_rise(usual: FloatArray, changed: FloatArray) -> FloatArray:
    return _rise(*(_ratio(one, _COST, _RECALLS) for one in (usual, changed)))


def _stability_change(usual: FloatArray, changed: FloatArray) -> FloatArray:
    before, after = (_ratio(one, _STABLE, _FOLLOWING) for one in (usual, changed))
    return after - before


def _rise(before: FloatArray, after: FloatArray) -> FloatArray:
    return np.divide(after - before, before, out=np.zeros_like(before), where=before > 0.0)


def _ratio(sums: FloatArray, above: int, below: int) -> FloatArray:
    whole = sums[:, below]
    return np.divide(sums[:, above], whole, out=np.zeros_like(whole), where=whole > 0.0)
