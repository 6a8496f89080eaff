"""Answers to requests that may come again: the same key gets the same answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row

from mba_integrations.services.store.errors import IdempotencyConflictError
from mba_integrations.services.store.rows.jobs import Answer
from mba_integrations.services.store.scopes import Reading, Writing, checked_id
from mba_integrations.services.store.tables.work import answer

KEPT = timedelta(hours=24)
"""How long an answer is given again."""


def find(reading: Reading, key: str, request_hash: str) -> Answer | None:
    """What a request was answered with; None if it is new. It may have expired.

    Raises:
        IdempotencyConflictError: If the key came with another request.
    """
    statement = reading.select(answer).where(answer.c.key == key)
    found = reading.execute(statement).one_or_none()
    if found is None:
        return None
    if found.request_hash != request_hash:
        raise IdempotencyConflictError(
            f"key {key!r} was used for another request in workspace {reading.workspace_id!r}. "
            "Give each request its own key."
        )
    return _answer(found)


def of_request(reading: Reading, request_hash: str, now: datetime) -> tuple[Answer, ...]:
    """Answers to all requests of one kind that are kept still, by their keys."""
    statement = reading.select(answer).where(
        answer.c.request_hash == request_hash, answer.c.expires_at > now
    )
    return tuple(_answer(found) for found in reading.execute(statement.order_by(answer.c.key)))


def drop(writing: Writing, key: str) -> None:
    """Forget an answer."""
    writing.execute(writing.delete(answer).where(answer.c.key == key))


def _answer(found: Row[*tuple[Any, ...]]) -> Answer:
    return Answer(
        key=found.key,
        request_hash=found.request_hash,
        response=found.response,
        expires_at=found.expires_at,
    )


def keep(
    writing: Writing,
    key: str,
    request_hash: str,
    response: Mapping[str, Any],
    *,
    kept: timedelta = KEPT,
) -> None:
    """Keep an answer, in the transaction of what it answers."""
    row = {
        "key": checked_id("key", key),
        "request_hash": request_hash,
        "response": dict(response),
        "expires_at": writing.at + kept,
    }
    writing.put(answer, [row])
