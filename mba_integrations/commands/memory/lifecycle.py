"""`mba lifecycle`: memories that are used move nearer, unused ones farther, and back."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line

HELP = "Move memories between tiers by their use: review, apply, undo."
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)

Id = Annotated[str, typer.Argument(metavar="REVIEW", help="Id of a review of the last week.")]


@app.command("review", help="Show which memories should move, and why. Nothing moves.")
def review(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Show which memories should move."""
    with opened_at(database, workspace) as service:
        found = service.tiers.review(workspace)
    moves = list(found.review)
    if as_json:
        staying = found.review.staying
        write_result({"review_id": found.review_id, "moves": moves, "staying": staying})
        return
    if not moves:
        remark("done", f"all {found.review.staying:,} memories are where they should be")
        return
    table = titled_table(f"To be moved: {len(moves):,} of {len(moves) + found.review.staying:,}")
    for name in ("id", "from", "to", "why"):
        table.add_column(name, overflow="fold")
    for move in moves:
        cells = (move.item_id, move.from_tier.value, move.to_tier.value, move.why)
        table.add_row(*map(Text, map(in_one_line, cells)))
    results().print(table)
    remark("note", f"move them: mba lifecycle apply {found.review_id}")


@app.command("apply", help="Move what a review recommends; `undo` moves it back.")
def apply(
    review_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Move what a review recommends."""
    with opened_at(database, workspace) as service:
        reply = service.tiers.apply(workspace, review_id)
    if as_json:
        write_result({"moved": reply.memory_ids, "change_seq": reply.change_seq})
    else:
        remark("done", f"{len(reply):,} moved; back: mba lifecycle undo {in_one_line(review_id)}")


@app.command("undo", help="Move back what a review moved, as far as it is still there.")
def undo(
    review_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    database: options.Database = None,
    as_json: options.AsJson = False,
) -> None:
    """Move back what a review moved."""
    with opened_at(database, workspace) as service:
        reply = service.tiers.undo(workspace, review_id)
    if as_json:
        write_result({"moved": reply.memory_ids, "change_seq": reply.change_seq})
    else:
        remark("done", f"{len(reply):,} moved back")
