"""The app with the routes of mem0 and LangGraph, one for all tests of a file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI

from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import WordCounter

COMPAT = ServerSettings(compat=("mem0", "langgraph"))


@pytest.fixture(scope="module")
def shared(
    two_workspaces: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MemoryService]:
    """A service with the workspaces `kate` and `tom`."""
    path = shutil.copy(two_workspaces, tmp_path_factory.mktemp("compat") / "memory.db")
    with MemoryService.open(path, token_counter=WordCounter(), background=False) as service:
        yield service


@pytest.fixture(scope="module")
def compat(shared: MemoryService) -> FastAPI:
    """The app with the routes of both."""
    return create_app(shared, COMPAT)
