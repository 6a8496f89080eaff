"""`Choosing`: the choice for a record with texts, under given settings and after a given prompt."""

from __future__ import annotations

from mba_integrations import PreviousPrompt
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.learning.replay.prepared import MOST, Prepared
from mba_integrations.learning.replay.records import ReplayRecord


class Choosing:
    """Chooses for records; what is prepared of candidates is kept for the records that share them.

    Args:
        token_counter: As for `MemoryBudgetAllocator`.
        pools: How many lists of candidates stay prepared.
    """

    def __init__(self, token_counter: object, *, pools: int = MOST) -> None:
        self._allocator = MemoryBudgetAllocator(token_counter)
        self._registered: WorkspaceConfig | None = None
        self._pools = Prepared(MemoryPool.from_items, most=pools)

    def chosen(
        self, record: ReplayRecord, config: WorkspaceConfig, previous: PreviousPrompt | None
    ) -> Allocation:
        """The choice for one record.

        Raises:
            BudgetError: If the pins, or a prompt without items, do not fit.
        """
        if config is not self._registered:
            self._allocator.register_workspace(config)
            self._registered = config
        given = record.budget_given
        return self._allocator.allocate_memory_budget(
            record.query or "",
            self._pools.of(record.candidates),
            config.workspace_id,
            record.budget_tokens if given else None,
            record.query_embedding,
            record.at,
            previous,
            reserved_tokens=None if given else record.reserved_tokens,
        )
