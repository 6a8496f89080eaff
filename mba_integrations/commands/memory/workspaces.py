"""`mba workspaces`: make, list and delete the workspaces of a database."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened, opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line

HELP = "Make, list and delete workspaces: the memories and settings of one person or use."
CREATE_HELP = """Make a workspace; it makes the database too.

Examples:

\b
  mba workspaces create kate
  mba workspaces create work --template development --time-zone Europe/Lisbon
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a workspace.")]


@app.command("list", help="List the workspaces with how many memories each tier has.")
@somewhere
def list_workspaces(*, where: Where, as_json: options.AsJson = False) -> None:
    """List the workspaces."""
    with opened(where) as service:
        rows = [service.workspaces.row(name) for name in service.workspaces.ids()]
        counts = {row.workspace_id: service.counts(row.workspace_id) for row in rows}
    if as_json:
        found = [
            {
                "workspace_id": row.workspace_id,
                "memories": counts[row.workspace_id],
                "created_at": row.created_at,
                "time_zone": row.time_zone,
                "settings_version": row.settings_version,
            }
            for row in rows
        ]
        write_result({"workspaces": found})
        return
    table = titled_table(f"Workspaces: {len(rows):,}")
    table.add_column("workspace", overflow="fold")
    for tier in ("working", "project", "long_term", "rag"):
        table.add_column(tier, justify="right")
    table.add_column("since", no_wrap=True)
    for row in rows:
        tiers = [f"{count:,}" for count in counts[row.workspace_id].values()]
        cells = (in_one_line(row.workspace_id), *tiers, row.created_at.date().isoformat())
        table.add_row(*map(Text, cells))
    results().print(table)


@app.command("create", help=CREATE_HELP)
@somewhere
def create(
    workspace_id: Id,
    *,
    template: Annotated[
        str | None,
        typer.Option("--template", metavar="NAME", help="A shipped workspace that it begins as."),
    ] = "default",
    time_zone: Annotated[
        str, typer.Option("--time-zone", metavar="ZONE", help="In which its days end.")
    ] = "UTC",
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Make a workspace."""
    with opened(where, create=True) as service:
        service.create_workspace(workspace_id, template=template, time_zone=time_zone)
        config = service.workspaces.config(workspace_id)
    if as_json:
        write_result({"workspace_id": workspace_id, "settings": config.model_dump(mode="json")})
    else:
        remark("done", f"new workspace {workspace_id!r}, {config.max_total_tokens:,} tokens")


@app.command("delete", help="Delete a workspace with all its memories; there is no way back.")
@somewhere
def delete(
    workspace_id: Id,
    *,
    yes: options.Yes = False,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Delete a workspace."""
    with opened_at(where, workspace_id) as service:
        count = sum(service.counts(workspace_id).values())
        options.ask(
            f"{workspace_id!r} and {count:,} memories would go.",
            f"Delete {workspace_id!r} with {count:,} memories?",
            yes=yes,
        )
        counts = service.workspaces.delete(workspace_id)
    if as_json:
        write_result({"workspace_id": workspace_id, "deleted": counts})
    else:
        memories = counts.get("memory", 0)
        remark("done", f"workspace {workspace_id!r} is gone, with {memories:,} memories")
