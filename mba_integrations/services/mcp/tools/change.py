"""`remember`, `revise` and `forget`: what an agent does to memories. A retry changes nothing."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.services.access.principal import Scope
from mba_integrations.services.mcp.tools.caller import Caller
from mba_integrations.services.mcp.tools.explain import shortened
from mba_integrations.services.mcp.tools.reply import Reply
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.remembering.results import RememberResult
from mba_integrations.services.memory.service import MemoryService
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState

AUTHOR = "agent"
_MOST_LISTED = 20


def remember(service: MemoryService, caller: Caller, arguments: Mapping[str, Any]) -> Reply:
    """Keep texts, as said by an agent.

    Raises:
        InputError: If one cannot be kept; nothing is kept then.
        IdempotencyConflictError: If the key came with other texts.
    """
    caller.check(Scope.WRITE)
    key = arguments.get("key") or caller.request_key
    memories = [_memory(one, place, key, caller) for place, one in enumerate(arguments["items"])]
    reply = service.remember(
        caller.workspace_id, memories, author=AUTHOR, client=caller.client, key=key, actor=AUTHOR
    )
    created = sum(one.created for one in reply.results)
    known = len(reply.results) - created
    head = f"{created:,} kept, {known:,} known before." if known else f"{created:,} kept."
    ids = [_told(one) for one in reply.results[:_MOST_LISTED]]
    return Reply(
        text="\n".join([head, *ids]),
        receipt={"created": created, "known": known, "change_seq": reply.change_seq},
    )


def _memory(one: Mapping[str, Any], place: int, key: str | None, caller: Caller) -> NewMemory:
    item = MemoryItem(
        new_id(datetime.now(UTC)) if key is None else _id_of(key, place, one["text"]),
        one["text"],
        one.get("tier", "long_term"),
        importance=one.get("importance", 0.5),
    )
    return NewMemory(item=item, subject=one.get("about") or None)


def _id_of(key: str, place: int, text: str) -> str:
    """The same id for the same request, so that a retry asks for the same."""
    said = hashlib.sha256(f"{key}\n{place}\n{text}".encode("utf-8", "surrogatepass")).digest()
    return str(uuid.UUID(bytes=said[:16], version=5))


def _told(result: RememberResult) -> str:
    return f"- {result.memory_id}{'' if result.created else ' (known before)'}"


def revise(service: MemoryService, caller: Caller, arguments: Mapping[str, Any]) -> Reply:
    """Put another text in the place of a memory's; the old one is superseded.

    Raises:
        UnknownMemoryError: If there is no such memory.
        InputError: If it is not active, or the text cannot be kept.
    """
    caller.check(Scope.WRITE)
    memory_id, text = arguments["id"], arguments["text"]
    row = _done_before(service, caller.workspace_id, memory_id, text)
    if row is None:
        changed = service.revise(caller.workspace_id, memory_id, text, actor=AUTHOR)
        row = changed.memories[0]
    return Reply(
        text=f"Revised. Its id is now {row.memory_id}.",
        receipt={"id": row.memory_id, "was": memory_id, "change_seq": row.change_seq},
    )


def _done_before(
    service: MemoryService, workspace_id: str, memory_id: str, text: str
) -> MemoryRow | None:
    """The memory that took its place with this text: the answer to the first try was lost."""
    old = service.get(workspace_id, memory_id)
    if old.state is not MemoryState.SUPERSEDED or old.superseded_by is None:
        return None
    later = service.get(workspace_id, old.superseded_by)
    return later if later.content == text else None


def forget(service: MemoryService, caller: Caller, arguments: Mapping[str, Any]) -> Reply:
    """Forget memories by ids, or list those that hold some words, and forget them on confirmation.

    Raises:
        UnknownMemoryError: If there is no memory of an id; nothing is forgotten then.
        InputError: If neither ids nor words are given, or both.
    """
    caller.check(Scope.FORGET)
    ids, query = arguments.get("ids") or None, arguments.get("query") or None
    if (ids is None) is (query is None):
        raise InputError("forget needs ids, or a query. Get ids from explain, or give a query.")
    if query is not None:
        wanted = MemoryFilter(contains=query)
        if not arguments.get("confirm", False):
            return _listed(service, caller.workspace_id, query, wanted)
        reply = service.forget(caller.workspace_id, filters=wanted, actor=AUTHOR)
    else:
        reply = service.forget(caller.workspace_id, ids, actor=AUTHOR)
    return Reply(
        text=f"{len(reply):,} forgotten.",
        receipt={"forgotten": len(reply), "change_seq": reply.change_seq},
    )


def _listed(service: MemoryService, workspace_id: str, query: str, wanted: MemoryFilter) -> Reply:
    """What would be forgotten; where no text holds the words, what is nearest."""
    page = service.list(workspace_id, wanted, limit=_MOST_LISTED)
    if not page.rows:
        return _nearest(service, workspace_id, query)
    more = f" The newest {_MOST_LISTED}:" if page.after is not None else ""
    head = (
        f"{len(page.rows)}{' or more' if page.after is not None else ''} memories hold these words;"
        f" nothing is forgotten yet. Forget all with confirm=true, or some by ids.{more}"
    )
    lines = [f"- {row.memory_id} {shortened(row.content)}" for row in page.rows]
    return Reply(text="\n".join([head, *lines]), receipt={"forgotten": 0, "found": len(page.rows)})


def _nearest(service: MemoryService, workspace_id: str, query: str) -> Reply:
    hits = service.search(workspace_id, query, limit=5).hits
    head = "No memory holds these very words; nothing is forgotten."
    lines = [f"- {hit.memory_id} {shortened(hit.content)}" for hit in hits]
    if lines:
        head += " Nearest are those below: forget them by ids."
    return Reply(text="\n".join([head, *lines]), receipt={"forgotten": 0, "found": 0})
