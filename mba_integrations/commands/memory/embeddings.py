"""`mba embeddings`: which memories have vectors, and the change to another model."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at, opened_here
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import remark, results
from mba_integrations.commands.printing.progress import progress_of
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.errors import InputError
from mba_integrations.local_embedder import LocalEmbedder
from mba_integrations.services.store.rows.jobs import JobState

HELP = "Vectors of memories: how many have one, and the change to another model."
MIGRATE_HELP = """Make the vectors of a model for all memories that have none of it.

Until all have one, recall uses what was there before. Afterwards use the model with --local, or
MBA_LOCAL=1.

Examples:

\b
  mba embeddings migrate --to local
  mba embeddings migrate --to local --drop-others
"""
app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=HELP)
_PAUSE_SECONDS = 0.2


class Model(StrEnum):
    """Models that the command line knows; any other is used from Python."""

    LOCAL = "local"


@app.command("status", help="Show which part of the memories has a vector, by model.")
@somewhere
def status(
    *,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Show which part of the memories has a vector."""
    with opened_at(where, workspace) as service:
        covered = service.embeddings.coverage(workspace)
        waiting = service.jobs.counts(workspace)[JobState.QUEUED]
    if as_json:
        write_result({"coverage": covered, "queued_jobs": waiting})
        return
    if not covered:
        remark("note", "no vectors: memories are found by their words")
    for model, part in covered.items():
        results().print(Text(f"{part:6.1%}  {in_one_line(model)}"))
    if waiting:
        remark("note", f"{waiting:,} jobs wait: mba jobs run --local")


@app.command("migrate", help=MIGRATE_HELP)
@somewhere
def migrate(
    *,
    to: Annotated[Model, typer.Option("--to", help="The model.")],
    drop_others: Annotated[
        bool, typer.Option("--drop-others", help="Delete the vectors of other models afterwards.")
    ] = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Make the vectors of a model for all memories."""
    model = LocalEmbedder.id
    here = opened_here(
        where,
        "mba embeddings migrate",
        workspace=workspace,
        local=to is Model.LOCAL,
        background=True,
    )
    with here as service:
        service.embeddings.complete(workspace)
        with progress_of("Embedding") as progress:
            while not service.jobs.wait_until_idle(workspace, seconds=_PAUSE_SECONDS):
                part = service.embeddings.coverage(workspace).get(model, 0.0)
                progress(round(part * 1_000), 1_000)
        covered = service.embeddings.coverage(workspace)
        if covered.get(model, 1.0) < 1.0:
            raise InputError(
                f"{covered[model]:.1%} of the memories have a vector: a job failed. "
                "See `mba jobs list --state failed`."
            )
        others = [name for name in covered if name != model] if drop_others else []
        dropped = {name: service.embeddings.drop(workspace, name) for name in others}
    if as_json:
        write_result({"model": model, "coverage": covered, "dropped": dropped})
    else:
        remark("done", f"all memories have a vector of {model}; {len(dropped):,} models dropped")
