"""Memories of the knowledge graph that the reference memory server of MCP writes as JSON lines.

    {"type": "entity", "name": "Kate", "entityType": "person", "observations": ["likes skiing"]}
    {"type": "relation", "from": "Kate", "to": "Acme", "relationType": "works_at"}

Each observation is a memory of its own that names its entity, so that it is found by the name:
`Kate (person): likes skiing`. Each relation is a sentence, `Kate works at Acme.`
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mba_integrations.core.arguments import shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.transfer.imported import (
    Imported,
    checked_object,
    fitting_name,
    json_values,
)


def read_mcp_memory(path: str | Path, *, tier: MemoryTier = MemoryTier.LONG_TERM) -> Imported:
    """Observations and relations of a file, the entity as their source.

    Args:
        path: The server's file.
        tier: Where they go.

    Raises:
        InputError: If the file cannot be read or holds something else; with the line.
    """
    memories: dict[str, NewMemory] = {}
    repeated = 0
    for place, value in json_values(path):
        for memory in _memories(place, checked_object(place, value), tier):
            repeated += memory.item.id in memories
            memories[memory.item.id] = memory
    notes = (f"{path}: {repeated:,} repetitions are left out.",) if repeated else ()
    return Imported(memories=tuple(memories.values()), notes=notes)


def _memories(place: str, value: Mapping[str, Any], tier: MemoryTier) -> Iterator[NewMemory]:
    kind = value.get("type")
    if kind == "entity":
        yield from _observations(place, value, tier)
    elif kind == "relation":
        yield _relation(place, value, tier)
    else:
        raise InputError(f"{place}: type must be entity or relation, got {shown(kind)}.")


def _observations(place: str, value: Mapping[str, Any], tier: MemoryTier) -> Iterator[NewMemory]:
    name = _text(place, value, "name")
    kind = value.get("entityType")
    known_as = f"{name} ({kind})" if isinstance(kind, str) and kind else name
    observations = value.get("observations", [])
    if not isinstance(observations, list) or not all(isinstance(one, str) for one in observations):
        raise InputError(f"{place}: observations must be a list of texts.")
    said = [one for one in observations if one.strip()]
    texts = [f"{known_as}: {one}" for one in said] or [f"{known_as}"]
    for number, text in enumerate(texts):
        yield _memory(text, name, tier, number, kind if isinstance(kind, str) else "")


def _relation(place: str, value: Mapping[str, Any], tier: MemoryTier) -> NewMemory:
    subject, target = _text(place, value, "from"), _text(place, value, "to")
    verb = _text(place, value, "relationType").replace("_", " ")
    return _memory(f"{subject} {verb} {target}.", subject, tier, None, "relation")


def _memory(text: str, name: str, tier: MemoryTier, position: int | None, kind: str) -> NewMemory:
    key = f"{name}\n{text}".encode("utf-8", "surrogatepass")
    digest = hashlib.blake2b(key, digest_size=8).hexdigest()
    item = MemoryItem(
        fitting_name(f"{name}#{digest}"),
        text,
        tier,
        source=fitting_name(name),
        position=None if position is None else float(position),
    )
    return NewMemory(item=item, tags=(fitting_name(kind),) if kind else ())


def _text(place: str, value: Mapping[str, Any], name: str) -> str:
    text = value.get(name)
    if not isinstance(text, str) or not text.strip():
        raise InputError(f"{place}: {name} must be a text that is not empty, got {shown(text)}.")
    return text
