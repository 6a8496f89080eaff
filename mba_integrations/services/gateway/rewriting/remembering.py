"""What of a call is remembered: what the user said last, and what the assistant answered.

A turn's id is made of its session, its place in the conversation and its text, so a turn that is
sent again, as with each result of a tool, is there already. An answer that calls a tool is not one
yet.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from mba_integrations.core.dialogue.roles import Role
from mba_integrations.core.model import MemoryItem, MemoryTier
from mba_integrations.services.gateway.wire.reading import Read
from mba_integrations.services.gateway.wire.replies import Reply
from mba_integrations.services.memory.new_memory import NewMemory
from mba_integrations.services.memory.remembering.results import RememberReply
from mba_integrations.services.memory.service import MemoryService

CLIENT = "gateway"
MOST_CHARS = 32 * 1024
"""Of a longer turn the beginning; a file that is pasted is no memory."""


def remember_turns(
    service: MemoryService,
    workspace_id: str,
    request: Read,
    reply: Reply | None,
    *,
    session_id: str,
    subject: str | None = None,
) -> RememberReply | None:
    """Remember the new turns of a call; None where there are none.

    Args:
        service: The memories.
        workspace_id: Of which workspace.
        request: What the client asked, not what was sent on.
        reply: What came back; None where nothing did.
        session_id: The conversation.
        subject: Whom it is about.

    Raises:
        UnknownWorkspaceError: If there is no such workspace.
    """
    found = new_turns(request, reply, session_id=session_id, subject=subject)
    if not found:
        return None
    return service.remember(workspace_id, found, client=CLIENT, on_error="skip")


def new_turns(
    request: Read, reply: Reply | None, *, session_id: str, subject: str | None = None
) -> list[NewMemory]:
    """The turns as working memory; their source is the session, their position the place in it."""
    return [
        NewMemory(
            item=MemoryItem(
                _id(session_id, place, role, text),
                text,
                MemoryTier.WORKING,
                source=session_id,
                position=float(place),
                metadata={"role": role.value},
            ),
            subject=subject,
            author=role.value,
            session_id=session_id,
        )
        for place, role, text in _said(request, reply)
    ]


def _said(request: Read, reply: Reply | None) -> Iterator[tuple[int, Role, str]]:
    if request.question is not None and request.query.strip():
        yield request.question, Role.USER, request.query[:MOST_CHARS]
    if reply is not None and not reply.calls and reply.text.strip():
        yield len(request.turns), Role.ASSISTANT, reply.text[:MOST_CHARS]


def _id(session_id: str, place: int, role: Role, text: str) -> str:
    said = "\0".join((session_id, str(place), role.value, text))
    digest = hashlib.blake2b(said.encode("utf-8", "surrogatepass"), digest_size=12)
    return f"turn-{digest.hexdigest()}"
