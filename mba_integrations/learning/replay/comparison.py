"""What other settings would have changed: what was decided beside what would be.

Added up record by record, so that its size does not hang on how many there are.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import tee

from mba_integrations.core.model import MemoryTier
from mba_integrations.learning.replay.changes import Changed
from mba_integrations.learning.replay.executors import Executor
from mba_integrations.learning.replay.needed import needed_of
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.replay.replay import Replayed
from mba_integrations.learning.replay.settings import Settings

MOST_EXAMPLES = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """A number of then, and what it would be; summed over the records."""

    before: int = 0
    after: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What would change.

    Attributes:
        records: How many were compared.
        equal: How many have the same memories in the same order, and as many tokens.
        without_prompt: How many would have none, since their pins do not fit.
        inexact: How many have numbers alone and may be decided otherwise by their texts.
        used_tokens: Of all prompts.
        tier_tokens: Of each tier in them.
        useful_kept: How many memories that were found useful are in the prompt.
        useful: How many were found useful.
        entering: How many memories would come in.
        leaving: How many would go.
        examples: Of those that differ, the first ones.
    """

    records: int
    equal: int
    without_prompt: int
    inexact: int
    used_tokens: Then
    tier_tokens: Mapping[MemoryTier, Then]
    useful_kept: Then
    useful: int
    entering: int
    leaving: int
    examples: tuple[Changed, ...]


def compared(records: Iterable[ReplayRecord], settings: Settings, executor: Executor) -> Comparison:
    """Replay records and compare.

    Args:
        records: What was decided.
        settings: As for `replay`.
        executor: Where they are replayed.

    Raises:
        As `replay`.
    """
    kept, sent = tee(records)
    return added_up(zip(kept, executor.replay(sent, settings), strict=True))


def added_up(pairs: Iterable[tuple[ReplayRecord, Replayed]]) -> Comparison:
    """The comparison of what was decided and what would be."""
    counts: Counter[str] = Counter()
    tiers: Counter[tuple[MemoryTier, str]] = Counter()
    examples: list[Changed] = []
    for record, again in pairs:
        changed = Changed.between(record.allocation_id, record.selected_ids, again.selected_ids)
        useful = needed_of(record.feedback).keys()
        counts.update(
            records=1,
            equal=again.is_as_then(record),
            without_prompt=again.problem is not None,
            inexact=not again.is_exact,
            before=record.decided.used_tokens,
            after=again.used_tokens,
            useful=len(useful),
            kept_before=len(useful & set(record.selected_ids)),
            kept_after=len(useful & set(again.selected_ids)),
            entering=len(changed.entering),
            leaving=len(changed.leaving),
        )
        for tier in MemoryTier:
            tiers[tier, "before"] += record.decided.tier_tokens.get(tier, 0)
            tiers[tier, "after"] += again.tier_tokens.get(tier, 0)
        if changed and len(examples) < MOST_EXAMPLES:
            examples.append(changed)
    return Comparison(
        **{name: counts[name] for name in ("records", "equal", "without_prompt", "inexact")},
        **{name: counts[name] for name in ("useful", "entering", "leaving")},
        used_tokens=Then(before=counts["before"], after=counts["after"]),
        tier_tokens={
            tier: Then(before=tiers[tier, "before"], after=tiers[tier, "after"])
            for tier in MemoryTier
        },
        useful_kept=Then(before=counts["kept_before"], after=counts["kept_after"]),
        examples=tuple(examples),
    )
