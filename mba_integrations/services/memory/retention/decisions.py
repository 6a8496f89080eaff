"""What a retention policy decides on memories: which ones their tier does not keep, and why.

What is too old or too long unused goes first. If a tier still has more than it may, those of the
least score go until it has no more; equal scores, the oldest first. Pinned and held memories stay
whatever the rule, and count against the limits. Members of a group in one tier stay or go as one,
with the best of their scores. O(n log n).

    max_items 3, scores   a 0.9   b 0.1   c 0.4 (pinned)   d 0.3   e 0.2
    goes                          b                                e
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.times import SECONDS_PER_DAY, idle_days, seconds_of
from mba_integrations.services.memory.retention.rules import (
    OnLimit,
    RetentionPolicy,
    RetentionRule,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A memory as retention looks at it.

    Attributes:
        item: The memory.
        score: How much it is worth whatever is asked, in [0, 1].
        tokens: What it takes in a prompt, >= 0.
        held: Whether it must be kept for a reason outside of these rules.
    """

    item: MemoryItem
    score: float
    tokens: int = 0
    held: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionDecision:
    """One memory that its tier does not keep.

    Attributes:
        memory_id: Which memory.
        tier: Where it is.
        action: What becomes of it.
        rule: The limit that it is over: the name in `RetentionRule`.
        score: How much it is worth whatever is asked, in [0, 1].
        why: The numbers behind it, in words.
    """

    memory_id: str
    tier: MemoryTier
    action: OnLimit
    rule: str
    score: float
    why: str

    def __str__(self) -> str:
        return f"{self.action} {self.memory_id!r} of {self.tier}: {self.why}"


@dataclass(frozen=True, slots=True)
class _Unit:
    """Memories that stay or go together."""

    members: tuple[Kept, ...]

    @property
    def exempt(self) -> bool:
        return any(one.held or one.item.pinned for one in self.members)

    @property
    def score(self) -> float:
        return max(one.score for one in self.members)

    @property
    def tokens(self) -> int:
        return sum(one.tokens for one in self.members)

    @property
    def made_at(self) -> float:
        """When the newest member was made; unknown counts as the newest of all."""
        times = [one.item.created_at for one in self.members]
        return max(float("inf") if time is None else seconds_of(time) for time in times)


def retention_decisions(
    memories: Iterable[Kept], policy: RetentionPolicy, *, now: datetime
) -> tuple[RetentionDecision, ...]:
    """Which memories go by the policy, in input order."""
    listed = tuple(memories)
    order = {one.item.id: row for row, one in enumerate(listed)}
    found = [
        decision
        for tier in MemoryTier
        if policy.rule(tier).limits
        for decision in _of_tier(tier, _units(listed, tier), policy.rule(tier), now)
    ]
    return tuple(sorted(found, key=lambda decision: order[decision.memory_id]))


def _units(memories: Sequence[Kept], tier: MemoryTier) -> list[_Unit]:
    together: dict[tuple[str, str], list[Kept]] = {}
    for one in memories:
        if one.item.tier is tier:
            own = ("item", one.item.id) if one.item.group is None else ("group", one.item.group)
            together.setdefault(own, []).append(one)
    return [_Unit(tuple(members)) for members in together.values()]


def _of_tier(
    tier: MemoryTier, units: list[_Unit], rule: RetentionRule, now: datetime
) -> Iterator[RetentionDecision]:
    staying = []
    for unit in units:
        over = None if unit.exempt else _too_old(unit, rule, now)
        if over is None:
            staying.append(unit)
        else:
            yield from _decided(unit, tier, rule, *over)
    for unit, limit, why in _too_many(staying, rule):
        yield from _decided(unit, tier, rule, limit, why)


def _too_old(unit: _Unit, rule: RetentionRule, now: datetime) -> tuple[str, str] | None:
    """The limit of time that the unit is over, by its youngest member, and the numbers."""
    items = [one.item for one in unit.members]
    age = _least([_age_days(item, now) for item in items])
    if rule.max_age_days is not None and age is not None and age > rule.max_age_days:
        return "max_age_days", f"{age:.1f} days old, max_age_days is {rule.max_age_days:g}"
    idle = _least([idle_days(item, now) for item in items])
    if rule.max_idle_days is not None and idle is not None and idle > rule.max_idle_days:
        return "max_idle_days", f"{idle:.1f} days unused, max_idle_days is {rule.max_idle_days:g}"
    return None


def _age_days(item: MemoryItem, now: datetime) -> float | None:
    if item.created_at is None:
        return None
    return (now - item.created_at).total_seconds() / SECONDS_PER_DAY


def _least(days: Sequence[float | None]) -> float | None:
    """The least; None if one is unknown, since it may be less."""
    known = [one for one in days if one is not None]
    return min(known) if len(known) == len(days) else None


def _too_many(units: Sequence[_Unit], rule: RetentionRule) -> Iterator[tuple[_Unit, str, str]]:
    """Units of the least score, until what stays is within both limits."""
    count = sum(len(unit.members) for unit in units)
    tokens = sum(unit.tokens for unit in units)
    weakest_first = sorted(
        (unit for unit in units if not unit.exempt), key=lambda unit: (unit.score, unit.made_at)
    )
    for unit in weakest_first:
        if rule.max_items is not None and count > rule.max_items:
            over, why = "max_items", f"{count:,} memories, max_items is {rule.max_items:,}"
        elif rule.max_tokens is not None and tokens > rule.max_tokens:
            over, why = "max_tokens", f"{tokens:,} tokens, max_tokens is {rule.max_tokens:,}"
        else:
            return
        yield unit, over, f"{why}; score {unit.score:.2f} is the least"
        count -= len(unit.members)
        tokens -= unit.tokens


def _decided(
    unit: _Unit, tier: MemoryTier, rule: RetentionRule, limit: str, why: str
) -> Iterator[RetentionDecision]:
    for one in unit.members:
        yield RetentionDecision(
            memory_id=one.item.id,
            tier=tier,
            action=rule.on_limit,
            rule=limit,
            score=one.score,
            why=why,
        )
