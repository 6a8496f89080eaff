"""What happened to a memory, as mem0 tells it: `ADD`, `UPDATE`, `DELETE`, with both texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mba_integrations.services.memory.remembering.results import MemoryHistory
from mba_integrations.services.store.rows.changes import Change, ChangeOp

_DELETED = (ChangeOp.FORGET, ChangeOp.EXPIRE)


def events_of(memory_id: str, history: MemoryHistory) -> list[dict[str, Any]]:
    """The events of a memory, the first one first, all under the id that was asked for."""
    texts = {row.memory_id: row.content for row in history.memories}
    return [
        {
            "id": str(change.change_seq),
            "memory_id": memory_id,
            **told,
            "created_at": change.at.isoformat(),
            "updated_at": change.at.isoformat(),
            "is_deleted": told["event"] == "DELETE",
        }
        for change in history.changes
        for told in _told(change, texts)
    ]


def _told(change: Change, texts: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """One event; none for what mem0 does not tell, such as a move or a use."""
    text = texts.get(change.memory_id)
    if change.op is ChangeOp.ADD and change.related_id is None:
        yield {"event": "ADD", "old_memory": None, "new_memory": text}
    elif change.op is ChangeOp.SUPERSEDE:
        new = texts.get(change.related_id or "")
        yield {"event": "UPDATE", "old_memory": text, "new_memory": new}
    elif change.op in _DELETED:
        yield {"event": "DELETE", "old_memory": text, "new_memory": None}
