"""Each item once, where several lists name items as they like."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

from mba_integrations.core.model import MemoryItem

_DIGITS = 8


def distinct(items: Sequence[MemoryItem]) -> list[MemoryItem]:
    """The items, each once: sources may find the same document.

    An id that comes again with another content is another item, as where two stores number from 1;
    a part that is made of its content is added to its id.

    >>> one, other = MemoryItem("1", "north", "rag"), MemoryItem("1", "south", "rag")
    >>> [item.id for item in distinct([one, other, one])]
    ['1', '1~a349cba1']
    """
    kept: dict[tuple[str, str], MemoryItem] = {}
    for item in items:
        kept.setdefault((item.id, item.content), item)
    given = {item_id for item_id, _ in kept}
    named: dict[str, MemoryItem] = {}
    for item in kept.values():
        item_id = item.id
        while item_id in named or (item_id in given and item_id != item.id):
            item_id = f"{item_id}~{content_id(item.content)[:_DIGITS]}"
        named[item_id] = item if item_id == item.id else replace(item, id=item_id)
    return list(named.values())


def content_id(text: str) -> str:
    """An id that is made of a text."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
