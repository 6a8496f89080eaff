"""What tests of the memory service share."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mba_integrations.services.memory.service import MemoryService

Opened = Callable[..., MemoryService]
"""Opens a service on the test's store, with other options of `MemoryService.open` where given."""


on_both = pytest.mark.parametrize("where", ["sqlite", "postgres"], indirect=True)
"""Runs a test on SQLite and on Postgres."""


def texts(service: MemoryService, workspace_id: str = "kate") -> list[str]:
    """The active memories, the first one first."""
    return [row.content for row in service.list(workspace_id, newest_first=False).rows]
