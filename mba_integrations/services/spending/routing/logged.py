"""How the queries in a workspace's log would be routed, for a wanted share of the strong model.

The log has the text of a query only where `logging.include_text` was set when it was asked; of the
latest recalls those are taken that have one. It does not say how long their conversations were, for
which a call through the gateway may have more points.
"""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.spending.routing.calibrating import Calibration, calibrate

MOST_LOOKED_AT = 10_000
"""Recalls, the latest first: a share of so many queries is known to a hundredth."""


def calibrate_on_log(
    service: MemoryService, workspace_id: str, strong_share: float, *, hours: float | None = None
) -> Calibration:
    """The threshold with which at most a share of the logged queries goes to the strong model.

    Args:
        service: Whose workspace.
        workspace_id: Which one; its settings of complexity and of the gateway hold.
        strong_share: The wanted share, in [0, 1].
        hours: How far to look back; None for all.

    Raises:
        InputError: If no query was logged with its text, or the share is none.
        UnknownWorkspaceError: If there is no such workspace; with those of a like name.
    """
    config = service.workspaces.config(workspace_id)
    since = None if hours is None else service.now() - timedelta(hours=hours)
    latest = islice(service.allocations.rows(workspace_id, since=since), MOST_LOOKED_AT)
    queries = [row.record["query"] for row in latest if row.record.get("query") is not None]
    if not queries:
        raise InputError(
            f"the log of workspace {workspace_id!r} has no query with its text. Set "
            "logging.include_text and calibrate later, or look further back."
        )
    estimated = service.equipment.allocator.estimate_query_complexity
    estimates = (estimated(one, workspace_id=workspace_id) for one in queries)
    return calibrate(estimates, strong_share, gateway=config.gateway)
