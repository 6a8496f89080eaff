"""What one run of organisation does, each step in a transaction of its own. All may be done again.

Working memory of a session that ended moves to long-term memory. A memory that says the same as an
earlier one, but for case, white space and the mark at its end, is linked to it: `repeats` in its
metadata names the earlier one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.organising.plan import OrganisationPlan
from mba_integrations.services.store.erasure import pruning
from mba_integrations.services.store.erasure.pruning import Horizon
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import finding, memories
from mba_integrations.services.store.statements.log import sessions

REPEATS = "repeats"
_WORKING = MemoryFilter(tiers=frozenset({MemoryTier.WORKING}))
_MARKS = ".!?…。"


def end_sessions(writing: Writing, idle_hours: float) -> tuple[int, int]:
    """End sessions that nobody uses; gives how many, and how many memories moved."""
    since = writing.at - timedelta(hours=idle_hours)
    ended = [row.session_id for row in sessions.idle(writing, since)]
    sessions.end(writing, ended)
    rows = finding.find(writing, finding.ids(writing, _WORKING)).values()
    quiet = _quiet_sessions(writing, rows, since)
    tiers = {row.memory_id: MemoryTier.LONG_TERM for row in rows if row.session_id in quiet}
    reasons = dict.fromkeys(tiers, "its session ended")
    moved = memories.move(writing, tiers, reasons=reasons) if tiers else ()
    return len({*ended, *quiet}), len(moved)


def _quiet_sessions(writing: Writing, rows: Iterable[MemoryRow], since: datetime) -> frozenset[str]:
    """Sessions with working memory in which nothing was said or asked since a time."""
    latest: dict[str, datetime] = {}
    for row in rows:
        times = (row.stored_at, row.last_accessed_at)
        known = [time for time in times if time is not None]
        if row.session_id is not None and known:
            before = latest.get(row.session_id, known[0])
            latest[row.session_id] = max(before, *known)
    old = [name for name, time in latest.items() if time < since]
    asked = {name: sessions.find(writing, name) for name in old}
    return frozenset(
        name for name, kept in asked.items() if kept is None or kept.updated_at < since
    )


def link_repetitions(writing: Writing) -> int:
    """Link memories to the first that said the same; gives how many links are new."""
    first: dict[str, str] = {}
    linked = []
    for row in finding.current(writing):
        said = said_by(row.content)
        earlier = first.setdefault(said, row.memory_id)
        if earlier != row.memory_id and row.metadata.get(REPEATS) != earlier:
            linked.append(replace(row, metadata={**row.metadata, REPEATS: earlier}))
    if linked:
        memories.update(writing, linked, reason="says the same as an earlier memory")
    return len(linked)


def said_by(text: str) -> str:
    """A text without what does not change what it says.

    >>> said_by("Kate  SKIS.\\n") == said_by("kate skis")
    True
    """
    return " ".join(text.casefold().split()).rstrip(_MARKS)


def prune(writing: Writing, plan: OrganisationPlan) -> Mapping[str, int]:
    """Free the space of what nobody can read any more but the log; gives rows, by table."""

    def before(days: float | None) -> datetime | None:
        return None if days is None else writing.at - timedelta(days=days)

    horizon = Horizon(
        forgotten=before(plan.forgotten_days),
        sessions=before(plan.session_days),
        jobs=before(plan.job_days),
    )
    return {name: count for name, count in pruning.prune(writing, horizon).items() if count}


def within_cap(standings: Sequence[tuple[str, float]], most: int) -> frozenset[str]:
    """Ids of those whose standing is the most out of place, at most so many.

    Args:
        standings: Ids with their standing, in [0, 1].
        most: How many.

    >>> sorted(within_cap([("a", 0.9), ("b", 0.6), ("c", 0.02)], 2))
    ['a', 'c']
    """
    ordered = sorted(standings, key=lambda one: -abs(one[1] - 0.5))
    return frozenset(name for name, _ in ordered[:most])
