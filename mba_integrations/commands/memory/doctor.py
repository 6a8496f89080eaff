"""`mba doctor`: how the database is, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from rich.text import Text

from mba_integrations.commands.arguments import memory_options as options
from mba_integrations.commands.arguments.places import file_of, place_of
from mba_integrations.commands.arguments.where import Where, somewhere
from mba_integrations.commands.memory.database import opened
from mba_integrations.commands.printing.memories import write_result
from mba_integrations.commands.printing.output import results
from mba_integrations.commands.printing.visible import in_one_line
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.store.errors import StoreError
from mba_integrations.services.store.rows.jobs import JobState
from mba_integrations.services.store.sqlite.health import SQLITE_VERSION, journal_mode
from mba_integrations.services.store.sqlite.lock_file import LockFile

if TYPE_CHECKING:
    from mba_integrations.commands.memory.database import Opened
    from mba_integrations.services.store.store import StoreStatus

HELP = """Show how the database is, and what to do where something is wrong.

Exit code 1 where something is.
"""
_LEAST_FREE_BYTES = 500_000_000
_MOST_WAL_BYTES = 64 * 1024 * 1024
"""Four times the size at which the store empties it: a reader has kept it from that."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong.

    Attributes:
        text: What.
        advice: What to do.
    """

    text: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceHealth:
    """How a workspace is.

    Attributes:
        workspace_id: Which one.
        memories: Active memories by tier.
        coverage: The part of them that has a vector, by model.
        jobs: Jobs by state.
    """

    workspace_id: str
    memories: dict[MemoryTier, int]
    coverage: dict[str, float]
    jobs: dict[JobState, int]


@somewhere
def doctor(*, where: Where, as_json: options.AsJson = False) -> None:
    """Show how the database is."""
    place = where.url or place_of(where.database)
    file = None if where.url else file_of(place)
    facts: dict[str, Any] = {
        "database": place,
        "sqlite": None if where.url else SQLITE_VERSION,
        "lock": _lock(file) if file is not None and file.exists() else None,
    }
    workspaces: list[WorkspaceHealth] = []
    try:
        with opened(where, upgrade=False) as service:
            from mba_integrations.commands.remote.service import RemoteService

            store, served = service.status().store, isinstance(service, RemoteService)
            facts |= _facts(store, file)
            workspaces = [_health(service, name) for name in service.workspaces.ids()]
        found = (one for known in workspaces for one in _of(known, served=served))
        findings = [*_of_store(store), *found]
    except StoreError as error:
        findings = [Finding(str(error), "Until then nothing can be remembered or recalled.")]
    if as_json:
        write_result({**facts, "workspaces": workspaces, "findings": findings})
    else:
        _print(facts, workspaces, findings)
    if findings:
        raise typer.Exit(1)


def _facts(store: StoreStatus, file: Path | None) -> dict[str, Any]:
    return {
        "engine": store.engine,
        "revision": store.revision,
        "size_bytes": store.size_bytes,
        "journal_mode": None if file is None else journal_mode(file),
        "wal_bytes": store.wal_bytes,
        "free_bytes": store.free_bytes,
        "full": store.full,
    }


def _lock(file: Path) -> str:
    """Whether others have the file open, before this command opens it too."""
    lock = LockFile(file.with_name(f"{file.name}.lock"))
    try:
        if lock.try_lock(shared=False):
            return "free"
        holder = lock.holder()
    finally:
        lock.close()
    how = "held" if holder is not None and holder.exclusive else "shared"
    return how if holder is None else f"{how}, last by process {holder.pid}"


def _health(service: Opened, workspace_id: str) -> WorkspaceHealth:
    return WorkspaceHealth(
        workspace_id=workspace_id,
        memories=dict(service.counts(workspace_id)),
        coverage=dict(service.embeddings.coverage(workspace_id)),
        jobs={state: count for state, count in service.jobs.counts(workspace_id).items() if count},
    )


def _of_store(store: StoreStatus) -> list[Finding]:
    found = []
    if store.full:
        found.append(Finding("The disk is full: nothing is written.", "Free some space."))
    elif store.free_bytes is not None and store.free_bytes < _LEAST_FREE_BYTES:
        free = _size(store.free_bytes)
        found.append(Finding(f"Only {free} are free on the disk.", "Free some space."))
    if store.wal_bytes is not None and store.wal_bytes > _MOST_WAL_BYTES:
        size = _size(store.wal_bytes)
        found.append(
            Finding(f"The write-ahead log has {size}.", "End the process that reads for so long.")
        )
    return found


def _of(known: WorkspaceHealth, *, served: bool) -> list[Finding]:
    name = known.workspace_id
    found = []
    if failed := known.jobs.get(JobState.FAILED, 0):
        advice = f"See `mba jobs list -w {name} --state failed`, then `mba jobs retry ID`."
        found.append(Finding(f"{name}: {failed:,} jobs failed.", advice))
    if (queued := known.jobs.get(JobState.QUEUED, 0)) and not served:
        found.append(Finding(f"{name}: {queued:,} jobs wait.", "Do them with `mba jobs run`."))
    if known.coverage and max(known.coverage.values()) < 1.0:
        model, part = max(known.coverage.items(), key=lambda one: one[1])
        found.append(
            Finding(
                f"{name}: only {part:.1%} of the memories have a vector of {model}.",
                f"Make the others with `mba embeddings migrate -w {name} --to local`.",
            )
        )
    return found


def _print(
    facts: dict[str, Any], workspaces: list[WorkspaceHealth], findings: list[Finding]
) -> None:
    console = results()
    for name, value in facts.items():
        said = _size(value) if name.endswith("_bytes") and value is not None else value
        label = name.removesuffix("_bytes").replace("_", " ")
        console.print(Text.assemble((f"{label:<13}", "dim"), in_one_line(str(said))))
    for one in workspaces:
        counts = ", ".join(f"{count:,} {tier.value}" for tier, count in one.memories.items())
        vectors = ", ".join(f"{part:.1%} {model}" for model, part in one.coverage.items())
        text = f"{one.workspace_id}: {counts}; vectors: {vectors or 'none'}"
        console.print(Text.assemble((f"{'workspace':<13}", "dim"), in_one_line(text)))
    for finding in findings:
        console.print(Text(in_one_line(f"! {finding.text} {finding.advice}"), style="bold"))
    if not findings:
        console.print(Text("All is well.", style="bold"))


def _size(count: int) -> str:
    return f"{count / 1_000_000:,.1f} MB"
