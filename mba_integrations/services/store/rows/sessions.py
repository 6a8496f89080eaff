"""A session: what the next turn needs to know of the previous prompt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRow:
    """A session of a workspace.

    Attributes:
        session_id: Its id.
        previous: `PreviousPrompt.to_dict()`; None where there was no prompt yet.
        updated_at: When it was last used.
        ended_at: When it ended; None while it goes on.
        gateway: What the gateway keeps of it; None where it never came through there.
    """

    session_id: str
    previous: Mapping[str, Any] | None
    updated_at: datetime
    ended_at: datetime | None = None
    gateway: Mapping[str, Any] | None = None
