"""What an index of the caller's own returned, as items of documents.

An index may be anybody's, so what its hits say of themselves is taken as far as it can be: a place
that is none is left out of the citation, and stays in the metadata.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from mba_integrations.core.arguments import checked_iterable, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.ingest.documents.citing import cited

_TAKEN = ("source", "position", "embedding", "metadata", "created_at", "importance", "retriever")


def candidate_items(candidates: Iterable[MemoryItem | Mapping[str, Any]]) -> list[MemoryItem]:
    """What an index of the caller's own returned, as items of documents.

    A candidate is a `MemoryItem`, or a mapping with `text` and, as far as there are any, `id`,
    `score` (any scale, higher is better), `source`, `position`, `embedding`, `created_at` and
    `metadata`. A mapping is cited by the `citation` of its metadata, else by the `title` there or
    its source, and the place.

    Raises:
        InputError: Naming the candidate that is none.

    >>> hit = {"id": "c7", "text": "Rotate keys.", "source": "handbook", "metadata": {"page": 3}}
    >>> candidate_items([hit])[0].metadata["citation"]
    'handbook, page 3'
    """
    checked_iterable("candidates", candidates, "a list of items or mappings")
    return [_item(place, one) for place, one in enumerate(candidates)]


def as_candidate(item: MemoryItem, metadata: Mapping[str, Any]) -> dict[str, Any]:
    """An item as a mapping that JSON can hold: what `retrieve` takes, here and over HTTP.

    Args:
        item: Its text, id, score and place. Its own metadata and its vector are left out.
        metadata: What is known of it. `page_label`, what a reader sees on the page, takes the place
            of `page`, which some readers count from 0; a `file_name` is the title where there is
            none. What JSON has no form for is written as text.
    """
    from pydantic_core import to_jsonable_python

    known = dict(metadata)
    for name, instead in (("page", known.get("page_label")), ("title", _title(known))):
        if instead:
            known[name] = instead
    given = {
        "id": item.id,
        "text": item.content,
        "score": item.retriever_score,
        "source": item.source,
        "position": item.position,
        "created_at": item.created_at,
        "metadata": known,
    }
    there = {name: value for name, value in given.items() if value is not None}
    ready: dict[str, Any] = to_jsonable_python(
        there, fallback=str, inf_nan_mode="null", bytes_mode="base64", serialize_unknown=True
    )
    return ready


def _title(known: Mapping[str, Any]) -> Any:
    return known.get("title") or known.get("file_name")


def _item(place: int, one: MemoryItem | Mapping[str, Any]) -> MemoryItem:
    if isinstance(one, MemoryItem):
        return one if one.tier is MemoryTier.RAG else replace(one, tier=MemoryTier.RAG)
    if not isinstance(one, Mapping):
        raise InputError(
            f"candidate {place} must be a MemoryItem or a mapping with text, got {shown(one)}."
        )
    unknown = sorted(map(str, one.keys() - {"id", "text", "score", *_TAKEN}))
    if unknown or not isinstance(one.get("text"), str):
        has = f"has {unknown[0]!r}" if unknown else f"has the text {shown(one.get('text'))}"
        raise InputError(
            f"candidate {place} {has}. It may have id, text, score, {', '.join(_TAKEN)}."
        )
    rest = {name: one[name] for name in _TAKEN if one.get(name) is not None}
    rest["created_at"] = _moment(place, one.get("created_at"))
    item = MemoryItem(
        str(one.get("id", f"candidate-{place}")),
        one["text"],
        MemoryTier.RAG,
        retriever_score=one.get("score"),
        **rest,
    )
    return replace(item, metadata={"citation": _citation(item), **item.metadata})


def _moment(place: int, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise InputError(
            f"candidate {place}: created_at must be a datetime or a time of ISO 8601, got "
            f"{shown(value)}."
        ) from error


def _citation(item: MemoryItem) -> str:
    title = item.metadata.get("title")
    named = title if isinstance(title, str) and title else item.source or item.id
    place = {name: value for name, value in item.metadata.items() if _is_place(name, value)}
    return cited(named, place)


def _is_place(name: str, value: Any) -> bool:
    """Whether a value of somebody's metadata says where a passage stands, as `cited` takes it."""
    if name in ("page", "slide", "sheet", "cell", "symbol"):
        return isinstance(value, str | int)
    parts = value if isinstance(value, list | tuple) else []
    if name in ("rows", "lines"):
        return len(parts) == 2 and all(isinstance(one, int) for one in parts)
    return name == "headings" and bool(parts) and all(isinstance(one, str) for one in parts)
