"""What memories are worth whatever is asked: the allocator's scores for an empty question."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.errors import PinnedOverBudgetError
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.errors import WorkspaceTooLargeError
from mba_integrations.services.memory.recalling.candidates import Candidates, candidates_for
from mba_integrations.services.memory.recalling.recall import allocate
from mba_integrations.services.memory.recalling.request import RecallRequest

_WHAT = "what looks at the worth of all of them"
_WAY = (
    "Give the workspace no limits of retention, by which memories that expire go all the same, or "
    "open the service with a larger pool_memories."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scores:
    """The worth of the memories of a workspace.

    Attributes:
        of: Score of each memory that has not expired, in [0, 1].
        counter: What counts tokens in the workspace.
    """

    of: Mapping[str, float]
    counter: TokenCounter


def scores_of(equipment: Equipment, workspace_id: str, now: datetime) -> Scores:
    """The worth of all memories of a workspace; O(n).

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
        WorkspaceTooLargeError: If it has more memories than a pool may hold.
    """
    request = RecallRequest(workspace_id=workspace_id, query="")
    candidates = candidates_for(equipment, request, now)
    beyond = candidates.not_considered.not_looked_at
    if beyond:
        count, limit = len(candidates.pool) + beyond, equipment.sizes.limit
        raise WorkspaceTooLargeError(workspace_id, _WHAT, _WAY, count=count, limit=limit)
    allocation = without_pins_in_the_way(equipment, request, candidates, now)
    decided = allocation.decided
    listed = zip(decided.problem.snapshot.items, decided.signals.score.tolist(), strict=True)
    return Scores(
        of={item.id: min(max(score, 0.0), 1.0) for item, score in listed},
        counter=decided.problem.counter,
    )


def without_pins_in_the_way(
    equipment: Equipment, request: RecallRequest, candidates: Candidates, now: datetime
) -> Allocation:
    """A choice whose scores are wanted, not its prompt: pins have the room that they need."""
    try:
        return allocate(equipment, request, candidates, now)
    except PinnedOverBudgetError as error:
        enough = replace(request, budget_tokens=error.needed_tokens)
        return allocate(equipment, enough, candidates, now)
    finally:
        equipment.records.take()
