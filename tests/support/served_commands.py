"""Commands on a file and against a server that both have one service."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from mba_integrations.commands.memory import database as databases
from mba_integrations.services.api.serving import listening, url_of
from mba_integrations.services.memory.service import MemoryService


@contextmanager
def answering(app: Any, bound: Any = None) -> Iterator[str]:
    """Where an app answers, on a free port or at a socket that listens already."""
    bound = listening("127.0.0.1", 0) if bound is None else bound
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]})
    thread.start()
    try:
        yield url_of(bound)
    finally:
        server.should_exit = True
        thread.join(20)
        bound.close()


def use_service(monkeypatch: pytest.MonkeyPatch, service: MemoryService, folder: Path) -> None:
    """Commands on a file use this service; the environment names a file and the owner's key."""

    @contextmanager
    def opened(*_: object, **__: object) -> Iterator[MemoryService]:
        yield service

    monkeypatch.setattr(databases, "_opened", opened)
    monkeypatch.setenv("MBA_DB", str(folder / "memory.db"))
    monkeypatch.setenv("COLUMNS", "150")
    monkeypatch.setenv("MBA_KEY", "owner")
