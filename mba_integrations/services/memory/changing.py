"""What a service does to memories: remember, revise, move, pin, hold, expire, forget; feedback."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Literal

from mba_integrations.core.arguments import checked_member, checked_texts, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.feedback.giving import FeedbackReply, give_feedback
from mba_integrations.services.memory.feedback.judging import Thumb
from mba_integrations.services.memory.feedback.request import checked_feedback
from mba_integrations.services.memory.jobs.tasks import Tasks
from mba_integrations.services.memory.new_memory import NewMemory, check_time
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.remembering import change
from mba_integrations.services.memory.remembering.given import (
    Defaults,
    Memory,
    as_list,
    digest_of,
    given_memories,
)
from mba_integrations.services.memory.remembering.remember import RememberRequest, remember
from mba_integrations.services.memory.remembering.results import ChangeReply, RememberReply
from mba_integrations.services.store.rows.memories import MemoryFilter
from mba_integrations.services.store.scopes import checked_id


class Changing:
    """The part of `MemoryService` that writes."""

    _equipment: Equipment
    _extracts: bool
    jobs: Tasks

    def remember(
        self,
        workspace_id: str,
        memories: Memory | Iterable[Memory],
        *,
        tier: MemoryTier | str | None = None,
        subject: str | None = None,
        source: str | None = None,
        session_id: str | None = None,
        tags: Sequence[str] = (),
        expires_at: datetime | None = None,
        author: str | None = None,
        client: str | None = None,
        key: str | None = None,
        on_error: Literal["raise", "skip"] = "raise",
        actor: str | None = None,
    ) -> RememberReply:
        """Keep memories; comes back when they are durable. Vectors are made by a job afterwards.

        Args:
            workspace_id: Where.
            memories: 1 to 1,000 texts, items, `NewMemory`s and chat messages with `role` and
                `content`.
            tier: Of texts and messages; long-term and working memory by default.
            subject: Whom they are about, for those that do not say.
            source: Where they come from, for those that do not say.
            session_id: In which session they were said; the source of messages.
            tags: Words to filter by, besides their own.
            expires_at: From when they are no candidates any more, for those that do not say.
            author: Who said them; of messages their role.
            client: Through what they came.
            key: Names this request: made again with the same memories within a day, it is answered
                as the first time and not done again.
            on_error: Whether one memory that is refused refuses all, or is left out.
            actor: Who writes, for the history.

        Raises:
            InputError: If a memory is refused; nothing is kept then.
            MemoryExistsError: If an id is there with another text; nothing is kept then.
            IdempotencyConflictError: If the key came with other memories.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        defaults = Defaults(
            tier=None if tier is None else checked_member("tier", tier, MemoryTier),
            subject=subject,
            source=source,
            session_id=session_id,
            tags=tuple(checked_texts("tags", tags)),
            expires_at=expires_at,
            author=author,
            client=client,
        )
        request = self._request(memories, defaults, key, on_error)
        models = self._equipment.models
        reply = self._equipment.write(
            workspace_id, lambda writing: remember(writing, request, models), actor=actor
        )
        self.jobs.wake()
        return reply

    def _request(
        self,
        memories: Memory | Iterable[Memory],
        defaults: Defaults,
        key: str | None,
        on_error: str,
    ) -> RememberRequest:
        if on_error not in ("raise", "skip"):
            raise InputError(f"on_error must be raise or skip, got {shown(on_error)}.")
        listed = as_list(memories)
        given = given_memories(listed, defaults, now=self._equipment.clock())
        return RememberRequest(
            found=given.memories,
            skip=on_error == "skip",
            key=key,
            digest="" if key is None else digest_of(listed, defaults),
            notes=given.notes,
            extract=self._extracts,
        )

    def revise(
        self,
        workspace_id: str,
        memory_id: str,
        content: str | NewMemory,
        *,
        reason: str | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """Put a memory with another text in the place of one; the old one is kept, superseded.

        The new memory has an id of its own and everything else of the old one but its age and its
        uses. The same text changes nothing. A `NewMemory` takes the place of the old one as it is,
        also with the same text.

        Args:
            workspace_id: Of which workspace.
            memory_id: The old one.
            content: The new text, or the whole new memory.
            reason: Why, for the history.
            actor: Who writes, for the history.
            once: Names the request; made again, it is not done again.

        Raises:
            UnknownMemoryError: If there is no such memory.
            NotActiveError: If it is superseded or forgotten.
            InputError: If the new one cannot be kept.
            MemoryExistsError: If the id of the new one is there.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        return self.revise_all(
            workspace_id, {memory_id: content}, reason=reason, actor=actor, once=once
        )

    def revise_all(
        self,
        workspace_id: str,
        successors: Mapping[str, str | NewMemory],
        *,
        reason: str | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """As `revise`, for 1 to 1,000 memories by their ids, in one transaction: all or none."""
        act = change.revise(
            change.checked_successors(successors), reason=reason, models=self._equipment.models
        )
        reply = self._equipment.write(workspace_id, act, actor=actor, once=once)
        self.jobs.wake()
        return reply

    def move(
        self,
        workspace_id: str,
        memory_ids: str | Sequence[str],
        tier: MemoryTier | str,
        *,
        reason: str | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """Move memories to a tier; those that are there already stay unchanged.

        Raises:
            UnknownMemoryError: If there is no such memory; nothing moves then.
            InputError: If there is no such tier.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        to = checked_member("tier", tier, MemoryTier)
        act = change.move(change.named_ids(memory_ids), to, reason=reason)
        return self._equipment.write(workspace_id, act, actor=actor, once=once)

    def pin(
        self,
        workspace_id: str,
        memory_ids: str | Sequence[str],
        pinned: bool = True,
        *,
        reason: str | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """Have memories in every prompt, or no longer.

        Raises:
            UnknownMemoryError: If there is no such memory; nothing changes then.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        act = change.mark(change.named_ids(memory_ids), pinned=bool(pinned), reason=reason)
        return self._equipment.write(workspace_id, act, actor=actor, once=once)

    def hold(
        self,
        workspace_id: str,
        memory_ids: str | Sequence[str],
        held: bool = True,
        *,
        reason: str | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """Keep memories from retention, or no longer. An erasure takes them all the same.

        Raises:
            UnknownMemoryError: If there is no such memory; nothing changes then.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        act = change.mark(change.named_ids(memory_ids), held=bool(held), reason=reason)
        return self._equipment.write(workspace_id, act, actor=actor, once=once)

    def expire(
        self,
        workspace_id: str,
        memory_ids: str | Sequence[str],
        at: datetime | None,
        *,
        reason: str | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """Set from when memories are no candidates any more; None for never.

        Raises:
            UnknownMemoryError: If there is no such memory; nothing changes then.
            InputError: If *at* is no time with a zone.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        check_time("at", at)
        act = change.mark(change.named_ids(memory_ids), expires_at=at, reason=reason)
        return self._equipment.write(workspace_id, act, actor=actor, once=once)

    def feedback(
        self,
        workspace_id: str,
        allocation_id: str,
        *,
        cited: Sequence[str] | None = None,
        answer: str | None = None,
        query: str | None = None,
        seen: Sequence[str] | None = None,
        thumb: Thumb | str | None = None,
        thumbs: Mapping[str, Thumb | str] | None = None,
        once: Once | None = None,
    ) -> FeedbackReply:
        """Say what the answer to a past recall used, or what a person thinks of it.

        Each judgement is kept with its origin, in place of what the same origin said of the same
        memory before. The answer is read and not kept. No memory changes.

        Args:
            workspace_id: Of which workspace.
            allocation_id: Of which recall.
            cited: Ids that the answer names; others are of no use then, at half the weight.
            answer: The text of the answer, at most 256 KiB: its words beyond the question's tell
                which memories it used.
            query: What the recall was asked, where the log has not kept it and *answer* is given.
            seen: Which memories of the prompt reached the model, and are judged by *cited* and
                *answer*; all by default.
            thumb: `up` or `down`, of the whole prompt.
            thumbs: The same of memories in it, by their ids.
            once: As for `revise`.

        Raises:
            InputError: If nothing is said, the question is missing or another one than that of
                then, or a thumb is for a memory that was not in the prompt.
            UnknownAllocationError: If there is none of that id.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        request = checked_feedback(
            cited=cited, answer=answer, query=query, seen=seen, thumb=thumb, thumbs=thumbs
        )
        checked_id("allocation_id", allocation_id)
        return give_feedback(self._equipment, workspace_id, allocation_id, request, once=once)

    def forget(
        self,
        workspace_id: str,
        memory_ids: str | Sequence[str] | None = None,
        *,
        filters: MemoryFilter | None = None,
        subject: str | None = None,
        expected: int | None = None,
        reason: str | None = None,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """Forget memories: no recall sees them any more; their texts stay in the history.

        Name them, or give a filter or a subject; never nothing, which would be all of them. What
        must be nowhere is erased, not forgotten.

        Args:
            workspace_id: Of which workspace.
            memory_ids: The named ones.
            filters: All that it lets through, however many.
            subject: All about this person.
            expected: How many it must be, or nothing is forgotten.
            reason: Why, for the history.
            actor: Who forgets, for the history.
            once: As for `revise`.

        Raises:
            UnknownMemoryError: If there is no memory of an id; nothing is forgotten then.
            InputError: If nothing is named, or it is not as many as expected.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        act = change.forget(
            change.forgetting(memory_ids, filters, subject, expected=expected, reason=reason)
        )
        return self._equipment.write(workspace_id, act, actor=actor, once=once)
