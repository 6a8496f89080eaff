"""`mba memories`: look at single memories and change them."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import (
    details,
    memory_table,
    write_result,
)
from mba_integrations.commands.printing.output import remark, results, write_line, write_text
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.model import MemoryTier
from mba_integrations.ingest.reading import STANDARD_INPUT
from mba_integrations.services.memory.remembering.results import ChangeReply, MemoryHistory
from mba_integrations.services.store.rows.memories import MemoryRow, MemoryState

if TYPE_CHECKING:
    from mba_integrations.commands.remote.service import ToldChange

HELP = "Look at memories and change them."
LIST_HELP = """List memories, the newest first.

Examples:

\b
  mba memories list
  mba memories list --tier project --tag ops --limit 100
  mba memories list --state superseded --json
"""
EDIT_HELP = """Put another text in the place of a memory's, or set when it expires.

The old text is kept, superseded; the new one has an id of its own.

Examples:

\b
  mba memories edit 0199b3c4-0000-7000-8000-000000000000 "Kate lives in Porto."
  mba memories edit 0199b3c4-0000-7000-8000-000000000000 --expires 2027-01-01
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a memory.")]


@app.command("list", help=LIST_HELP)
@somewhere
def list_memories(
    *,
    tiers: options.Tiers = None,
    subject: options.Subject = None,
    source: options.Source = None,
    tags: options.Tags = None,
    contains: options.Contains = None,
    states: Annotated[
        list[MemoryState] | None,
        typer.Option("--state", help="In this state. Repeatable. Default: active."),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many.")] = 20,
    after: Annotated[
        int | None, typer.Option("--after", help="Go on behind the page that gave this number.")
    ] = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """List memories."""
    filters = options.wanted(
        tiers=tiers,
        subject=subject,
        source=source,
        tags=tags,
        contains=contains,
        states=states,
    )
    with opened_at(where, workspace) as service:
        page = service.list(workspace, filters, after=after, limit=limit)
    if as_json:
        write_result({"memories": page.rows, "after": page.after})
    elif page.rows:
        console = results()
        title = f"Memories of {workspace}"
        console.print(memory_table(title, page.rows, width=console.width))
        if page.after is not None:
            remark("note", f"there are more: --after {page.after}")
    else:
        remark("note", "no memory is like that")


@app.command("get", help="Show one memory with all that is known of it.")
@somewhere
def get(
    memory_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show one memory."""
    with opened_at(where, workspace) as service:
        row = service.get(workspace, memory_id)
    if as_json:
        write_result({"memory": row})
        return
    _print_details(results(), row)
    write_text(f"\n{row.content}\n")


@app.command("edit", help=EDIT_HELP)
@somewhere
def edit(
    memory_id: Id,
    text: Annotated[
        str | None, typer.Argument(help="The new text; - reads standard input.")
    ] = None,
    *,
    expires: options.Expires = None,
    never_expires: Annotated[
        bool, typer.Option("--never-expires", help="Take back an earlier --expires.")
    ] = False,
    reason: options.Reason = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    as_json: options.AsJson = False,
) -> None:
    """Put another text in the place of a memory's, or set when it expires."""
    if expires is not None and never_expires:
        raise typer.BadParameter("give --expires or --never-expires, not both")
    if text is None and expires is None and not never_expires:
        raise typer.BadParameter("give a text, --expires or --never-expires")
    content = sys.stdin.read().strip() if text == STANDARD_INPUT else text
    with opened_at(where, workspace, local=local) as service:
        named = [memory_id]
        if content is not None:
            reply = service.revise(workspace, memory_id, content, reason=reason)
            named = list(reply.memory_ids)
            service.jobs.run()
        if expires is not None or never_expires:
            service.expire(workspace, named, expires, reason=reason)
        rows = [service.get(workspace, name) for name in named]
        change_seq = service.workspaces.row(workspace).change_seq
    if as_json:
        write_result({"memories": rows, "change_seq": change_seq})
        return
    for row in rows:
        write_line(f"{row.state.value:<10}  {row.memory_id}  {in_one_line(row.content)[:80]}")


@app.command("move", help="Move memories to another tier.")
@somewhere
def move(
    ids: options.Ids,
    *,
    to: Annotated[MemoryTier, typer.Option("--to", help="The tier.")],
    reason: options.Reason = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Move memories to another tier."""
    with opened_at(where, workspace) as service:
        reply = service.move(workspace, ids, to, reason=reason)
        _write_change(reply, f"moved to {to.value}", as_json=as_json)


@app.command("pin", help="Have memories in every prompt, or no longer.")
@somewhere
def pin(
    ids: options.Ids,
    *,
    off: Annotated[bool, typer.Option("--off", help="No longer.")] = False,
    reason: options.Reason = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Have memories in every prompt."""
    with opened_at(where, workspace) as service:
        reply = service.pin(workspace, ids, not off, reason=reason)
        _write_change(reply, "no longer pinned" if off else "pinned", as_json=as_json)


@app.command("hold", help="Keep memories from retention, or no longer.")
@somewhere
def hold(
    ids: options.Ids,
    *,
    off: Annotated[bool, typer.Option("--off", help="No longer.")] = False,
    reason: options.Reason = None,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Keep memories from retention."""
    with opened_at(where, workspace) as service:
        reply = service.hold(workspace, ids, not off, reason=reason)
        _write_change(reply, "no longer held" if off else "held", as_json=as_json)


@app.command("history", help="Show what happened to a memory, and to those before and after it.")
@somewhere
def history(
    memory_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show what happened to a memory."""
    with opened_at(where, workspace) as service:
        found = service.history(workspace, memory_id)
    if as_json:
        write_result(
            {"memories": found.memories, "changes": found.changes, "versions": found.versions}
        )
    else:
        _print_history(results(), found)


def _write_change(reply: ChangeReply | ToldChange, done: str, *, as_json: bool) -> None:
    if as_json:
        write_result({"memories": reply.memories, "change_seq": reply.change_seq})
    else:
        remark("done", f"{len(reply):,} {done}")


def _print_details(console: Console, row: MemoryRow) -> None:
    for name, value in details(row):
        console.print(Text.assemble((f"{name:<17}", "dim"), in_one_line(value)))


def _print_history(console: Console, found: MemoryHistory) -> None:
    console.print(memory_table("Texts", found.memories, width=console.width))
    console.print(Text("Changes", style="bold"))
    for change in found.changes:
        moved = f" {change.tier_from} -> {change.tier_to}" if change.tier_to else ""
        said = f": {change.reason}" if change.reason else ""
        by = f" by {change.actor}" if change.actor else ""
        line = f"{_minute(change.at)}  {change.op.value}{moved}  {change.memory_id}{by}{said}"
        console.print(Text(in_one_line(line)))


def _minute(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M")
