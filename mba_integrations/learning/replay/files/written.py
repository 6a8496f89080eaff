"""A record as JSON, in three parts: its settings, its candidates, and what is its own.

Records of one time share the first two, so a file writes those once for many.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import numpy as np

from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.core.pool.saved_items import item_from_dict, item_to_dict
from mba_integrations.learning.replay.records import Decided, Feedback, ReplayRecord

_PLAIN = (
    *("allocation_id", "workspace_id", "budget_tokens", "budget_given", "reserved_tokens"),
    *("session_id", "query", "previous", "numbers"),
)


def written_candidates(candidates: Sequence[MemoryItem]) -> list[dict[str, Any]]:
    """Candidates as JSON."""
    return [item_to_dict(item) for item in candidates]


def read_candidates(written: Sequence[Mapping[str, Any]]) -> tuple[MemoryItem, ...]:
    """Candidates of JSON."""
    return tuple(item_from_dict(one) for one in written)


def written_own(record: ReplayRecord) -> dict[str, Any]:
    """What a record has of its own."""
    vector, decided = record.query_embedding, record.decided
    values: dict[str, Any] = {
        **{name: getattr(record, name) for name in _PLAIN},
        "at": record.at.isoformat(),
        "query_embedding": None if vector is None else np.asarray(vector).tolist(),
        "feedback": [
            [one.memory_id, one.useful, one.origin, one.weight] for one in record.feedback
        ],
        "decided": {
            "tokens": dict(decided.tokens),
            "used_tokens": decided.used_tokens,
            "counter_id": decided.counter_id,
            "tier_tokens": {tier.value: size for tier, size in decided.tier_tokens.items()},
            "reasons": dict(decided.reasons),
        },
    }
    return {name: value for name, value in values.items() if value not in (None, [], False)}


def read_record(
    own: Mapping[str, Any], settings: Mapping[str, Any], candidates: tuple[MemoryItem, ...]
) -> ReplayRecord:
    """The record of its three parts.

    Raises:
        InputError: If a part is missing or wrong.
    """
    try:
        vector = own.get("query_embedding")
        return ReplayRecord(
            **{name: own[name] for name in _PLAIN if name in own},
            at=datetime.fromisoformat(own["at"]),
            settings=settings,
            candidates=candidates,
            decided=_decided(own["decided"]),
            query_embedding=None if vector is None else np.asarray(vector, dtype=np.float64),
            feedback=tuple(
                Feedback(memory_id=memory_id, useful=useful, origin=origin, weight=weight)
                for memory_id, useful, origin, weight in own.get("feedback", ())
            ),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(f"a replay record is unreadable: {error}.") from error


def _decided(written: Mapping[str, Any]) -> Decided:
    tiers = {MemoryTier(tier): size for tier, size in written.get("tier_tokens", {}).items()}
    return Decided(**{**written, "tier_tokens": tiers})
