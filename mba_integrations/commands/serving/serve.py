"""`mba serve`: the memory service over HTTP."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.places import file_of, place_of
from mba_integrations.commands.printing.output import remark
from mba_integrations.commands.serving.gateway import Providers
from mba_integrations.commands.serving.start import started
from mba_integrations.core.errors import ConfigError, MissingExtraError
from mba_integrations.services.store.errors import StoreInUseError

if TYPE_CHECKING:
    from mba_integrations.services.api.settings import ServerSettings

HELP = """Serve a database over HTTP: to programs, agents and browsers.

Only this machine reaches it by default, and no key is needed until one was made. For others, make
keys first, and name an address and the names that callers use for it.

Examples:

\b
  mba serve
  mba serve --db memory.db --port 0
  mba serve --compat mem0 --compat langgraph
  mba serve --gateway
  mba keys create app && mba serve --host 0.0.0.0 --allow-host memory.example
"""


def serve(
    *,
    database: options.Database = None,
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65_535, help="Port; 0 takes a free one.")
    ] = 8377,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name of the server. Repeatable."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        typer.Option("--allow-origin", metavar="URL", help="Pages that may call. Repeatable."),
    ] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="Serve everybody who reaches it, without keys.")
    ] = False,
    threads: Annotated[
        int | None, typer.Option("--threads", min=1, max=256, help="Recalls at once.")
    ] = None,
    backups: Annotated[
        Path | None, typer.Option("--backups", metavar="FOLDER", help="Where backups go.")
    ] = None,
    compat: Annotated[
        list[str] | None,
        typer.Option(
            "--compat",
            metavar="NAME",
            help="Answer clients of mem0, or of langgraph's store, too. Repeatable.",
        ),
    ] = None,
    repository: Annotated[
        Path | None,
        typer.Option(
            "--repository",
            metavar="FOLDER",
            help="Remember its documents, code and history as workspace 'repository'.",
        ),
    ] = None,
    gateway: Annotated[
        bool, typer.Option("--gateway", help="Stand before OpenAI's and Anthropic's models.")
    ] = False,
    openai_url: Annotated[
        str | None,
        typer.Option("--openai-url", metavar="URL", help="What speaks OpenAI's protocol instead."),
    ] = None,
    anthropic_url: Annotated[
        str | None,
        typer.Option("--anthropic-url", metavar="URL", help="The same of Anthropic's."),
    ] = None,
    dashboard: Annotated[
        bool,
        typer.Option("--dashboard/--no-dashboard", help="Show prompts and memories in a browser."),
    ] = True,
    spans: Annotated[
        bool,
        typer.Option("--spans", help="Send spans by OTLP to OTEL_EXPORTER_OTLP_ENDPOINT."),
    ] = False,
    idle_exit: Annotated[
        float | None,
        typer.Option("--idle-exit", metavar="SECONDS", min=1.0, help="End if nobody asks so long."),
    ] = None,
    local: options.Local = False,
    pool_memories: options.PoolMemories = None,
) -> None:
    """Serve a database."""
    if importlib.util.find_spec("fastapi") is None or importlib.util.find_spec("uvicorn") is None:
        raise MissingExtraError("mba serve", extra="server")
    from mba_integrations.services.api.settings import ServerSettings

    settings = ServerSettings(
        host=host,
        port=port,
        insecure=insecure,
        allowed_hosts=tuple(allow_host or ()),
        allowed_origins=tuple(allow_origin or ()),
        threads=threads,
        backups=backups,
        compat=tuple(compat or ()),
    )
    providers = Providers(openai_url=openai_url, anthropic_url=anthropic_url)
    if not gateway and providers != Providers():
        raise ConfigError(
            "--openai-url and --anthropic-url are addresses of the gateway. Add --gateway.",
            key="gateway",
        )
    _serve(
        *(settings, place_of(database), repository, providers if gateway else None),
        idle_exit=idle_exit,
        local=local,
        pool_memories=pool_memories,
        page=dashboard,
        spans=spans,
    )


def _serve(
    settings: ServerSettings,
    place: str,
    repository: Path | None,
    gateway: Providers | None,
    *,
    idle_exit: float | None,
    local: bool,
    pool_memories: int | None,
    page: bool,
    spans: bool,
) -> None:
    file = file_of(place)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with started(
            *(settings, place),
            local=local,
            pool_memories=pool_memories,
            repository=repository,
            gateway=gateway,
            page=page,
            spans=spans,
        ) as server:
            server.run(idle_exit=idle_exit)
    except StoreInUseError as error:
        where = f" It answers at {error.url}." if error.url else ""
        remark("note", f"{place} is served by process {error.pid} already.{where}")
