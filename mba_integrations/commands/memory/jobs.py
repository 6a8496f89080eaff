"""`mba jobs`: work that waits in the database, such as vectors of new memories."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.callables import callable_named
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at, opened_here
from mba_integrations.commands.printing.memories import plain, write_result
from mba_integrations.commands.printing.output import remark, results
from mba_integrations.commands.printing.progress import progress_of
from mba_integrations.commands.printing.tables import titled_table
from mba_integrations.commands.printing.visible import in_one_line, one_line
from mba_integrations.services.store.rows.jobs import JobRow, JobState

HELP = "List, show, retry, cancel and run jobs: work that is done after a call."
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)

Id = Annotated[str, typer.Argument(metavar="ID", help="Id of a job.")]


@app.command("list", help="List jobs, the latest first.")
@somewhere
def list_jobs(
    *,
    states: Annotated[
        list[JobState] | None, typer.Option("--state", help="In this state. Repeatable.")
    ] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=500, help="How many.")] = 20,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """List jobs."""
    with opened_at(where, workspace) as service:
        found = service.jobs.list(workspace, states=tuple(states or JobState), limit=limit)
    if as_json:
        write_result({"jobs": found})
        return
    table = titled_table(f"Jobs of {workspace}: {len(found):,}")
    for name in ("id", "kind", "state", "done", "tries", "error"):
        table.add_column(name, no_wrap=name != "error")
    for job in found:
        table.add_row(*map(Text, _cells(job)))
    results().print(table)


@app.command("show", help="Show one job with all that is known of it.")
@somewhere
def show(
    job_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show one job."""
    with opened_at(where, workspace) as service:
        job = service.jobs.get(workspace, job_id)
    if as_json:
        write_result({"job": job})
        return
    for name, value in plain(job).items():
        if value not in (None, {}):
            results().print(Text.assemble((f"{name:<13}", "dim"), in_one_line(str(value))))


@app.command("retry", help="Put a job in again that failed or was cancelled.")
@somewhere
def retry(
    job_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Put a job in again."""
    with opened_at(where, workspace) as service:
        _write(service.jobs.retry(workspace, job_id), as_json=as_json)


@app.command("cancel", help="Cancel a job that has not ended.")
@somewhere
def cancel(
    job_id: Id,
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Cancel a job."""
    with opened_at(where, workspace) as service:
        _write(service.jobs.cancel(workspace, job_id), as_json=as_json)


@app.command("run", help="Do the jobs that are due, of all workspaces.")
@somewhere
def run(
    *,
    where: Where,
    local: options.Local = False,
    extractor: options.Extractor = None,
    as_json: options.AsJson = False,
) -> None:
    """Do the jobs that are due."""
    extracts = callable_named("--extractor", extractor)
    with (
        opened_here(where, "mba jobs run", local=local, extractor=extracts) as service,
        progress_of("Doing jobs") as told,
    ):
        begun = service.jobs.run(progress=lambda _, part: told(round(100 * part), 100))
    if as_json:
        write_result({"begun": begun})
    else:
        remark("done", f"{begun:,} jobs were due")


def _write(job: JobRow, *, as_json: bool) -> None:
    if as_json:
        write_result({"job": job})
    else:
        remark("done", f"job {job.job_id} is {job.state.value}")


def _cells(job: JobRow) -> tuple[str, ...]:
    tries = f"{job.attempts} of {job.max_attempts}"
    error = one_line(job.error or "", max_chars=60)
    return (in_one_line(job.job_id), job.kind, job.state.value, f"{job.progress:.0%}", tries, error)
