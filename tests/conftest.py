"""Settings of every test run: property tests without deadlines, and no way to the network.

Where the variable CI is set, hypothesis draws the same examples in every run.
"""

from __future__ import annotations

import asyncio
import gc
import os
import socket
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("local", deadline=None, max_examples=100)
settings.register_profile("ci", settings.get_profile("local"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "local")

_LOOPBACK = ("127.", "::1", "localhost")


class NetworkUsedError(OSError):
    """A test tried to reach another machine."""


def pytest_collection_finish() -> None:
    """Set aside what was imported: no look for garbage in a test goes through it again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def no_network() -> Iterator[None]:
    """Connections and look-ups fail at once, as on a machine without network; loopback works."""

    def refuse_connection(self: socket.socket, address: object) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check_host(address[0] if isinstance(address, tuple) else address)
        connect(self, address)  # type: ignore[arg-type]

    def refuse_lookup(host: object, *arguments: object, **options: object) -> object:
        _check_host(host)
        return lookup(host, *arguments, **options)  # type: ignore[arg-type]

    connect, lookup = socket.socket.connect, socket.getaddrinfo
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", refuse_connection)
        patch.setattr(socket, "getaddrinfo", refuse_lookup)
        yield


def _check_host(host: object) -> None:
    name = host.decode() if isinstance(host, bytes) else str(host or "localhost")
    if not name.startswith(_LOOPBACK):
        raise NetworkUsedError(f"tests have no network, asked for {name!r}.")


@pytest.fixture
def own_event_loop() -> Iterator[None]:
    """A loop for the test, closed after it: synchronous calls of LlamaIndex leave theirs open."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    asyncio.set_event_loop(None)
    loop.close()
