"""`Keys`: make, list and revoke the keys of callers, and find out who a caller is.

    mba_4f6c2a1b90de_V1StGXR8Z5jdHi6BmyT...   shown once, when it is made
        |            |
        key id       secret of 256 bits, of which the store keeps the SHA-256

A key is found by its id, so a check costs one look-up however many keys there are; a secret of 256
bits needs no slow hash. Each check looks at the store: a key that was revoked is refused at once,
in every process. What is remembered of a key is its row as the database had it, with what was made
of it; that holds while a look finds an equal row.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from mba_integrations.core.arguments import checked_iterable, checked_member, checked_text, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.times import has_zone
from mba_integrations.services.access.errors import MissingScopeError, UnknownCallerError
from mba_integrations.services.access.principal import LOCAL, Principal, Scope
from mba_integrations.services.store import callers
from mba_integrations.services.store.errors import StoreError, UnknownKeyError
from mba_integrations.services.store.glances import Seen
from mba_integrations.services.store.rows.keys import KeyRow
from mba_integrations.services.store.scopes import checked_id
from mba_integrations.services.store.store import Store

DEFAULT_SCOPES = (Scope.READ, Scope.WRITE, Scope.FORGET)
LONGEST_NAME = 200
MOST_WORKSPACES = 1_000
_SHAPE = re.compile(r"mba_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_GRAIN = timedelta(hours=1)
_MOST_REMEMBERED = 10_000
_REFUSED = (
    "the key is not known, has expired or was revoked. Send one as 'Authorization: Bearer mba_...' "
    "or 'X-API-Key: mba_...'; 'mba keys create' makes one."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that was just made.

    Attributes:
        key: The whole key. It cannot be shown again.
        row: What is kept of it.
    """

    key: str
    row: KeyRow

    def __repr__(self) -> str:
        return f"NewKey({self.row.key_id})"


class Keys:
    """The keys of a store, as `service.keys`."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[str, tuple[Seen, KeyRow]] = {}

    def create(
        self,
        name: str,
        *,
        scopes: Iterable[Scope | str] = DEFAULT_SCOPES,
        workspaces: Iterable[str] | None = None,
        expires_at: datetime | None = None,
        by: Principal = LOCAL,
        request: str | None = None,
    ) -> NewKey:
        """Make a key.

        Args:
            name: What it is for, 1 to 200 characters.
            scopes: What it may do.
            workspaces: Where it may do that, whether they are there yet or not; None for
                everywhere.
            expires_at: From when it is refused; None for never.
            by: Who makes it: nobody can give away more than they have.
            request: Names the request: made again, it is refused and no second key is made.

        Raises:
            KeyExistsError: If a key was made by a request of that name.
            InputError: If an argument is unusable.
            MissingScopeError: If the new key could do more than its maker.
        """
        secret = secrets.token_urlsafe(32)
        row = KeyRow(
            key_id=secrets.token_hex(6) if request is None else _hash(request)[:12],
            sha256=_hash(secret),
            name=_checked_name(name),
            scopes=_checked_scopes(scopes),
            workspaces=_checked_workspaces(workspaces),
            created_at=self._store.clock(),
            expires_at=_checked_end(expires_at, self._store.clock()),
        )
        _check_no_more_than(by, row)
        self._store.write_all(partial(callers.add, row=row))
        return NewKey(key=f"mba_{row.key_id}_{secret}", row=row)

    def list(self, *, by: Principal = LOCAL) -> tuple[KeyRow, ...]:
        """The keys that reach no farther than their reader, the oldest first."""
        with self._store.read_all() as reading:
            return tuple(row for row in callers.listed(reading) if _is_within(by, row))

    def revoke(self, key_id: str, *, by: Principal = LOCAL) -> KeyRow:
        """Refuse a key from now on.

        Raises:
            UnknownKeyError: If there is none of that id that reaches no farther than *by*.
        """
        checked_id("key_id", key_id)
        if key_id not in {row.key_id for row in self.list(by=by)}:
            raise UnknownKeyError(f"there is no key {shown(key_id)}.")
        return self._store.write_all(partial(callers.revoke, key_id=key_id))

    def any_hold(self) -> bool:
        """Whether a key is there that would be accepted now."""
        now = self._store.clock()
        with self._store.read_all() as reading:
            return any(_holds(row, now) for row in callers.listed(reading))

    def were_made(self) -> bool:
        """Whether a key was ever made, also one that was revoked or has expired."""
        with self._store.read_all() as reading:
            return callers.any_there(reading)

    def were_made_at_once(self) -> bool | None:
        """As `were_made`, if that can be said where nothing may wait; None if not."""
        glance = self._store.glance_all()
        try:
            return None if glance is None else callers.any_seen(glance)
        except StoreError:
            return None

    def authenticate(self, key: str) -> Principal:
        """Who a caller is.

        Raises:
            UnknownCallerError: If the key is not known, has expired or was revoked; which of them
                is not said.
        """
        shape = _SHAPE.fullmatch(key)
        row = None if shape is None else self._find(shape[1])
        now = self._store.clock()
        if shape is None or row is None or not _opens(row, shape[2], now):
            raise UnknownCallerError(_REFUSED)
        if _use_is_due(row, now):
            self._store.write_all(partial(callers.note_use, key_id=row.key_id))
        return principal_of(row)

    def authenticate_at_once(self, key: str) -> Principal | None:
        """Who a caller is, if that can be said where nothing may wait.

        None where `authenticate` must be asked: always on Postgres, and on SQLite for a key that is
        refused, was changed since it came last, or has a use that is to be written down.
        """
        shape = _SHAPE.fullmatch(key)
        row = None if shape is None else self._remembered(shape[1])
        now = self._store.clock()
        if shape is None or row is None or not _opens(row, shape[2], now) or _use_is_due(row, now):
            return None
        return principal_of(row)

    def _find(self, key_id: str) -> KeyRow | None:
        seen = self._seen(key_id)  # first, so that what is remembered is never older than its row
        with self._store.read_all() as reading:
            row = callers.find(reading, key_id)
        if seen is not None and row is not None:
            self._remember(seen, row)
        return row

    def _remembered(self, key_id: str) -> KeyRow | None:
        known = self._known.get(key_id)
        return None if known is None or known[0] != self._seen(key_id) else known[1]

    def _remember(self, seen: Seen, row: KeyRow) -> None:
        if len(self._known) >= _MOST_REMEMBERED:
            self._known.clear()
        self._known[row.key_id] = (seen, row)

    def _seen(self, key_id: str) -> Seen | None:
        glance = self._store.glance_all()
        try:
            return None if glance is None else callers.seen(glance, key_id)
        except StoreError:
            return None


def principal_of(row: KeyRow) -> Principal:
    """The caller that a key stands for. Scopes of a later release give nothing."""
    known = {scope.value for scope in Scope}
    return Principal(
        key_id=row.key_id,
        scopes=frozenset(Scope(one) for one in row.scopes if one in known),
        workspaces=None if row.workspaces is None else frozenset(row.workspaces),
    )


def _opens(row: KeyRow, secret: str, now: datetime) -> bool:
    return hmac.compare_digest(_hash(secret), row.sha256) and _holds(row, now)


def _use_is_due(row: KeyRow, now: datetime) -> bool:
    """Whether to keep that a key is used: once in an hour, for each time would be too many."""
    return row.last_used_at is None or now - row.last_used_at >= _GRAIN


def _holds(row: KeyRow, now: datetime) -> bool:
    return row.revoked_at is None and (row.expires_at is None or now < row.expires_at)


def _is_within(by: Principal, row: KeyRow) -> bool:
    """Whether a key reaches no farther than a caller."""
    of_row = principal_of(row)
    if by.workspaces is None:
        return of_row.scopes <= by.scopes
    return (
        of_row.scopes <= by.scopes
        and of_row.workspaces is not None
        and of_row.workspaces <= by.workspaces
    )


def _check_no_more_than(by: Principal, row: KeyRow) -> None:
    if not _is_within(by, row):
        raise MissingScopeError(
            f"the key {by.key_id!r} cannot make one that may do more, or in more workspaces, "
            "than itself.",
            scope=Scope.ADMIN.value,
        )


def _checked_name(name: object) -> str:
    text = checked_text("name", name)
    if not text.strip() or len(text) > LONGEST_NAME:
        raise InputError(f"name must have 1 to {LONGEST_NAME} characters, got {shown(text)}.")
    return checked_id("name", text)


def _checked_scopes(scopes: Iterable[Scope | str]) -> tuple[str, ...]:
    checked_iterable("scopes", scopes, "a list of scopes")
    named = {checked_member("a scope of scopes", one, Scope) for one in scopes}
    if not named:
        raise InputError("scopes is empty: such a key could do nothing.")
    return tuple(scope.value for scope in Scope if scope in named)


def _checked_workspaces(workspaces: Iterable[str] | None) -> tuple[str, ...] | None:
    if workspaces is None:
        return None
    checked_iterable("workspaces", workspaces, "a list of workspace ids")
    named = tuple(dict.fromkeys(checked_id("a workspace of workspaces", one) for one in workspaces))
    if not 1 <= len(named) <= MOST_WORKSPACES:
        raise InputError(
            f"workspaces must name 1 to {MOST_WORKSPACES:,}, got {len(named):,}. Leave it out for "
            "all."
        )
    return named


def _checked_end(expires_at: object, now: datetime) -> datetime | None:
    if expires_at is None:
        return None
    if not isinstance(expires_at, datetime) or not has_zone(expires_at):
        raise InputError(f"expires_at must be a time with a zone, got {shown(expires_at)}.")
    if expires_at <= now:
        raise InputError(f"expires_at lies in the past, at {expires_at.isoformat()}.")
    return expires_at


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
