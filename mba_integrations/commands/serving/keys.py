"""`mba keys`: who may call a server, and what for."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.places import file_of, place_of
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results, write_line
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line, one_line
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.store.rows.keys import KeyRow

HELP = "Make, list and revoke the keys by which callers of a server are known."
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)
DEFAULT = [Scope.READ, Scope.WRITE, Scope.FORGET]


@app.command("create", help="Make a key. It is shown once.")
@somewhere
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    *,
    scopes: Annotated[
        list[Scope] | None,
        typer.Option("--scope", help="What it may do. Repeatable. Default: read, write, forget."),
    ] = None,
    workspaces: Annotated[
        list[str] | None,
        typer.Option("--workspace", "-w", metavar="ID", help="Where. Repeatable. Default: all."),
    ] = None,
    expires: options.Expires = None,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Make a key."""
    file = None if where.url else file_of(place_of(where.database))
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with opened(where, create=True) as service:
        made = service.keys.create(
            name, scopes=scopes or DEFAULT, workspaces=workspaces, expires_at=expires
        )
    if as_json:
        write_result({"key": made.key, "about": _shown(made.row)})
        return
    write_line(made.key)
    remark("note", f"key {made.row.key_id} is shown this once; send it as X-API-Key")


@app.command("list", help="List keys, the oldest first. Secrets are not kept.")
@somewhere
def list_keys(*, where: Where, as_json: options.AsJson = False) -> None:
    """List keys."""
    with opened(where) as service:
        found = service.keys.list()
    if as_json:
        write_result({"keys": [_shown(row) for row in found]})
        return
    table = titled_table(f"Keys: {len(found):,}")
    for title in ("id", "name", "may", "where", "used", "state"):
        table.add_column(title, no_wrap=title != "where")
    for row in found:
        table.add_row(*map(Text, _cells(row)))
    results().print(table)


@app.command("revoke", help="Refuse a key from now on, in every process.")
@somewhere
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="Id of a key.")],
    *,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Refuse a key."""
    with opened(where) as service:
        row = service.keys.revoke(key_id)
    if as_json:
        write_result({"key": _shown(row)})
    else:
        remark("done", f"key {in_one_line(row.key_id)} is refused from now on")


def _shown(row: KeyRow) -> dict[str, object]:
    hidden = {"sha256"}
    return {name: getattr(row, name) for name in KeyRow.__slots__ if name not in hidden}


def _cells(row: KeyRow) -> tuple[str, ...]:
    where = "everywhere" if row.workspaces is None else ", ".join(row.workspaces)
    return (
        row.key_id,
        one_line(row.name, max_chars=30),
        ", ".join(row.scopes),
        one_line(where, max_chars=60),
        _day(row.last_used_at) or "never",
        _state(row),
    )


def _state(row: KeyRow) -> str:
    if row.revoked_at is not None:
        return f"revoked {_day(row.revoked_at)}"
    return f"until {_day(row.expires_at)}" if row.expires_at is not None else "holds"


def _day(time: datetime | None) -> str:
    return "" if time is None else f"{time:%Y-%m-%d}"
