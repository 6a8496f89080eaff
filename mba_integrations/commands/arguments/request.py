"""What `allocate` and `explain` are asked to do: inputs gathered, settings chosen, one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from mba_integrations.commands.arguments.inputs import Inputs
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.local_embedder import LocalEmbedder


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A query, its candidates and the settings, ready to be allocated any number of times.

    Attributes:
        query: What is asked.
        pool: The candidates, prepared once.
        config: The workspace, overrides included.
        budget_tokens: An exact total; None for the workspace's.
        now: The time that ages are counted from; None for the present.
        notes: What the readers left out.
        allocator: Knows the workspace.
    """

    query: str
    pool: MemoryPool
    config: WorkspaceConfig
    budget_tokens: int | None
    now: datetime | None
    notes: tuple[str, ...]
    allocator: MemoryBudgetAllocator

    def allocate(self, budget_tokens: int | None = None) -> Allocation:
        """The allocation for the budget given, else for the request's own."""
        return self.allocator.allocate_memory_budget(
            self.query,
            self.pool,
            workspace_id=self.config.workspace_id,
            budget_tokens=budget_tokens or self.budget_tokens,
            now=self.now,
        )


def gathered(
    inputs: Inputs,
    *,
    query: str | None,
    config: WorkspaceConfig,
    budget_tokens: int | None,
    now: datetime | None,
    local: bool,
) -> Request:
    """Read all inputs.

    Raises:
        typer.BadParameter: If there is no input, no query, or standard input is named twice.
        InputError: If an input is unusable.
        MissingExtraError: If *local* is asked for and not installed.
    """
    embedder = LocalEmbedder() if local else None
    gathering = inputs.read()
    items, notes = gathering.items, gathering.notes
    if embedder is None and any(item.embedding is not None for item in items):
        notes = (*notes, "the items' embeddings are not used: the query has none.")
    allocator = MemoryBudgetAllocator(embedder=embedder)
    allocator.register_workspace(config)
    return Request(
        query=gathering.asked(query),
        pool=MemoryPool.from_items(items),
        config=config,
        budget_tokens=budget_tokens,
        now=_zoned(now, items),
        notes=notes,
        allocator=allocator,
    )


def _zoned(now: datetime | None, items: Sequence[MemoryItem]) -> datetime | None:
    """A time without a zone is UTC, unless the items' times have no zone either."""
    if now is None or now.tzinfo is not None:
        return now
    times = (time for item in items for time in (item.created_at, item.last_accessed_at) if time)
    naive = any(time.tzinfo is None for time in times)
    return now if naive else now.replace(tzinfo=UTC)
