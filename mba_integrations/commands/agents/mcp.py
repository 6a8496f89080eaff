"""`mba mcp install` and `mba mcp check`: an agent gets a memory, and it is seen to work.

`mba mcp` and `mba hook` stand here for the help that lists them; `cli` calls them without this.
"""

from __future__ import annotations

import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from mba_integrations.commands.agents import hook as hook_command
from mba_integrations.commands.agents.stdio import serve_stdio
from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.places import file_of, place_of
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, write_text
from mba_integrations.core.errors import InputError

if TYPE_CHECKING:
    from mba_integrations.services.mcp.install.clients import Target

HELP = """Serve memories to an agent over standard input and output.

Options of this command itself: mba mcp --db PATH, --workspace ID, --url URL.

Examples:

\b
  mba mcp
  mba mcp install --client codex
  mba mcp check --client codex
"""
HOOK_HELP = f"""{hook_command.DESCRIPTION.partition("Example:")[0]}Examples:

\b
  mba hook prompt
"""
app = typer.Typer(invoke_without_command=True, rich_markup_mode=None, help=HELP)


class ClientName(StrEnum):
    """The clients whose settings can be written."""

    CLAUDE_CODE = "claude-code"
    CLAUDE_DESKTOP = "claude-desktop"
    CODEX = "codex"
    CURSOR = "cursor"
    VSCODE = "vscode"
    GEMINI = "gemini"


Client = Annotated[ClientName, typer.Option("--client", "-c", help="Which client.")]
Project = Annotated[
    Path | None,
    typer.Option("--project", metavar="FOLDER", help="Settings of this project, not the user's."),
]
Url = Annotated[
    str | None,
    typer.Option("--url", envvar="MBA_URL", metavar="URL", help="A server, instead of a file."),
]


@app.callback()
def mcp(context: typer.Context) -> None:
    """Serve over standard input and output where no subcommand is named."""
    if context.invoked_subcommand is None:
        raise typer.Exit(serve_stdio([]))


def hook(context: typer.Context) -> None:
    """Do what an agent's event asks for."""
    raise typer.Exit(hook_command.run_hook(context.args))


@app.command("install", help="Write the server into a client's settings; all else there stays.")
def install(
    client: Client,
    *,
    project: Project = None,
    url: Url = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print what the file would be, and write nothing.")
    ] = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Write the server into a client's settings."""
    from mba_integrations.services.mcp.install.clients import CLIENTS
    from mba_integrations.services.mcp.install.settings_file import with_server

    known = CLIENTS[client]
    change = with_server(known, _settings(client, project), _target(database, workspace, url))
    backup = None
    if dry_run:
        write_text(change.after)
    elif change.is_needed:
        backup = change.apply()
    if as_json:
        done = {"path": change.path, "changed": change.is_needed and not dry_run, "backup": backup}
        write_result(done)
    elif not change.is_needed:
        remark("done", f"{change.path} has it already")
    elif dry_run:
        remark("note", f"{change.path} was not written")
    else:
        kept = f"; what stood there is in {backup}" if backup else ""
        remark("done", f"{known.title} has it in {change.path}{kept}. {known.after}")


@app.command("check", help="Ask what a client is set up with, in both revisions of the protocol.")
def check(
    client: Annotated[
        ClientName | None,
        typer.Option("--client", "-c", help="Whose settings; else what would be installed."),
    ] = None,
    *,
    project: Project = None,
    url: Url = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Ask what a client is set up with."""
    from mba_integrations.services.mcp.install.check import check as checked

    if client is None:
        target = _target(database, workspace, url)
        entry: Any = {"command": target.command[0], "args": list(target.command[1:])}
        entry = entry if target.url is None else {"url": target.url}
    else:
        entry = _installed(client, project)
    answers = checked(entry)
    if as_json:
        write_result({"answers": answers})
        return
    for one in answers:
        first = f"first answer after {one.first_seconds:.2f} s"
        remark("done", f"revision {one.revision}: {first}. {one.status}")


def _installed(client: ClientName, project: Path | None) -> Any:
    from mba_integrations.services.mcp.install.clients import CLIENTS
    from mba_integrations.services.mcp.install.settings_file import server_in

    return server_in(CLIENTS[client], _settings(client, project))


def _settings(client: ClientName, project: Path | None) -> Path:
    from mba_integrations.services.mcp.install.clients import CLIENTS

    file = CLIENTS[client].file(Path.home(), None if project is None else project.resolve())
    if file is None:
        raise InputError(f"{CLIENTS[client].title} has no settings of a project. Drop --project.")
    return file


def _target(database: str | None, workspace: str, url: str | None) -> Target:
    from mba_integrations.services.mcp.install.clients import Target

    start = (*_program(), "mcp")
    if url is not None:
        whole = f"{url.rstrip('/')}/mcp/{quote(workspace, safe='')}"
        return Target(command=(*start, "--url", url, "--workspace", workspace), url=whole)
    file = file_of(place_of(database))
    if file is None:
        raise InputError(
            "an agent starts a server for a file alone. Start `mba serve` on that database, and "
            "give its --url."
        )
    return Target(command=(*start, "--db", str(file.resolve()), "--workspace", workspace))


def _program() -> tuple[str, ...]:
    """By its whole path: a program with windows has no shell's search path."""
    found = shutil.which("mba")
    return (found,) if found else (sys.executable, "-m", "mba_integrations")
