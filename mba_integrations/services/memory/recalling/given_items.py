"""A choice among items that the caller brings: nothing is read of a workspace, nothing is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.services.memory.equipment import Equipment

REQUEST = "request"
"""What the settings of such a choice are called, which no stored workspace lends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemsRequest:
    """The arguments of one choice; see `MemoryService.allocate`."""

    query: str
    items: Sequence[MemoryItem]
    settings: Mapping[str, Any]
    budget_tokens: int | None
    reserved_tokens: int | None
    query_embedding: Sequence[float] | FloatArray | None
    now: datetime | None


def config_of_request(settings: Mapping[str, Any]) -> WorkspaceConfig:
    """The defaults with what a request changes.

    Raises:
        InvalidWorkspaceError: If a setting is out of its range.
    """
    return WorkspaceConfig(workspace_id=REQUEST).with_changes(**settings)


def allocate_items(equipment: Equipment, request: ItemsRequest) -> Allocation:
    """Choose; see `MemoryService.allocate`."""
    equipment.settings.lend(config_of_request(request.settings))
    allocation = equipment.allocator.allocate_memory_budget(
        request.query,
        request.items,
        REQUEST,
        request.budget_tokens,
        request.query_embedding,
        request.now or equipment.clock(),
        reserved_tokens=request.reserved_tokens,
    )
    equipment.records.take()
    return allocation
