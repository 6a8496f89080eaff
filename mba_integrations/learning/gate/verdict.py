"""`judge`: whether settings are proposed in place of those of now, by what is held out.

The gain is in needed weight kept for each 1,000 tokens. In the share kept it could never show on a
log of one's own: feedback is of memories that were in a prompt, so what a log knows to be needed,
its prompts had. With fewer tokens for the same evidence it shows, and with more evidence as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from mba_integrations.learning.gate.bootstrap import ROUNDS, Interval
from mba_integrations.learning.gate.comparison import Comparison, compare
from mba_integrations.learning.gate.outcomes import Outcome

LEAST_ALLOCATIONS = 300
LEAST_POSITIVES = 50
LEAST_SESSIONS = 10
"""Held out: with fewer the interval of the bootstrap is narrower than it says."""
MOST_LOST_POINTS = 1.0
MOST_COST_RISE = 0.05
MOST_STABILITY_LOSS = 0.02


class Answer(StrEnum):
    """What the proof comes to."""

    PROPOSAL = "proposal"
    """The gain is above 0 with 95 % confidence, and every constraint holds."""
    NO_GAIN = "no_gain"
    """The gain may be none."""
    NOT_ENOUGH = "not_enough"
    """There is too little to say anything."""
    CONSTRAINT_BROKEN = "constraint_broken"
    """The gain costs something that it must not cost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """An answer with its grounds.

    Attributes:
        answer: It.
        reasons: Why, a sentence each; what is missing, or what broke.
        comparison: The tried settings beside those of now, on what is held out; None where that is
            not enough.
        beside: The tried settings beside others, by their names.
    """

    answer: Answer
    reasons: tuple[str, ...]
    comparison: Comparison | None = None
    beside: Mapping[str, Comparison] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**asdict(self), "answer": self.answer.value, "reasons": list(self.reasons)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """How much a proof stands on, older part and newer part together.

    Attributes:
        allocations: How many were decided again.
        positives: How many memories in them are known to be needed.
    """

    allocations: int
    positives: int


def judge(
    now: Sequence[Outcome],
    tried: Sequence[Outcome],
    *,
    known: Known,
    beside: Mapping[str, Sequence[Outcome]] | None = None,
    seed: int = 0,
    rounds: int = ROUNDS,
) -> Verdict:
    """Whether the tried settings are proposed.

    Args:
        now: Outcomes of the held-out allocations under the settings of now.
        tried: Of the same allocations under those that are tried.
        known: How much there is in all.
        beside: Of the same allocations under others that are reported beside, by name.
        seed: Of the bootstrap.
        rounds: Of the bootstrap.

    Raises:
        InputError: If the outcomes are not of the same allocations.
    """
    too_little = not_enough(known, len({one.session for one in now}))
    if too_little is not None:
        return too_little
    found = compare(now, tried, seed=seed, rounds=rounds)
    answer, reasons = _answer(found)
    return Verdict(
        answer=answer,
        reasons=reasons,
        comparison=found,
        beside={
            name: compare(other, tried, seed=seed, rounds=rounds)
            for name, other in (beside or {}).items()
        },
    )


def not_enough(known: Known, newer_sessions: int) -> Verdict | None:
    """The verdict on too little to say anything; None where there is enough.

    Args:
        known: How much there is in all.
        newer_sessions: How many sessions are held out.
    """
    missing = tuple(_missing(known, newer_sessions))
    return Verdict(answer=Answer.NOT_ENOUGH, reasons=missing) if missing else None


def _missing(known: Known, newer_sessions: int) -> Iterator[str]:
    return missing(
        ("allocations", known.allocations, LEAST_ALLOCATIONS),
        ("memories known to be needed", known.positives, LEAST_POSITIVES),
        ("newer sessions to test on", newer_sessions, LEAST_SESSIONS),
    )


def missing(*counts: tuple[str, int, int]) -> Iterator[str]:
    """A sentence for each count that is too small: what is counted, how many, and the least."""
    for what, count, least in counts:
        if count < least:
            yield f"{count:,} of {least:,} {what}: {least - count:,} are missing."


def _answer(found: Comparison) -> tuple[Answer, tuple[str, ...]]:
    return answered(found.gain, "needed", broken_by(found))


def answered(gain: Interval, what: str, broken: tuple[str, ...]) -> tuple[Answer, tuple[str, ...]]:
    """An answer with its reasons, where there is enough to give one.

    Args:
        gain: For each 1,000 tokens.
        what: Is gained.
        broken: Constraints that break, a sentence each.
    """
    if gain.low > 0.0 and broken:
        return Answer.CONSTRAINT_BROKEN, broken
    said = (
        f"{gain.value:+.3f} {what} for each 1,000 tokens, 95 % interval {gain.low:+.3f} to "
        f"{gain.high:+.3f}."
    )
    return Answer.PROPOSAL if gain.low > 0.0 else Answer.NO_GAIN, (said,)


def broken_by(found: Comparison) -> tuple[str, ...]:
    """What a choice costs that it must not cost, a sentence each; nothing where that is nothing."""
    return (*_lost(found), *broken_costs(found.before, found.after))


def _lost(found: Comparison) -> Iterator[str]:
    for workspace_id, points in found.workspace_points.items():
        if points < -MOST_LOST_POINTS:
            yield (
                f"workspace {workspace_id!r} loses {-points:.1f} points of the evidence, "
                f"{MOST_LOST_POINTS:g} is the most."
            )


class Costs(Protocol):
    """What prompts cost besides the evidence that they lack; see `Side`."""

    @property
    def mean_cost(self) -> float:
        """Of a prompt."""

    @property
    def stability(self) -> float | None:
        """Of prompts that follow another one, the part shared with it."""

    @property
    def unfit(self) -> int:
        """How many prompts do not fit their budget."""


def broken_costs(before: Costs, after: Costs) -> Iterator[str]:
    """What a choice costs that it must not cost, whatever evidence it keeps; a sentence each."""
    if after.unfit > before.unfit:
        yield f"{after.unfit:,} prompts do not fit their budget, now {before.unfit:,}."
    if after.mean_cost > before.mean_cost * (1.0 + MOST_COST_RISE):
        yield (
            f"a prompt costs {after.mean_cost:,.1f}, now {before.mean_cost:,.1f}; "
            f"{MOST_COST_RISE:.0%} more is the most."
        )
    if before.stability is not None and after.stability is not None:
        least = before.stability - MOST_STABILITY_LOSS
        if after.stability < least:
            yield f"stability is {after.stability:.3f}, {least:.3f} is the least."
