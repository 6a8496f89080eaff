"""The dashboard over what `dashboard_made` makes, on a port of this machine.

    python -m benchmarks.dashboard_server

serves it until it is interrupted, to look at. Its database is thrown away.
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from benchmarks.dashboard_made import MadeClock, fill, fill_hostile
from mba_integrations.services import MemoryService
from mba_integrations.services.api.app import create_app
from mba_integrations.services.api.serving import listening, url_of
from mba_integrations.services.api.settings import ServerSettings
from mba_integrations.services.dashboard.app import dashboard
from mba_integrations.testing import WordCounter


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that answers.

    Attributes:
        url: Where, without a slash at the end.
        service: What it serves.
    """

    url: str
    service: MemoryService


@contextmanager
def served_dashboard(path: Path, *, port: int = 0) -> Iterator[Served]:
    """The dashboard over made data; three workspaces, see `dashboard_made`.

    Args:
        path: Where the database is made.
        port: Where it answers; 0 takes a free one.
    """
    clock = MadeClock()
    with MemoryService.open(
        path, token_counter=WordCounter(), background=False, clock=clock
    ) as service:
        fill(service, clock)
        fill_hostile(service)
        with serving(service, port=port) as url:
            yield Served(url=url, service=service)


@contextmanager
def serving(service: MemoryService, *, port: int = 0) -> Iterator[str]:
    """Answers for a service, in a thread; gives where."""
    settings = ServerSettings()
    app = create_app(service, settings, mounts=[dashboard(service, settings)])
    with listening("127.0.0.1", port) as bound:
        # Streams of events never end by themselves.
        config = uvicorn.Config(
            app, lifespan="on", log_config=None, access_log=False, timeout_graceful_shutdown=1
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
        thread.start()
        try:
            yield url_of(bound)
        finally:
            server.should_exit = True
            thread.join(20)


def main() -> None:
    """Serve until interrupted."""
    with (
        tempfile.TemporaryDirectory() as folder,
        served_dashboard(Path(folder) / "memory.db", port=8377) as served,
    ):
        print(f"{served.url}/dashboard/")
        while True:
            time.sleep(3600)


if __name__ == "__main__":
    main()
