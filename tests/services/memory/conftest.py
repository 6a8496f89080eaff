"""Services on a store of their own, closed after the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from memory_services import Opened

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock, WordCounter


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def opened(tmp_path: Path, clock: Clock) -> Iterator[Opened]:
    """Opens services on one store; a second one stands beside the first."""
    services: list[MemoryService] = []

    def open_one(**options: Any) -> MemoryService:
        settings = {"token_counter": WordCounter(), "background": False, "clock": clock}
        services.append(MemoryService.open(tmp_path / "memory.db", **{**settings, **options}))
        return services[-1]

    yield open_one
    for service in services:
        service.close()


@pytest.fixture
def service(opened: Opened) -> MemoryService:
    """A service with the workspace `kate`."""
    service = opened()
    service.create_workspace("kate", max_total_tokens=1_000)
    return service
