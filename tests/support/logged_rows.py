"""Rows of the log that differ in all that is added up, and what they must add up to."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from store_rows import START

from mba_integrations import MemoryTier
from mba_integrations.core.model import OmissionReason, QueryComplexity
from mba_integrations.services.store.rows.allocations import AllocationRow
from mba_integrations.services.store.rows.figures import Figures, added, figures_of, unpacked
from mba_integrations.services.store.rows.rollups import Part, Span, floor, moment
from mba_integrations.services.store.statements.log import allocations, rollups
from mba_integrations.services.store.store import Store

Kept = dict[tuple[Span, datetime, str], Figures]


def logged(allocation_id: str, at: datetime, rng: random.Random, **fields: Any) -> AllocationRow:
    """A row as a recall leaves it, with figures drawn at random."""
    budget = rng.choice((0, 1, 7, 400))
    used = rng.randint(0, budget)
    part = {"budget_tokens": budget, "used_tokens": used, "selected": 1, "omitted": 2}
    reason = rng.choice(list(OmissionReason)).value
    record = {
        "kind": "allocation",
        "schema_version": 1,
        "timestamp": at.isoformat(),
        "workspace_id": "kate",
        "complexity": rng.choice(list(QueryComplexity)).value,
        "budget_tokens": budget,
        "used_tokens": used,
        "value": rng.random(),
        "upper_bound": 1.0,
        "duration_ms": rng.random() * 50,
        "tiers": {rng.choice(list(MemoryTier)).value: part},
        "omission_reasons": {reason: 2},
        "selected_count": 1,
        "counter_id": "words",
        "exact": rng.random() < 0.5,
        "notes": ["a note"] if rng.random() < 0.5 else [],
    }
    figures = {
        "omitted_tokens": {reason: [rng.randint(1, 90), 1]},
        "ms": {"load": rng.random(), "recall": 60.0},
        **{"cost": rng.random(), "uncached_cost": 1.0},
    }
    fields = {"stable_prefix_tokens": used, "figures": figures, **fields}
    return AllocationRow(allocation_id=allocation_id, at=at, record=record, **fields)


def log_some(store: Store, workspace_id: str, *, count: int) -> None:
    """Log rows of an older release, which knew no figures of its own, in one minute."""
    rng = random.Random(count)
    rows = [logged(f"a{number}", START, rng, figures=None) for number in range(count)]
    store.write(workspace_id, lambda writing: allocations.add(writing, rows), at=START)


def kept_rollups(store: Store, workspace_id: str) -> Kept:
    """All rollups of a workspace."""
    with store.read(workspace_id) as reading:
        return {
            (span, moment(one.start), one.complexity): unpacked(one.figures)
            for span in Span
            for one in rollups.of_part(reading, Part(span, None, None))
        }


def added_up(rows: Iterable[AllocationRow]) -> Kept:
    """What rows add up to, one after the other."""
    found: Kept = {}
    for row in rows:
        for span in Span:
            key = (span, floor(row.at, span), row.record["complexity"])
            added(found.setdefault(key, {}), figures_of(row))
    return {
        key: {slot: value for slot, value in one.items() if value} for key, one in found.items()
    }
