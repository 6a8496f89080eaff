"""The Postgres server that all tests of services share, and a SQLite file with our tables."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from postgres_server import new_database, postgres_server

from mba_integrations.services.store.opening import open_store


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a Postgres server; one for all, since the first to end would stop that of others."""
    folder = tmp_path_factory.getbasetemp()
    with postgres_server(folder.parent if "PYTEST_XDIST_WORKER" in os.environ else folder) as url:
        yield url


@pytest.fixture(scope="session")
def postgres_database(postgres: str) -> Iterator[str]:
    """URL of the worker's database, with our tables."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    with new_database(postgres, f"mba_memory_{worker}_{os.getpid()}") as url:
        open_store(url).close()
        yield url


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with our tables and nothing in them."""
    path = tmp_path_factory.mktemp("template") / "memory.db"
    open_store(path).close()
    return path
