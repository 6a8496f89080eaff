"""The log of a workspace, cut to the days that its plan keeps, step by step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from mba_integrations.services.memory.jobs.work import JobWork
from mba_integrations.services.memory.organising.plan import OrganisationPlan
from mba_integrations.services.store.erasure import pruning


def prune_log(work: JobWork, plan: OrganisationPlan) -> Mapping[str, int]:
    """Delete what is too old of the log, then of its items; gives rows, by table.

    Each step is a transaction of its own, which other writers get between, and a sign of life.
    """
    counts: Counter[str] = Counter()
    for days, items_alone in ((plan.log_days, False), (plan.log_item_days, True)):
        if days is not None:
            _prune(work, timedelta(days=days), items_alone, counts)
    return +counts


def _prune(work: JobWork, kept: timedelta, items_alone: bool, counts: Counter[str]) -> None:
    before = work.equipment.clock() - kept
    while True:
        with work.equipment.read(work.workspace_id) as reading:
            found = pruning.old_allocations(
                reading, before, with_items=items_alone, limit=pruning.LOG_STEP
            )
        if not found:
            return
        remove = partial(pruning.remove_allocations, allocation_ids=found, items_alone=items_alone)
        counts.update(work.write(remove))
