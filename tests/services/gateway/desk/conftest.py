"""A service on a file that is made already, and certificates that are read once."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from desk_calls import opened
from gateway_calls import TRUSTED

from mba_integrations.services.gateway.passing import gateway as gateways
from mba_integrations.services.gateway.passing.connections import Connections
from mba_integrations.services.memory.service import MemoryService


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "memory.db"))


@pytest.fixture
def service(path: Path) -> Iterator[MemoryService]:
    with opened(path) as service:
        yield service


@pytest.fixture(autouse=True)
def certificates(monkeypatch: pytest.MonkeyPatch) -> None:
    """Certificates are read once: that takes longer than a test."""
    monkeypatch.setattr(gateways, "Connections", lambda: Connections(TRUSTED))
