"""`ServerSettings`: where a server listens, whom it answers and how much it takes."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from mba_integrations.core.arguments import checked_whole
from mba_integrations.core.errors import ConfigError
from mba_integrations.ingest.formats.limits import Limits

DEFAULT_PORT = 8377
COMPAT_NAMES = ("langgraph", "mem0")
"""Servers whose routes are there for their clients, where they are asked for."""
_LOOPBACK_NAMES = ("localhost",)
MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """How a server is run.

    Args:
        host: Address to listen at.
        port: Port; 0 takes a free one.
        insecure: Whether an address that other machines reach is open to callers without keys.
        allowed_hosts: Names that callers may use for the server, besides its own address and, on
            this machine, `localhost`.
        allowed_origins: Origins of web pages that may call it, such as `https://app.example`.
        requests_per_minute: Of one key.
        threads: Recalls at once of workspaces in memory, and as many calls that take long. By
            default one, and as many as the processor has cores.
        waiting: Requests that may wait for a thread before more are turned away.
        body_bytes: The largest body.
        import_bytes: The largest file of an import.
        file_bytes: The largest file that is sent to be a document.
        backups: Folder that backups go to; None refuses them.
        compat: Servers whose routes this one has too, under their names: `langgraph`, `mem0`.
        token: A secret by which programs of the database's owner are known; None for none.

    Raises:
        ConfigError: If a number is out of its range, or a name of *compat* is none.
    """

    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    insecure: bool = False
    allowed_hosts: tuple[str, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    requests_per_minute: int = 60_000
    threads: int | None = None
    waiting: int = 512
    body_bytes: int = 16 * MIB
    import_bytes: int = 1024 * MIB
    file_bytes: int = Limits().file_bytes
    backups: Path | None = None
    compat: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        for name in ("requests_per_minute", "waiting", "body_bytes", "import_bytes", "file_bytes"):
            checked_whole(name, getattr(self, name), at_least=1)
        if not 0 <= self.port <= 65_535:
            raise ConfigError(f"port must be 0 to 65535, got {self.port}.", key="port")
        for name in self.compat:
            if name not in COMPAT_NAMES:
                known = " or ".join(COMPAT_NAMES)
                raise ConfigError(f"compat must be {known}, got {name!r}.", key="compat")

    @property
    def is_local(self) -> bool:
        """Whether only this machine reaches the address."""
        return is_loopback(self.host)

    @property
    def choosing_threads(self) -> int:
        """Recalls at once of workspaces in memory."""
        return self.threads or 1

    @property
    def lasting_threads(self) -> int:
        """Calls at once that take long."""
        return self.threads or os.cpu_count() or 1

    def check_open(self, *, has_keys: bool) -> None:
        """Refuse to listen where others reach it, with nothing that keeps them out.

        Raises:
            ConfigError: With what to do.
        """
        if self.is_local or has_keys or self.insecure:
            return
        raise ConfigError(
            f"host {self.host!r} is reachable by other machines, and no key is there to keep them "
            "out. Make one with 'mba keys create NAME', or listen at 127.0.0.1; --insecure serves "
            "everybody.",
            key="host",
            value=self.host,
        )

    def hosts(self) -> frozenset[str]:
        """Names that a Host header may have, without ports, in lower case."""
        own = {self.host, *_LOOPBACK_NAMES, "127.0.0.1", "::1"} if self.is_local else {self.host}
        return frozenset(name.lower().strip("[]") for name in (*own, *self.allowed_hosts))


def is_loopback(host: str) -> bool:
    """Whether an address is this machine's own.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host.lower() in _LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def lowered(names: Iterable[str]) -> frozenset[str]:
    """Names in lower case, without a slash at the end."""
    return frozenset(name.lower().rstrip("/") for name in names)
