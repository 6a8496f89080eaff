"""Memories of Markdown folders and of chats in OpenAI's format, by the readers of `ingest`."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC
from pathlib import Path, PurePosixPath

from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.times import has_zone
from mba_integrations.ingest.folder import read_folder
from mba_integrations.ingest.messages import read_messages
from mba_integrations.ingest.reading import Ingested
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.remembering.given import INSTRUCTIONS, left_out
from mba_integrations.services.memory.transfer.imported import Imported, fitting_name

_MARKDOWN = frozenset({".md", ".markdown", ".mdx"})


def read_markdown_folder(
    folder: str | Path, *, tier: MemoryTier = MemoryTier.PROJECT, prefix: str = ""
) -> Imported:
    """The Markdown files of a folder and its subfolders, in pieces.

    Args:
        folder: Where to look.
        tier: Where they go.
        prefix: What stands before the paths in ids and sources.

    Raises:
        InputError: If the folder is none.
    """

    def tier_of(path: str) -> MemoryTier | None:
        return tier if PurePosixPath(path).suffix.lower() in _MARKDOWN else None

    return _imported(read_folder(folder, tier_of=tier_of, prefix=prefix))


def read_chat(path: str | Path, *, name: str | None = None, subject: str | None = None) -> Imported:
    """The messages of a chat as working memory, a call of tools and its results as one group.

    Nothing is pinned: what was a question when it was asked is a memory now. System messages are
    instructions and no memories, here as in `remember`.

    Args:
        path: A JSON array of messages, an object that has one under `messages`, or JSON lines.
        name: What the chat is called, in ids and as source; its path by default.
        subject: Whom the chat is about.

    Raises:
        InputError: If the file cannot be read or is not such JSON; naming the message.
    """
    read = read_messages(path, name=name, pin_last_user=False)
    said = tuple(item for item in read.items if item.metadata.get("role") not in INSTRUCTIONS)
    notes = (*left_out(len(read.items) - len(said)), *read.notes)
    return _imported(replace(read, items=said, notes=notes), subject=subject)


def _imported(found: Ingested, subject: str | None = None) -> Imported:
    memories = tuple(NewMemory(item=_named(item), subject=subject) for item in found.items)
    return Imported(memories=memories, notes=found.notes)


def _named(item: MemoryItem) -> MemoryItem:
    """The item with names that can be keys and a time with a zone, without a pin."""
    made = item.created_at
    return replace(
        item,
        id=fitting_name(item.id),
        source=None if item.source is None else fitting_name(item.source),
        group=None if item.group is None else fitting_name(item.group),
        created_at=made if made is None or has_zone(made) else made.replace(tzinfo=UTC),
        pinned=False,
    )
