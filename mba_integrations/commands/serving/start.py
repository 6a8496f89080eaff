"""A server from its parts: a port, a service on a database, the app, and what stands beside it.

The skins do not know each other; here they are put together.
"""

from __future__ import annotations

import importlib.util
import json
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mba_integrations.commands.arguments.memory_options import DEFAULT_WORKSPACE
from mba_integrations.commands.arguments.places import file_of
from mba_integrations.commands.printing.output import remark, write_line
from mba_integrations.commands.serving.gateway import Providers, gateway_beside
from mba_integrations.commands.serving.repository import REPOSITORY, remember_repository
from mba_integrations.commands.serving.spans import sent_spans
from mba_integrations.local_embedder import LocalEmbedder
from mba_integrations.services.daemon.place import token_beside

if TYPE_CHECKING:
    from mba_integrations.services.api.mounts import Mount
    from mba_integrations.services.api.settings import ServerSettings
    from mba_integrations.services.memory.service import MemoryService
    from mba_integrations.services.memory.tracing.traces import Traces


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """A server that is ready to run.

    Attributes:
        app: What answers.
        bound: Where it listens.
        url: Where that is.
    """

    app: Any
    bound: socket.socket
    url: str

    def run(self, *, idle_exit: float | None = None) -> None:
        """Answer until the process is told to end."""
        from mba_integrations.services.api.serving import run

        run(self.app, self.bound, idle_exit=idle_exit)


@contextmanager
def started(
    settings: ServerSettings,
    place: str,
    *,
    local: bool = False,
    pool_memories: int | None = None,
    repository: Path | None = None,
    gateway: Providers | None = None,
    page: bool = True,
    spans: bool = False,
) -> Iterator[Server]:
    """A server on a database, which is made if it is not there.

    Args:
        settings: How it is run.
        place: Path or URL of the database.
        local: Whether it compares meanings too.
        pool_memories: As for `MemoryService.open`; None for its default.
        repository: A folder to remember first; None for none.
        gateway: Providers that it stands before; None for no gateway.
        page: Whether it shows the dashboard.
        spans: Whether it sends spans of OpenTelemetry.

    Raises:
        ConfigError: If the port is taken, or others would reach it without keys.
        MissingExtraError: If spans are wanted, and OpenTelemetry is not installed.
        StoreInUseError: If another process serves the file.
    """
    from mba_integrations.services.api.app import create_app
    from mba_integrations.services.api.serving import listening, url_of

    with ExitStack() as stack:
        bound = stack.enter_context(listening(settings.host, settings.port))
        url = url_of(bound)
        traces = stack.enter_context(sent_spans()) if spans else None
        service = stack.enter_context(_service(place, url, local, pool_memories, traces))
        settings.check_open(has_keys=service.keys.any_hold())
        if repository is not None:
            remember_repository(service, repository)
        file = file_of(place)
        token = None if file is None else stack.enter_context(token_beside(file))
        mounts = _mounts(service, gateway)
        if page:
            mounts.append(_dashboard(service, settings))
        app = create_app(service, replace(settings, token=token), mounts=mounts)
        _tell(url, service)
        if page:
            remark("note", f"what fills the prompts: {url}/dashboard")
        if gateway is not None:
            remark("note", f"models at {url}/gateway/openai/v1 and {url}/gateway/anthropic")
        yield Server(app=app, bound=bound, url=url)


def _service(
    place: str, url: str, local: bool, pool_memories: int | None, traces: Traces | None
) -> MemoryService:
    from mba_integrations.services import MemoryService

    embedder = LocalEmbedder() if local else None
    held: dict[str, Any] = {} if file_of(place) is None else {"exclusive": True, "url": url}
    if pool_memories is not None:
        held["pool_memories"] = pool_memories
    service = MemoryService.open(place, embedder=embedder, traces=traces, **held)
    if not service.workspaces.ids():
        service.create_workspace(DEFAULT_WORKSPACE, template=DEFAULT_WORKSPACE)
    return service


def _mounts(service: MemoryService, gateway: Providers | None) -> list[Mount]:
    """MCP, where it is installed, and the gateway, where it is asked for."""
    from mba_integrations.services.api.mounts import Mount

    mounts = [] if gateway is None else [gateway_beside(service, gateway)]
    if importlib.util.find_spec("mcp") is None:
        return mounts
    from mba_integrations.services.mcp.late import LateMcpApp

    return [*mounts, Mount.of(LateMcpApp(service))]


def _dashboard(service: MemoryService, settings: ServerSettings) -> Mount:
    from mba_integrations.services.dashboard.app import dashboard

    return dashboard(service, settings)


def _tell(url: str, service: MemoryService) -> None:
    """Say where the server is, and how it is asked."""
    known = service.workspaces.ids()
    workspace = REPOSITORY if REPOSITORY in known else known[0]
    recall = json.dumps({"query": "How is the token budget kept?", "budget_tokens": 400})
    note = json.dumps({"memories": ["The server was started today."]})
    key = ' -H "X-API-Key: $MBA_KEY"' if service.keys.were_made() else ""
    sent = f"curl -s{key} -H 'Content-Type: application/json'"
    remark("note", f"serving {', '.join(known[:5])} at {url}, described at {url}/docs")
    for line in (
        f"{sent} {url}/v1/workspaces/{workspace}/recall -d '{recall}'",
        f"{sent} {url}/v1/workspaces/{workspace}/memories -d '{note}'",
        f"curl -s{key} {url}/v1/workspaces/{workspace}/statistics",
    ):
        write_line(line)
