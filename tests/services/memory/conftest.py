"""A service with one workspace."""

from __future__ import annotations

import pytest
from memory_services import Opened

from mba_integrations.services.memory.service import MemoryService


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    """A service with the workspace `kate`."""
    service = opened()
    service.create_workspace("kate", max_total_tokens=1_000)
    return service
