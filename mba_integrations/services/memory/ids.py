"""Ids that nobody gave: UUIDs of version 7, which grow with time, so that logs stay in order."""

from __future__ import annotations

import secrets
import uuid
from datetime import datetime

from mba_integrations.core.times import seconds_of

_VERSION, _VARIANT = 0x7, 0x2


def new_id(now: datetime) -> str:
    """An id of this moment; ids of one millisecond are in no order.

    >>> from datetime import UTC
    >>> uuid.UUID(new_id(datetime(2026, 6, 1, tzinfo=UTC))).version
    7
    """
    milliseconds = int(seconds_of(now) * 1000) & (1 << 48) - 1
    bits = milliseconds << 80 | _VERSION << 76 | secrets.randbits(12) << 64
    return str(uuid.UUID(int=bits | _VARIANT << 62 | secrets.randbits(62)))
