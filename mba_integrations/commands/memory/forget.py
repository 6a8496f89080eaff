"""`mba forget`: memories that are not to be recalled any more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import memory_table, write_result
from mba_integrations.commands.printing.output import remark, remarks
from mba_integrations.core.errors import InputError

if TYPE_CHECKING:
    from mba_integrations.commands.memory.database import Opened
    from mba_integrations.services.store.rows.memories import MemoryFilter

HELP = """Forget memories, by id or by what they have in common.

No recall sees them any more; their texts stay in the history. With --erase nothing of them stays in
the database, and a restored backup or an import does not bring them back.

Examples:

\b
  mba forget 0199b3c4-0000-7000-8000-000000000000
  mba forget --subject kate
  mba forget --contains "old office" --yes
  mba forget --subject kate --erase --yes
"""
_SHOWN_ROWS = 10


@somewhere
def forget(
    ids: Annotated[
        list[str] | None, typer.Argument(metavar="[ID...]", help="Ids of memories.")
    ] = None,
    *,
    tiers: options.Tiers = None,
    subject: options.Subject = None,
    source: options.Source = None,
    tags: options.Tags = None,
    contains: options.Contains = None,
    reason: options.Reason = None,
    erase: Annotated[
        bool,
        typer.Option("--erase", help="Leave nothing of them; by ids, --subject or --source."),
    ] = False,
    yes: options.Yes = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Forget memories."""
    filters = options.wanted(
        tiers=tiers, subject=subject, source=source, tags=tags, contains=contains
    )
    if bool(ids) is (filters is not None):
        raise typer.BadParameter("give ids, or options that say which memories, not both")
    if erase:
        if (tiers, tags, contains) != (None, None, None):
            raise typer.BadParameter("--erase goes by ids, --subject or --source alone")
        _erase(where, workspace, ids, subject, source, yes=yes, as_json=as_json)
        return
    with opened_at(where, workspace) as service:
        expected = None
        if filters is not None:
            expected = _asked(service, workspace, filters, yes=yes)
        reply = service.forget(
            workspace, ids or None, filters=filters, expected=expected, reason=reason
        )
    if as_json:
        write_result({"forgotten": reply.memory_ids, "change_seq": reply.change_seq})
    else:
        remark("done", f"{len(reply):,} forgotten")


def _erase(
    where: Where,
    workspace: str,
    ids: list[str] | None,
    subject: str | None,
    source: str | None,
    *,
    yes: bool,
    as_json: bool,
) -> None:
    with opened_at(where, workspace) as service:
        options.ask("Erased memories are gone for good.", "Erase them for good?", yes=yes)
        receipt = service.erasures.erase(
            workspace, memory_ids=ids or None, subjects=subject, sources=source
        )
    if as_json:
        write_result({"erasure": receipt})
    else:
        remark("done", f"{receipt.counts.get('memory', 0):,} erased, receipt {receipt.erasure_id}")
        remark("note", receipt.freed or "")


def _asked(service: Opened, workspace: str, filters: MemoryFilter, *, yes: bool) -> int | None:
    """How many memories are to be forgotten, as somebody agreed; None where nobody is asked.

    Raises:
        InputError: If there are none, or nobody is there to agree.
    """
    if yes:
        return None
    page = service.list(workspace, filters, limit=500)
    if not page.rows:
        raise InputError("no memory is like that: nothing was forgotten.")
    count = f"{len(page.rows):,}" if page.after is None else f"more than {len(page.rows):,}"
    if sys.stdin.isatty():
        console = remarks()
        title = f"To be forgotten: {count}"
        console.print(memory_table(title, page.rows[:_SHOWN_ROWS], width=console.width))
    options.ask(f"{count} memories would be forgotten.", f"Forget {count} memories?", yes=yes)
    return len(page.rows) if page.after is None else None
