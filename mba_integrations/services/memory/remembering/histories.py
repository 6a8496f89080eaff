"""What happened to a memory, through all that took its place or whose place it took."""

from __future__ import annotations

from mba_integrations.services.memory.remembering.results import MemoryHistory
from mba_integrations.services.store.rows.changes import Change
from mba_integrations.services.store.scopes import Reading
from mba_integrations.services.store.statements import changes, finding, history


def history_of(reading: Reading, memory_id: str) -> MemoryHistory:
    """The history of a memory and of its line.

    Raises:
        UnknownMemoryError: If nothing is known of it.
    """
    found: dict[str, tuple[Change, ...]] = {}
    waiting = [memory_id]
    while waiting:
        name = waiting.pop()
        found[name] = changes.changes_of(reading, name)
        related = (one.related_id for one in found[name])
        waiting += [other for other in related if other is not None and other not in found]
    if not found[memory_id]:
        finding.get(reading, memory_id)
    rows = finding.find(reading, found)
    versions = [one for name in found for one in history.versions(reading, name)]
    return MemoryHistory(
        memories=tuple(sorted(rows.values(), key=lambda row: row.added_seq)),
        changes=tuple(
            sorted((one for of in found.values() for one in of), key=lambda one: one.change_seq)
        ),
        versions=tuple(sorted(versions, key=lambda one: one.change_seq)),
    )
