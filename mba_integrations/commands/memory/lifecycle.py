"""`mba lifecycle`: moves between tiers and back, order on a schedule, merges that are proposed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.callables import callable_named
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at, opened_here
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results, write_line
from mba_integrations.commands.printing.progress import progress_of
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line

if TYPE_CHECKING:
    from mba_integrations.commands.memory.database import Opened
    from mba_integrations.services.memory.organising.merges import MergeProposal

HELP = """Keep memories in order.

Moves between tiers by use: review, apply, undo. All order on a schedule: start, stop, status.
Merges by a function of yours: propose, proposals, accept.
"""
START_HELP = """Put a workspace in order now, and again as often as is said.

A run ends quiet sessions (their working memory becomes long-term memory), applies retention, moves
memories between tiers within a cap, links those that say the same, and cuts the log. Later runs are
jobs: whoever does jobs does them, such as `mba jobs run` once an hour.

Examples:

\b
  mba lifecycle start --every-hours 24 --max-moves-pct 5
  mba jobs run
"""
PROPOSE_HELP = """Ask a function of yours which memories could be one. Nothing is merged.

It gets a list of memory items, and gives `MergeProposal`s.

Examples:

\b
  mba lifecycle propose --organiser mymodule:organise
  mba lifecycle proposals
  mba lifecycle accept 0199b3c4-0000-7000-8000-000000000000
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)

Id = Annotated[str, typer.Argument(metavar="REVIEW", help="Id of a review of the last week.")]


@app.command("review", help="Show which memories should move, and why. Nothing moves.")
@somewhere
def review(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show which memories should move."""
    with opened_at(where, workspace) as service:
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
@somewhere
def apply(
    review_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Move what a review recommends."""
    with opened_at(where, workspace) as service:
        reply = service.tiers.apply(workspace, review_id)
    if as_json:
        write_result({"moved": reply.memory_ids, "change_seq": reply.change_seq})
    else:
        remark("done", f"{len(reply):,} moved; back: mba lifecycle undo {in_one_line(review_id)}")


@app.command("undo", help="Move back what a review moved, as far as it is still there.")
@somewhere
def undo(
    review_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Move back what a review moved."""
    with opened_at(where, workspace) as service:
        reply = service.tiers.undo(workspace, review_id)
    if as_json:
        write_result({"moved": reply.memory_ids, "change_seq": reply.change_seq})
    else:
        remark("done", f"{len(reply):,} moved back")


@app.command("start", help=START_HELP)
@somewhere
def start(
    *,
    every_hours: Annotated[
        float, typer.Option("--every-hours", help="Hours from one run to the next.")
    ] = 24.0,
    max_moves_pct: Annotated[
        float, typer.Option("--max-moves-pct", help="Most of the memories that a run moves.")
    ] = 5.0,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Put a workspace in order on a schedule."""
    with opened_at(where, workspace) as service, progress_of("Putting in order"):
        service.organisation.start(workspace, every_hours=every_hours, max_moves_pct=max_moves_pct)
        service.jobs.run()
        service.jobs.wait_until_idle(workspace)
        _write_status(service, workspace, as_json=as_json)


@app.command("stop", help="Put a workspace in order no longer.")
@somewhere
def stop(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Put a workspace in order no longer."""
    with opened_at(where, workspace) as service:
        stopped = service.organisation.stop(workspace)
    if as_json:
        write_result({"stopped": stopped})
    else:
        remark("done", "stopped" if stopped else "it was not started")


@app.command("status", help="Show the schedule of a workspace, and what the last run did.")
@somewhere
def status(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show the schedule of a workspace."""
    with opened_at(where, workspace) as service:
        _write_status(service, workspace, as_json=as_json)


@app.command("propose", help=PROPOSE_HELP)
@somewhere
def propose(
    *,
    organiser: Annotated[
        str, typer.Option("--organiser", metavar="MODULE:FUNCTION", help="The function.")
    ],
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Ask which memories could be one."""
    organises = callable_named("--organiser", organiser)
    here = opened_here(where, "mba lifecycle propose", workspace=workspace, organiser=organises)
    with here as service:
        _write_proposals(service.merges.propose(workspace), as_json=as_json)


@app.command("proposals", help="List the merges that were proposed in the last week.")
@somewhere
def proposals(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """List the merges that were proposed."""
    with opened_at(where, workspace) as service:
        _write_proposals(service.merges.list(workspace), as_json=as_json)


@app.command("accept", help="Put one memory in the place of those that a proposal names.")
@somewhere
def accept(
    proposal_id: Annotated[str, typer.Argument(metavar="PROPOSAL", help="Id of a proposal.")],
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    as_json: options.AsJson = False,
) -> None:
    """Accept a proposal."""
    with opened_at(where, workspace, local=local) as service:
        reply = service.merges.accept(workspace, proposal_id)
        service.jobs.run()
        if as_json:
            write_result({"memories": reply.memories, "change_seq": reply.change_seq})
        else:
            remark("done", f"merged into {in_one_line(reply.memory_ids[0])}")


def _write_status(service: Opened, workspace: str, *, as_json: bool) -> None:
    plan = service.organisation.plan(workspace)
    report = service.organisation.last_report(workspace)
    if as_json:
        written = None if plan is None else plan.model_dump(mode="json")
        write_result({"plan": written, "last_report": report})
        return
    remark("note", "not started" if plan is None else f"every {plan.every_hours:g} hours")
    for name, value in (report or {}).items():
        write_line(f"{name.replace('_', ' '):<24}{value}")


def _write_proposals(found: Sequence[MergeProposal], *, as_json: bool) -> None:
    if as_json:
        write_result({"proposals": found})
        return
    if not found:
        remark("done", "nothing is proposed")
        return
    table = titled_table(f"Could be one: {len(found):,}")
    for name in ("proposal", "memories", "text", "reason"):
        table.add_column(name, overflow="fold")
    for one in found:
        cells = (one.proposal_id, ", ".join(one.memory_ids), one.content, one.reason)
        table.add_row(*map(Text, map(in_one_line, cells)))
    results().print(table)
