"""Past recalls that something was said of, with what they were chosen from: to learn from.

Only recalls whose question the log has kept, so of workspaces with `logging.include_text`. They are
read one at a time; those that saw the same memories share a pool.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.past.replays import Grounds, is_narrowed_by_unkept
from mba_integrations.services.store.rows.allocations import AllocationRow, FeedbackRow
from mba_integrations.services.store.statements.log import allocations


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedRecall:
    """A recall with what was said of it.

    Attributes:
        allocation_id: Which recall.
        query: What was asked.
        at: When.
        pool: The memories that it was chosen from, as they were then.
        said: What was said of its memories, those that could not be judged left out.
    """

    allocation_id: str
    query: str
    at: datetime
    pool: MemoryPool
    said: tuple[FeedbackRow, ...]


def judged_recalls(
    equipment: Equipment, workspace_id: str, rows: Sequence[AllocationRow]
) -> Iterator[JudgedRecall]:
    """Those of the recalls that can be learned from, in their order."""
    asked = [row for row in rows if row.record.get("query") and not is_narrowed_by_unkept(row)]
    said = {row.allocation_id: _said(equipment, workspace_id, row) for row in asked}
    judged = [row for row in asked if said[row.allocation_id]]
    grounds = Grounds(equipment, workspace_id, judged)
    for row in judged:
        _, candidates = grounds.of(row)
        yield JudgedRecall(
            allocation_id=row.allocation_id,
            query=row.record["query"],
            at=row.at,
            pool=candidates.pool,
            said=said[row.allocation_id],
        )


def _said(equipment: Equipment, workspace_id: str, row: AllocationRow) -> tuple[FeedbackRow, ...]:
    with equipment.read(workspace_id) as reading:
        rows = allocations.feedback_of(reading, row.allocation_id)
    return tuple(one for one in rows if one.memory_id is not None and one.useful is not None)
