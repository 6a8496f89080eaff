"""Answers to deletions of workspaces that were named: they outlive the workspace, by a day.

All other answers belong to a workspace and go with it. These have counts of rows and a hash of the
name, and stand with what the store knows of itself.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from mba_integrations.services.store.errors import IdempotencyConflictError
from mba_integrations.services.store.rows.jobs import Answer
from mba_integrations.services.store.scopes import ReadingAll, WritingAll
from mba_integrations.services.store.statements.answers import KEPT
from mba_integrations.services.store.tables.workspaces import store_info

_PREFIX = "deletion:"


def find(reading: ReadingAll, key: str, request_hash: str) -> Answer | None:
    """What a deletion was answered with; None if it is new. It may have expired.

    Raises:
        IdempotencyConflictError: If the key came with another deletion.
    """
    statement = reading.select(store_info, store_info.c.value)
    found = reading.execute(statement.where(store_info.c.name == _name(key))).scalar()
    if found is None:
        return None
    kept = json.loads(found)
    if kept["request_hash"] != request_hash:
        raise IdempotencyConflictError(
            f"key {key!r} was used to delete another workspace. Give each request its own key."
        )
    return Answer(key=key, **{**kept, "expires_at": datetime.fromisoformat(kept["expires_at"])})


def keep(writing: WritingAll, key: str, request_hash: str, response: Mapping[str, Any]) -> None:
    """Keep an answer, in the transaction of the deletion; those of a day before go."""
    statement = writing.select(store_info).where(store_info.c.name.startswith(_PREFIX))
    before = {found.name: json.loads(found.value) for found in writing.execute(statement)}
    now = writing.at.isoformat()
    gone = [name for name, kept in before.items() if kept["expires_at"] <= now]
    writing.execute(writing.delete(store_info).where(store_info.c.name.in_([*gone, _name(key)])))
    kept = {
        "request_hash": request_hash,
        "response": dict(response),
        "expires_at": (writing.at + KEPT).isoformat(),
    }
    writing.insert(store_info, [{"name": _name(key), "value": json.dumps(kept)}])


def _name(key: str) -> str:
    return _PREFIX + hashlib.sha256(key.encode()).hexdigest()
