"""Sessions: the previous prompt of each, what the gateway keeps of it, and which have been idle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from mba_integrations.services.store.dialect import among
from mba_integrations.services.store.rows.sessions import SessionRow
from mba_integrations.services.store.scopes import Reading, Writing, checked_id
from mba_integrations.services.store.tables.log import session


def put(writing: Writing, session_id: str, previous: Mapping[str, Any] | None) -> None:
    """Keep the previous prompt of a session; one that had ended goes on."""
    checked_id("session_id", session_id)
    row = {
        "session_id": session_id,
        "previous": None if previous is None else dict(previous),
        "updated_at": writing.at,
        "ended_at": None,
    }
    writing.put(session, [row])


def put_gateway(writing: Writing, session_id: str, kept: Mapping[str, Any]) -> None:
    """Keep what the gateway needs of a session; its previous prompt stays as it is."""
    checked_id("session_id", session_id)
    row = {
        "session_id": session_id,
        "gateway": dict(kept),
        "updated_at": writing.at,
        "ended_at": None,
    }
    writing.put(session, [row])


def find(reading: Reading, session_id: str) -> SessionRow | None:
    """A session; None if it is not known."""
    statement = reading.select(session).where(session.c.session_id == session_id)
    found = reading.execute(statement).one_or_none()
    return None if found is None else _row(found)


def idle(reading: Reading, since: datetime, *, limit: int = 1_000) -> tuple[SessionRow, ...]:
    """Sessions that go on and were not used since a time, those idle longest first."""
    statement = (
        reading.select(session)
        .where(session.c.ended_at.is_(None), session.c.updated_at < since)
        .order_by(session.c.updated_at, session.c.session_id)
        .limit(limit)
    )
    return tuple(_row(found) for found in reading.execute(statement))


def end(writing: Writing, session_ids: Sequence[str]) -> int:
    """End sessions; gives how many went on until now. Their previous prompts are dropped."""
    statement = (
        writing.update(session)
        .where(among(session.c.session_id, session_ids), session.c.ended_at.is_(None))
        .values(ended_at=writing.at, previous=None)
    )
    return writing.execute(statement).rowcount


def delete(writing: Writing, session_ids: Sequence[str]) -> int:
    """Delete sessions; gives how many there were."""
    statement = writing.delete(session).where(among(session.c.session_id, session_ids))
    return writing.execute(statement).rowcount


def _row(found: Row[*tuple[Any, ...]]) -> SessionRow:
    return SessionRow(
        session_id=found.session_id,
        previous=found.previous,
        updated_at=found.updated_at,
        ended_at=found.ended_at,
        gateway=found.gateway,
    )
