"""A service that tests of adapters share, and a workspace of it for each test."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mba_integrations.services.memory.service import MemoryService
from mba_integrations.testing import Clock, WordCounter

NewWorkspace = Callable[..., str]


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Iterator[MemoryService]:
    path: Path = tmp_path_factory.mktemp("service") / "memory.db"
    with MemoryService.open(
        path, token_counter=WordCounter(), background=False, clock=clock
    ) as opened:
        yield opened


@pytest.fixture(scope="module")
def new_workspace(service: MemoryService) -> NewWorkspace:
    """Makes a workspace that nobody else has; gives its id."""
    numbers = itertools.count()

    def make(**settings: Any) -> str:
        workspace_id = f"workspace-{next(numbers)}"
        service.create_workspace(workspace_id, **{"max_total_tokens": 1_000, **settings})
        return workspace_id

    return make


@pytest.fixture
def workspace(new_workspace: NewWorkspace) -> str:
    return new_workspace()
