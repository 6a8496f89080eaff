"""Sessions to replay: in each turn a query, what may be remembered, and what the answer needs.

In an agent session each message of the user or of a tool is a query over everything before it. A
`realtalk` chat is one session: its questions in order, over the whole chat. Where a set labels
evidence of an agent session, the session ends with the labelled query over all of it.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.arrays import FloatArray

AGENT_SETS = ("tau-airline-sessions", "aider-sessions", "swe-agent-sessions")
CHATS = "realtalk"
_ASKERS = {"user", "tool", "system"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One call.

    Attributes:
        query: What is asked.
        items: What may be remembered, oldest first.
        evidence: Groups of item ids; one of each is enough. Empty where nothing is labelled.
        vector: Embedding of the query, or None.
        now: When it is asked, or None.
    """

    query: str
    items: Sequence[MemoryItem]
    evidence: tuple[tuple[str, ...], ...] = ()
    vector: FloatArray | None = None
    now: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The turns of one session."""

    set_name: str
    session_id: str
    turns: tuple[Turn, ...]


def load_replays(folder: Path, name: str, *, most: int | None = None) -> list[Replay]:
    """Sessions of the set *name*, at most so many, spread evenly over the file."""
    records = list(_records(folder / f"{name}.jsonl.gz"))
    if most is not None and most < len(records):
        places = np.linspace(0, len(records) - 1, most).astype(int)
        records = [records[place] for place in places]
    if name == CHATS:
        stored = np.load(folder / f"{name}.minilm.npz")
        return [_chat(name, record, stored) for record in records]
    return [_agent_session(name, record) for record in records]


def _records(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def _chat(name: str, record: dict[str, Any], stored: Any) -> Replay:
    pool = record["pool_id"]
    vectors = stored[f"items/{pool}"].astype(np.float32)
    items = [
        _item(raw, place, MemoryTier.LONG_TERM, vectors[place])
        for place, raw in enumerate(record["items"])
        if raw["text"].strip()
    ]
    asked = {str(key): place for place, key in enumerate(stored[f"query_ids/{pool}"])}
    queries = stored[f"queries/{pool}"].astype(np.float32)
    turns = tuple(
        Turn(
            query=query["text"],
            items=items,
            evidence=_evidence(query, items),
            vector=queries[asked[query["id"]]],
            now=_time(query["asked_at"]),
        )
        for query in record["queries"]
        if query["evidence"] and query["id"] in asked
    )
    return Replay(set_name=name, session_id=pool, turns=turns)


def _agent_session(name: str, record: dict[str, Any]) -> Replay:
    raws = [raw for raw in record["items"] if raw["text"].strip()]
    items = [_item(raw, place, MemoryTier.WORKING, None) for place, raw in enumerate(raws)]
    turns = [
        Turn(query=raw["text"], items=items[:place])
        for place, raw in enumerate(raws)
        if place and (raw["meta"].get("speaker") or "user") in _ASKERS
    ]
    turns += [
        Turn(query=query["text"], items=items, evidence=_evidence(query, items))
        for query in record["queries"]
        if query["evidence"]
    ]
    return Replay(set_name=name, session_id=record["pool_id"], turns=tuple(turns))


def _item(
    raw: dict[str, Any], place: int, tier: MemoryTier, vector: FloatArray | None
) -> MemoryItem:
    meta = raw["meta"]
    return MemoryItem(
        raw["id"],
        raw["text"],
        MemoryTier(raw["tier"]) if raw["tier"] else tier,
        created_at=_time(raw["created_at"]),
        source=str(meta.get("session", "session")),
        position=place,
        embedding=vector,
        metadata={"speaker": meta.get("speaker")},
    )


def _evidence(query: dict[str, Any], items: Sequence[MemoryItem]) -> tuple[tuple[str, ...], ...]:
    known = {item.id for item in items}
    groups = query.get("evidence_groups") or [[item] for item in query["evidence"]]
    found = (tuple(item for item in group if item in known) for group in groups)
    return tuple(group for group in found if group)


def _time(stamp: str | None) -> datetime | None:
    if stamp is None:
        return None
    moment = datetime.fromisoformat(stamp)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
