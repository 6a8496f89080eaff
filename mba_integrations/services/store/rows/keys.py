"""A key by which a caller is known."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRow:
    """A key. Its secret is nowhere.

    Attributes:
        key_id: By which it is found; a part of the key.
        sha256: Of the secret, in hexadecimal.
        name: What it is for.
        scopes: What it may do.
        workspaces: Where it may do that; None for everywhere.
        created_at: When it was made.
        expires_at: From when it is refused; None for never.
        last_used_at: When it was last used, to the hour.
        revoked_at: When it was revoked; None if it was not.
    """

    key_id: str
    sha256: str
    name: str
    scopes: tuple[str, ...]
    workspaces: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
