"""What `allocate` and `explain` are asked to do: inputs gathered, settings chosen, one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from mba_integrations.commands.progress import tracked
from mba_integrations.core.allocation import Allocation
from mba_integrations.core.allocator import MemoryBudgetAllocator
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.core.pool import MemoryPool
from mba_integrations.core.workspace import WorkspaceConfig
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.json_lines import read_json_lines
from mba_integrations.ingest.messages import last_user_text, read_messages
from mba_integrations.ingest.reading import STANDARD_INPUT, Ingested
from mba_integrations.local_embedder import LocalEmbedder


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A query, its candidates and the settings, ready to be allocated any number of times.

    Attributes:
        query: What is asked.
        pool: The candidates, prepared once.
        config: The workspace, overrides included.
        budget_tokens: An exact total; None for the workspace's.
        now: The time that ages are counted from; None for the present.
        notes: What the readers left out.
        allocator: Knows the workspace.
    """

    query: str
    pool: MemoryPool
    config: WorkspaceConfig
    budget_tokens: int | None
    now: datetime | None
    notes: tuple[str, ...]
    allocator: MemoryBudgetAllocator

    def allocate(self, budget_tokens: int | None = None) -> Allocation:
        """The allocation for the budget given, else for the request's own."""
        return self.allocator.allocate_memory_budget(
            self.query,
            self.pool,
            workspace_id=self.config.workspace_id,
            budget_tokens=budget_tokens or self.budget_tokens,
            now=self.now,
        )


def gathered(
    *,
    query: str | None,
    memories: Sequence[str] | None,
    messages: Sequence[str] | None,
    folders: Sequence[Path] | None,
    pin_last_user: bool,
    config: WorkspaceConfig,
    budget_tokens: int | None,
    now: datetime | None,
    local: bool,
) -> Request:
    """Read all inputs.

    Raises:
        typer.BadParameter: If there is no input, no query, or standard input is named twice.
        InputError: If an input is unusable.
        MissingExtraError: If *local* is asked for and not installed.
    """
    embedder = LocalEmbedder() if local else None
    lines, chats, places = memories or (), messages or (), folders or ()
    if not (lines or chats or places):
        raise typer.BadParameter("give at least one of --memories, --messages, --folder")
    if [*lines, *chats].count(STANDARD_INPUT) > 1:
        raise typer.BadParameter("standard input (-) can be read once only")
    read_chats = [read_messages(path, pin_last_user=pin_last_user) for path in chats]
    read = [
        *(read_json_lines(path, track=tracked) for path in lines),
        *read_chats,
        *(read_folder(path, track=tracked) for path in places),
    ]
    items = [item for one in read for item in one.items]
    notes = [note for one in read for note in one.notes]
    asked = query if query is not None else _last_question(read_chats)
    if embedder is None and any(item.embedding is not None for item in items):
        notes.append("the items' embeddings are not used: the query has none.")
    allocator = MemoryBudgetAllocator(embedder=embedder)
    allocator.register_workspace(config)
    return Request(
        query=asked,
        pool=MemoryPool.from_items(_present(items)),
        config=config,
        budget_tokens=budget_tokens,
        now=_zoned(now, items),
        notes=tuple(notes),
        allocator=allocator,
    )


def _last_question(chats: Sequence[Ingested]) -> str:
    texts = (last_user_text(chat.items) for chat in reversed(chats))
    found = next((text for text in texts if text is not None), None)
    if found is None:
        raise typer.BadParameter("--query is needed: no message of a user to take it from")
    return found


def _zoned(now: datetime | None, items: Sequence[MemoryItem]) -> datetime | None:
    """A time without a zone is UTC, unless the items' times have no zone either."""
    if now is None or now.tzinfo is not None:
        return now
    times = (time for item in items for time in (item.created_at, item.last_accessed_at) if time)
    naive = any(time.tzinfo is None for time in times)
    return now if naive else now.replace(tzinfo=UTC)


def _present(items: Sequence[MemoryItem]) -> Sequence[MemoryItem]:
    if not items:
        raise InputError("the inputs hold no memory items.")
    return items
