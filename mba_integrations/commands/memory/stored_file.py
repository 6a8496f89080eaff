"""`mba backup` and `mba db`: the file that all memories are in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.places import file_of, place_of
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened, opened_here
from mba_integrations.commands.printing.memories import plain, write_result
from mba_integrations.commands.printing.output import remark
from mba_integrations.commands.printing.progress import progress_of
from mba_integrations.commands.remote.connecting import server_of
from mba_integrations.core.errors import InputError
from mba_integrations.services.store.errors import StoreFileError
from mba_integrations.services.store.sqlite.health import damages

BACKUP_HELP = "Copy a SQLite database while it is used, check the copy, put it back."
DATABASE_HELP = "Check a database, and bring its tables to this release."
backup_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=BACKUP_HELP)
database_app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help=DATABASE_HELP)

Copy = Annotated[Path, typer.Argument(metavar="FILE", help="The copy.")]


@backup_app.command("create", help="Copy the database as it is now into a new file.")
@somewhere
def create(copy: Copy, *, where: Where, as_json: options.AsJson = False) -> None:
    """Copy the database."""
    with opened(where) as service, progress_of("Copying"):
        made = service.backup(copy)
        manifest = service.verify_backup(made)
    if as_json:
        write_result({"path": made, "manifest": manifest})
    else:
        remark("done", f"{manifest.memories:,} memories in {made}, {_size(manifest.size_bytes)}")


@backup_app.command("verify", help="Check that a copy is whole.")
def verify(copy: Copy, *, as_json: options.AsJson = False) -> None:
    """Check that a copy is whole."""
    from mba_integrations.services import MemoryService

    with progress_of("Checking"):
        manifest = MemoryService.verify_backup(copy)
    if as_json:
        write_result({"path": copy, "manifest": manifest})
    else:
        remark("done", f"{copy} is whole: {manifest.memories:,} memories of {manifest.created_at}")


@backup_app.command(
    "restore", help="Put a copy in the place of the database, without what was erased since."
)
@somewhere
def restore(
    copy: Copy,
    *,
    yes: options.Yes = False,
    where: Where,
    as_json: options.AsJson = False,
) -> None:
    """Put a copy in the place of the database."""
    from mba_integrations.services import MemoryService

    server = server_of(where)
    if server is not None:
        raise server.refusal("mba backup restore")
    file = file_of(place_of(where.database))
    if file is None:
        raise InputError("a copy can take the place of a SQLite file alone.")
    if file.exists():
        options.ask(f"{file} would be replaced.", f"Replace {file}?", yes=yes)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with progress_of("Restoring"):
        manifest = MemoryService.restore_backup(copy, file)
    if as_json:
        write_result({"path": file, "manifest": manifest})
    else:
        remark("done", f"{file} has the {manifest.memories:,} memories of {manifest.created_at}")


@database_app.command("current", help="Show the revision of the tables, and that of this release.")
@somewhere
def current(*, where: Where, as_json: options.AsJson = False) -> None:
    """Show the revision of the tables."""
    with opened(where, upgrade=False) as service:
        found = service.status().store
    if as_json:
        write_result({"url": found.url, "revision": found.revision, "release": found.release})
    else:
        known = f"this release works with {found.release}"
        remark("done", f"{found.url} has revision {found.revision}, {known}")


@database_app.command("upgrade", help="Bring the tables to this release; a SQLite file is copied.")
@somewhere
def upgrade(*, where: Where, as_json: options.AsJson = False) -> None:
    """Bring the tables to this release."""
    with opened_here(where, "mba db upgrade", upgrade=True) as service:
        found = service.status().store
    if as_json:
        write_result({"url": found.url, "revision": found.revision})
    else:
        remark("done", f"{found.url} has revision {found.revision}")


@database_app.command("check", help="Read a SQLite file through, to see that it is whole.")
@somewhere
def check(*, where: Where, as_json: options.AsJson = False) -> None:
    """Read a SQLite file through."""
    here = opened_here(where, "mba db check", upgrade=False)
    with here as service, progress_of("Checking"):
        found = service.status().store
        file = file_of(place_of(where.database))
        problems = [] if file is None else damages(file)
    if as_json:
        write_result({"url": found.url, "problems": problems, "store": plain(found)})
    elif not problems:
        remark("done", f"{found.url} is whole, {_size(found.size_bytes)}")
    if problems:
        raise StoreFileError(f"{file} is damaged: {problems[0]}. Restore a backup.")


def _size(count: int) -> str:
    return f"{count / 1_000_000:,.1f} MB"
