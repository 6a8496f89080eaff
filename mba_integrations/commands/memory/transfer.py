"""`mba export` and `mba import`: a workspace into a file, and memories out of files of others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.callables import callable_named
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened_at
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import note_all, remark
from mba_integrations.commands.printing.progress import progress_of
from mba_integrations.core.errors import InputError
from mba_integrations.services.memory.transfer.export_file import FORMAT

_LONGEST_HEADER = 1_000_000
"""An export begins with a line that says so, with the workspace's settings."""

if TYPE_CHECKING:
    from mba_integrations.services.memory.transfer.importing import ImportReply
    from mba_integrations.services.store.rows.jobs import JobRow

EXPORT_HELP = """Write a workspace to a file of JSON lines that ends with a count and a hash.

Examples:

\b
  mba export memories.jsonl
  mba export memories.jsonl --workspace kate --with-vectors
"""
IMPORT_HELP = """Remember what a file or a folder has; done again, it adds nothing twice.

--from says what it is: mba (an export of `mba export`, the default of a file), markdown_folder (the
default of a folder), mem0, langgraph_store, mcp_memory (JSON lines of the reference memory server),
chat (messages in OpenAI's format).

Examples:

\b
  mba import memories.jsonl
  mba import docs
  mba import chat.json --from chat --dry-run
  mba import memories.jsonl --url http://127.0.0.1:8377 --background
"""


@somewhere
def export(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The file; replaced when whole.")],
    *,
    with_vectors: Annotated[
        bool, typer.Option("--with-vectors", help="With the vectors of all models.")
    ] = False,
    with_inactive: Annotated[
        bool, typer.Option("--with-inactive", help="With superseded and forgotten memories.")
    ] = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Write a workspace to a file."""
    with opened_at(where, workspace) as service, progress_of("Exporting") as progress:
        receipt = service.transfer.export_to(
            workspace,
            path,
            with_vectors=with_vectors,
            with_inactive=with_inactive,
            progress=progress,
        )
    if as_json:
        write_result({"path": receipt.path, "count": receipt.count, "sha256": receipt.sha256})
    else:
        remark("done", f"{receipt.count:,} records in {receipt.path}, sha256 {receipt.sha256}")


@somewhere
def import_(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The file or folder.")],
    *,
    source_format: Annotated[
        str | None, typer.Option("--from", metavar="FORMAT", help="What it is, as said above.")
    ] = None,
    tier: options.Tier = None,
    subject: options.Subject = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Count only, and keep nothing.")
    ] = False,
    background: Annotated[
        bool,
        typer.Option("--background", help="Have a job do it, which `mba jobs show ID` tells of."),
    ] = False,
    workspace: options.Workspace = options.DEFAULT_WORKSPACE,
    where: Where,
    local: options.Local = False,
    extractor: options.Extractor = None,
    as_json: options.AsJson = False,
) -> None:
    """Remember what a file or a folder has."""
    kind = source_format or _guessed(path)
    extracts = callable_named("--extractor", extractor)
    with opened_at(where, workspace, local=local, create=True, extractor=extracts) as service:
        if background:
            job = service.transfer.begin_import(
                workspace, path, kind, tier=tier, subject=subject, dry_run=dry_run
            )
            _tell(job, as_json=as_json)
            return
        with progress_of("Importing") as progress:
            reply = service.transfer.import_from(
                workspace,
                path,
                kind,
                tier=tier,
                subject=subject,
                dry_run=dry_run,
                progress=progress,
            )
        service.jobs.run()
    if as_json:
        write_result({"dry_run": dry_run, **vars_of(reply)})
        return
    note_all((*reply.notes, *reply.reasons))
    would = "would be " if dry_run else ""
    remark(
        "done",
        f"{reply.created:,} {would}remembered, {reply.duplicates:,} known before, "
        f"{reply.rejected:,} refused, {reply.erased:,} erased before",
    )


def _tell(job: JobRow, *, as_json: bool) -> None:
    if as_json:
        write_result({"job": job})
    else:
        remark("done", f"job {job.job_id} imports; mba jobs show {job.job_id} says how far it is")


def _guessed(path: Path) -> str:
    """What a path is by its looks.

    Raises:
        InputError: If it is a file that is no export.
    """
    if path.is_dir():
        return "markdown_folder"
    with path.open("rb") as file:
        first = file.readline(_LONGEST_HEADER)
    if FORMAT.encode() not in first:
        raise InputError(f"{path} is no export of `mba export`. Say what it is with --from.")
    return "mba"


def vars_of(reply: ImportReply) -> dict[str, object]:
    """The fields of a reply."""
    names = ("created", "duplicates", "erased", "rejected", "reasons", "vectors", "notes")
    return {name: getattr(reply, name) for name in names}
