"""The session that a request belongs to.

Whoever sends it knows best, so it is looked for in this order: the headers `x-mba-session` and
`x-claude-code-session-id`, `metadata.session_id` and `metadata.user_id` of the body, then the
fingerprint of the system prompt and the first message of the user: the part of a conversation that
all its requests have. Two conversations that begin with the same words have the same fingerprint.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from mba_integrations.services.store.scopes import LONGEST_ID

HEADERS = ("x-mba-session", "x-claude-code-session-id")
FIELDS = ("session_id", "user_id")
Source = Literal["header", "metadata", "fingerprint"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionName:
    """The session of a request.

    Attributes:
        session_id: Its id.
        source: Where it was found.
    """

    session_id: str
    source: Source


def session_of(
    headers: Iterable[tuple[bytes, bytes]],
    body: Mapping[str, Any],
    *,
    system: str,
    first_user: str,
) -> SessionName | None:
    """The session of a request; None where nothing tells it.

    Args:
        headers: Of the request, as ASGI has them.
        body: Its JSON.
        system: The text of its system prompt.
        first_user: The text of the first message of the user.

    >>> session_of([(b"X-MBA-Session", b"s1")], {}, system="", first_user="Hi.").session_id
    's1'
    """
    given = _of_headers(headers)
    if given is not None:
        return SessionName(session_id=given, source="header")
    told = _of_metadata(body.get("metadata"))
    if told is not None:
        return SessionName(session_id=told, source="metadata")
    if not first_user:
        return None
    return SessionName(session_id=fingerprint(system, first_user), source="fingerprint")


def fingerprint(system: str, first_user: str) -> str:
    """An id that all requests of a conversation have.

    >>> fingerprint("Be brief.", "Hi.")
    'conversation-b7e75ab23ec547b063e3a9f401414f01'
    """
    parts = (part.encode("utf-8", "surrogatepass") for part in (system, first_user))
    # The length of the first part keeps ("a", "bc") and ("ab", "c") apart.
    system_bytes, user_bytes = parts
    said = b"%d:%b%b" % (len(system_bytes), system_bytes, user_bytes)
    return f"conversation-{hashlib.sha256(said).hexdigest()[:32]}"


def _of_headers(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    found = {name.lower(): value for name, value in headers}
    values = (found.get(name.encode(), b"") for name in HEADERS)
    return next(filter(None, (_kept(value.decode("latin-1")) for value in values)), None)


def _of_metadata(metadata: object) -> str | None:
    if not isinstance(metadata, Mapping):
        return None
    values = (metadata.get(name) for name in FIELDS)
    return next(filter(None, (_kept(one) for one in values if isinstance(one, str))), None)


def _kept(given: str) -> str | None:
    """An id that the store can hold: what is too long, or no text, is known by its digest."""
    name = given.strip()
    if not name:
        return None
    if len(name) <= LONGEST_ID and name.isprintable():
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    return f"session-{digest[:32]}"
