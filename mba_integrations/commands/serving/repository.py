"""A repository as a workspace: its documents, its code and its history."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mba_integrations.commands.demo_sources import demo_memories
from mba_integrations.commands.printing.output import note_all, remark

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService

REPOSITORY = "repository"
TEMPLATE = "development"
_AT_ONCE = 1_000


def remember_repository(service: MemoryService, folder: Path) -> None:
    """Remember a folder. What is there already is kept once, so it may be done at each start.

    Raises:
        InputError: If the folder holds neither documents nor source.
    """
    if REPOSITORY not in service.workspaces.ids():
        service.create_workspace(REPOSITORY, template=TEMPLATE)
    found = demo_memories(folder, now=service.now())
    created = 0
    for begin in range(0, len(found.items), _AT_ONCE):
        part = found.items[begin : begin + _AT_ONCE]
        created += service.remember(REPOSITORY, part, actor="mba serve", on_error="skip").created
    note_all(found.notes)
    remark("note", f"workspace {REPOSITORY!r}: {created:,} of {len(found.items):,} pieces are new")
