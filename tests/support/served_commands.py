"""A server on a port of this machine for tests of commands, ended when the test says so."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from mba_integrations.services.api.serving import listening, url_of


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
