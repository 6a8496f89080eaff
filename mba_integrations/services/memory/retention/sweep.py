"""`Retention`: what workspaces keep, shown before it goes and carried out, as `service.retention`.

What is decided on a list is looked at again within the transaction that carries it out: a memory
that was pinned, held, moved or used for something else in between stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.pools.items import item_of
from mba_integrations.services.memory.recalling.scores import scores_of
from mba_integrations.services.memory.retention.decisions import (
    Kept,
    RetentionDecision,
    retention_decisions,
)
from mba_integrations.services.memory.retention.preview import SAMPLES, RetentionPreview
from mba_integrations.services.memory.retention.rules import OnLimit, RetentionPolicy
from mba_integrations.services.memory.settings import retention_of
from mba_integrations.services.memory.tallies import Event
from mba_integrations.services.store.erasure import pruning
from mba_integrations.services.store.rows.changes import ChangeOp
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import (
    changes,
    finding,
    memories,
    workspaces,
)

_SAMPLE_CHARACTERS = 80
ACTOR = "retention"


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionReply:
    """What a sweep did.

    Attributes:
        counts: How many memories went, by what became of them; `expired` counts those whose own
            time had come.
        change_seq: Where the workspace's sequence stands.
    """

    counts: Mapping[str, int]
    change_seq: int


class Retention:
    """Preview and apply the retention of workspaces."""

    def __init__(self, equipment: Equipment) -> None:
        self._equipment = equipment

    def preview(self, workspace_id: str, policy: RetentionPolicy | None = None) -> RetentionPreview:
        """What would go now, and why. Nothing changes.

        Args:
            workspace_id: Of which workspace.
            policy: The policy to try; the workspace's own by default.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        found, texts = self._decided(workspace_id, policy)
        samples = [(one, texts[one.memory_id][:_SAMPLE_CHARACTERS]) for one in found[:SAMPLES]]
        wanted = MemoryFilter(expired_at=self._equipment.clock())
        with self._equipment.read(workspace_id) as reading:
            expired = sum(finding.count(reading, wanted).values())
        return RetentionPreview(decisions=found, expired=expired, samples=tuple(samples))

    def apply(self, workspace_id: str, *, once: Once | None = None) -> RetentionReply:
        """Let go what the workspace's policy does not keep, and what has expired.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        found, _ = self._decided(workspace_id, None)
        reply = self._equipment.write(
            workspace_id, lambda writing: carry_out(writing, found), actor=ACTOR, once=once
        )
        for action, count in reply.counts.items():
            self._equipment.tallies.count(Event.LET_GO, action, by=count)
        return reply

    def _decided(
        self, workspace_id: str, policy: RetentionPolicy | None
    ) -> tuple[tuple[RetentionDecision, ...], Mapping[str, str]]:
        """Decisions, and the texts of memories by id."""
        now = self._equipment.clock()
        with self._equipment.read(workspace_id) as reading:
            kept = retention_of(workspaces.get(reading)) if policy is None else policy
            rows = finding.current(reading) if _limits(kept) else ()
        if not rows:
            return (), {}
        alive = [row for row in rows if row.expires_at is None or row.expires_at > now]
        found = retention_decisions(self._kept(workspace_id, alive, kept, now), kept, now=now)
        return found, {row.memory_id: row.content for row in alive}

    def _kept(
        self,
        workspace_id: str,
        rows: Sequence[MemoryRow],
        policy: RetentionPolicy,
        now: datetime,
    ) -> Iterable[Kept]:
        scores = scores_of(self._equipment, workspace_id, now)
        counted = any(policy.rule(tier).max_tokens is not None for tier in MemoryTier)
        texts = [row.content for row in rows]
        tokens = scores.counter.count_batch(texts) if counted else [0] * len(rows)
        for row, count in zip(rows, tokens, strict=True):
            score = scores.of.get(row.memory_id, 0.0)
            yield Kept(item=item_of(row), score=score, tokens=count, held=row.held)


def _limits(policy: RetentionPolicy) -> bool:
    return any(policy.rule(tier).limits for tier in MemoryTier)


def carry_out(writing: Writing, found: Sequence[RetentionDecision]) -> RetentionReply:
    """Do what was decided, and let go what has expired by the moment of the write."""
    still = _still(writing, found)
    groups = {
        action: [one for one in found if one.action is action and one.memory_id in still]
        for action in OnLimit
    }
    _demote(writing, groups[OnLimit.DEMOTE])
    _forget(writing, groups[OnLimit.FORGET])
    _remove(writing, groups[OnLimit.REMOVE], still)
    expired = finding.ids(writing, MemoryFilter(expired_at=writing.at))
    if expired:
        memories.forget(writing, expired, expired=True)
    counts = Counter({action.value: len(group) for action, group in groups.items()})
    counts["expired"] = len(expired)
    return RetentionReply(counts=dict(+counts), change_seq=workspaces.change_seq(writing))


def _still(writing: Writing, found: Sequence[RetentionDecision]) -> dict[str, MemoryRow]:
    """The memories of which the decision still holds."""
    rows = finding.find(writing, [one.memory_id for one in found])
    tiers = {one.memory_id: one.tier for one in found}
    return {
        name: row
        for name, row in rows.items()
        if row.state is MemoryState.ACTIVE
        and row.tier is tiers[name]
        and not (row.pinned or row.held)
    }


def _demote(writing: Writing, group: Sequence[RetentionDecision]) -> None:
    if group:
        tiers = dict.fromkeys((one.memory_id for one in group), MemoryTier.LONG_TERM)
        memories.move(writing, tiers, reasons={one.memory_id: one.why for one in group})


def _forget(writing: Writing, group: Sequence[RetentionDecision]) -> None:
    for rule in sorted({one.rule for one in group}):
        named = [one.memory_id for one in group if one.rule == rule]
        memories.forget(writing, named, reason=f"over {rule}")


def _remove(
    writing: Writing, group: Sequence[RetentionDecision], rows: Mapping[str, MemoryRow]
) -> None:
    if not group:
        return
    pairs: list[tuple[MemoryRow | None, MemoryRow | None]] = [
        (rows[one.memory_id], None) for one in group
    ]
    changes.record_changes(writing, ChangeOp.PRUNE, pairs, reasons=[one.why for one in group])
    pruning.remove(writing, [one.memory_id for one in group])
