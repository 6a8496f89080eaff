"""Keys of callers: add, find, list, revoke. They belong to the store, not to a workspace."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Row, bindparam

from mba_integrations.services.store.errors import KeyExistsError, UnknownKeyError
from mba_integrations.services.store.glances import GlanceAll, Seen
from mba_integrations.services.store.owned import select_all
from mba_integrations.services.store.rows.keys import KeyRow
from mba_integrations.services.store.scopes import ReadingAll, WritingAll
from mba_integrations.services.store.tables.keys import api_key

_BY_ID = select_all(api_key).where(api_key.c.key_id == bindparam("key_id"))
_ANY = select_all(api_key, api_key.c.key_id).limit(1)


def add(writing: WritingAll, row: KeyRow) -> KeyRow:
    """Keep a new key.

    Raises:
        KeyExistsError: If one of that id is there.
    """
    if find(writing, row.key_id) is not None:
        raise KeyExistsError(
            f"the key {row.key_id!r} is there, and a key is shown once. Revoke it and make another."
        )
    lists = {"scopes": list(row.scopes), "workspaces": _listed(row.workspaces)}
    values = {column.name: getattr(row, column.name) for column in api_key.c}
    writing.insert(api_key, [{**values, **lists}])
    return row


def find(reading: ReadingAll, key_id: str) -> KeyRow | None:
    """The key of that id, also one that is revoked or expired."""
    found = reading.execute(_BY_ID, {"key_id": key_id}).one_or_none()
    return None if found is None else _row(found)


def listed(reading: ReadingAll) -> tuple[KeyRow, ...]:
    """All keys, the oldest first."""
    statement = reading.select(api_key).order_by(api_key.c.created_at, api_key.c.key_id)
    return tuple(_row(found) for found in reading.execute(statement))


def any_there(reading: ReadingAll) -> bool:
    """Whether there is any key."""
    return reading.execute(_ANY).first() is not None


def seen(glance: GlanceAll, key_id: str) -> Seen | None:
    """The key of that id, to be compared with what was seen before."""
    return glance.row(_BY_ID, key_id=key_id)


def any_seen(glance: GlanceAll) -> bool:
    """Whether there is any key."""
    return glance.row(_ANY) is not None


def revoke(writing: WritingAll, key_id: str) -> KeyRow:
    """Refuse a key from now on; a second time changes nothing.

    Raises:
        UnknownKeyError: If there is none of that id.
    """
    statement = writing.update(api_key).where(
        api_key.c.key_id == key_id, api_key.c.revoked_at.is_(None)
    )
    writing.execute(statement.values(revoked_at=writing.at))
    row = find(writing, key_id)
    if row is None:
        raise UnknownKeyError(f"there is no key {key_id!r}.")
    return row


def note_use(writing: WritingAll, key_id: str) -> None:
    """A key was used now."""
    statement = writing.update(api_key).where(api_key.c.key_id == key_id)
    writing.execute(statement.values(last_used_at=writing.at))


def _listed(names: tuple[str, ...] | None) -> list[str] | None:
    return None if names is None else list(names)


def _row(found: Row[*tuple[Any, ...]]) -> KeyRow:
    values = dict(found._mapping)
    named = values["workspaces"]
    lists = {
        "scopes": tuple(values["scopes"]),
        "workspaces": None if named is None else tuple(named),
    }
    return KeyRow(**{**values, **lists})
