"""What a recall was asked besides its question, as its record in the log keeps it, and back.

    recall(tiers=["project"], subject="kate", budget_tokens=400)
    {"filters": {"tiers": ["project"], "subjects": ["kate"]}, "budget_given": true}

Ids, tiers and times are kept always. Words that texts must hold, and metadata, are texts of users:
they are kept where the workspace logs texts, and named under `unkept` elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from mba_integrations.services.memory.recalling.request import RecallRequest
from mba_integrations.services.store.rows.allocations import ASKED
from mba_integrations.services.store.rows.memories import MemoryFilter

_TEXTS = frozenset({"contains", "metadata"})
_TIMES = frozenset(one.name for one in fields(MemoryFilter) if "datetime" in str(one.type))
_EVERYTHING = MemoryFilter()
GIVEN_VECTOR = "the vector that came with the question"
GIVEN_LAYOUT = "the layout that the caller wrote with"
PROMPT_BEFORE = "the prompt before it in its session"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What is known of it.

    Attributes:
        wanted: Which memories could be chosen; None for all.
        reserved_tokens: What the caller needed for itself.
        budget_given: Whether the budget was the caller's and not that of the settings.
        unkept: What else narrowed the choice and was not kept.
        not_followed: What a choice made again does not follow, in words.
    """

    wanted: MemoryFilter | None = None
    reserved_tokens: int | None = None
    budget_given: bool = False
    unkept: tuple[str, ...] = ()
    not_followed: tuple[str, ...] = ()


def written_asked(
    request: RecallRequest, *, with_texts: bool, followed: bool = False
) -> dict[str, Any]:
    """The part of a record; empty where only the question was asked.

    Args:
        request: What was asked.
        with_texts: Whether texts of users are kept.
        followed: Whether an earlier prompt of the session was followed.
    """
    narrowed = _written_filter(request.wanted)
    unkept = [] if with_texts else sorted(_TEXTS & narrowed.keys())
    parts: dict[str, Any] = {
        "filters": {name: value for name, value in narrowed.items() if name not in unkept},
        "unkept": unkept,
        "reserved_tokens": request.reserved_tokens,
        "budget_given": request.budget_tokens is not None,
        "not_followed": _not_followed(request, followed),
    }
    return {name: value for name, value in parts.items() if value}


def asked_in(record: Mapping[str, Any]) -> Asked:
    """What a record says; all of it unknown to records of earlier releases."""
    parts: Mapping[str, Any] = record.get(ASKED) or {}
    return Asked(
        wanted=_filter_of(parts.get("filters") or {}),
        reserved_tokens=parts.get("reserved_tokens"),
        budget_given=bool(parts.get("budget_given")),
        unkept=tuple(parts.get("unkept") or ()),
        not_followed=tuple(parts.get("not_followed") or ()),
    )


def _not_followed(request: RecallRequest, followed: bool) -> list[str]:
    said = {
        GIVEN_VECTOR: request.query_embedding is not None,
        GIVEN_LAYOUT: request.layout is not None,
        PROMPT_BEFORE: followed,
    }
    return [name for name, holds in said.items() if holds]


def _written_filter(wanted: MemoryFilter | None) -> dict[str, Any]:
    if wanted is None:
        return {}
    return {
        one.name: _plain(getattr(wanted, one.name))
        for one in fields(MemoryFilter)
        if getattr(wanted, one.name) != getattr(_EVERYTHING, one.name)
    }


def _plain(value: Any) -> Any:
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, datetime):
        return value.isoformat()
    return dict(value) if isinstance(value, Mapping) else value


def _filter_of(written: Mapping[str, Any]) -> MemoryFilter | None:
    if not written:
        return None
    values: dict[str, Any] = {
        name: datetime.fromisoformat(value) if name in _TIMES else value
        for name, value in written.items()
    }
    return MemoryFilter(**values)
