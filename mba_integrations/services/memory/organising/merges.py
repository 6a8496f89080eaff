"""`Merges`: what an organiser proposes to bring together, and what a rule or a person accepts.

Nothing is merged by itself: two texts that look alike may both be true, one of them earlier. A
proposal that is accepted puts one new memory in the place of the first, and the others are
forgotten; all stay in the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from mba_integrations.core.arguments import checked_text
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import MemoryItem
from mba_integrations.services.memory.embedding.job import ask_for_vectors
from mba_integrations.services.memory.equipment import Equipment
from mba_integrations.services.memory.ids import new_id
from mba_integrations.services.memory.new_memory import check_text
from mba_integrations.services.memory.once import Once
from mba_integrations.services.memory.pools.items import item_of
from mba_integrations.services.memory.remembering.remember import latest_change
from mba_integrations.services.memory.remembering.results import ChangeReply
from mba_integrations.services.store.rows.jobs import Answer
from mba_integrations.services.store.rows.memories import MemoryFilter, MemoryRow, MemoryState
from mba_integrations.services.store.scopes import Writing
from mba_integrations.services.store.statements import answers, finding, memories, workspaces

KEPT = timedelta(days=7)
_KIND = "merge-proposal"


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeProposal:
    """Memories that could be one.

    Attributes:
        memory_ids: Which ones, two or more.
        content: The text that would take their place.
        reason: Why.
        proposal_id: By which it is accepted; empty until it is kept.
    """

    memory_ids: tuple[str, ...]
    content: str
    reason: str = ""
    proposal_id: str = ""


Organiser = Callable[[Sequence[MemoryItem]], Iterable[MergeProposal]]
"""Memories of a workspace in; what could be merged of them out."""


class Merges:
    """Proposals of merges, as `service.merges`.

    Args:
        equipment: What the service lends.
        organiser: What proposes; None for none.
    """

    def __init__(self, equipment: Equipment, organiser: Organiser | None) -> None:
        self._equipment = equipment
        self._organiser = organiser

    def propose(
        self, workspace_id: str, *, accept: Callable[[MergeProposal], bool] | None = None
    ) -> tuple[MergeProposal, ...]:
        """Ask the organiser; its proposals are kept for a week.

        Args:
            workspace_id: Of which workspace.
            accept: A rule: what it says yes to is merged at once.

        Raises:
            InputError: If the service has no organiser, or a proposal is none.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        if self._organiser is None:
            raise InputError("the service has no organiser. Open it with one.")
        with self._equipment.read(workspace_id) as reading:
            rows = finding.current(reading)
        found = [
            _checked(one, new_id(self._equipment.clock()))
            for one in self._organiser([item_of(row) for row in rows])
        ]
        self._equipment.write(workspace_id, lambda writing: _keep(writing, found))
        for one in found:
            if accept is not None and accept(one):
                self.accept(workspace_id, one.proposal_id)
        return tuple(found)

    def list(self, workspace_id: str) -> tuple[MergeProposal, ...]:
        """Proposals of the last week of which all memories are still active, the first one first.

        Raises:
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        with self._equipment.read(workspace_id) as reading:
            workspaces.get(reading)
            kept = answers.of_request(reading, _KIND, self._equipment.clock())
            found = [_proposal(one) for one in kept]
            named = {name for one in found for name in one.memory_ids}
            active = set(finding.ids(reading, MemoryFilter(memory_ids=frozenset(named))))
        return tuple(one for one in found if active.issuperset(one.memory_ids))

    def accept(
        self,
        workspace_id: str,
        proposal_id: str,
        *,
        actor: str | None = None,
        once: Once | None = None,
    ) -> ChangeReply:
        """Merge what was proposed.

        Args:
            workspace_id: Of which workspace.
            proposal_id: Which proposal.
            actor: Who accepts, for the history.
            once: Names the request; made again, it is not done again.

        Raises:
            InputError: If there is no such proposal, or one of its memories is not active any more.
            UnknownWorkspaceError: If there is no such workspace; with those of a like name.
        """
        checked_text("proposal_id", proposal_id)

        def act(writing: Writing) -> ChangeReply:
            rows = _merged(writing, _kept(writing, proposal_id))
            ask_for_vectors(writing, self._equipment.models)
            return ChangeReply(memories=rows, change_seq=latest_change(writing, rows))

        return self._equipment.write(workspace_id, act, actor=actor, once=once)


def _checked(proposal: object, proposal_id: str) -> MergeProposal:
    if not isinstance(proposal, MergeProposal) or len(set(proposal.memory_ids)) < 2:
        raise InputError("the organiser must give MergeProposals of two memories or more.")
    return replace(proposal, proposal_id=proposal_id)


def _keep(writing: Writing, found: Sequence[MergeProposal]) -> None:
    for one in found:
        written = {
            "memory_ids": list(one.memory_ids),
            "content": one.content,
            "reason": one.reason,
        }
        answers.keep(writing, f"{_KIND}:{one.proposal_id}", _KIND, written, kept=KEPT)


def _kept(writing: Writing, proposal_id: str) -> MergeProposal:
    answer = answers.find(writing, f"{_KIND}:{proposal_id}", _KIND)
    if answer is None or answer.expires_at <= writing.at:
        raise InputError(f"there is no proposal {proposal_id!r} of the last {KEPT.days} days.")
    return _proposal(answer)


def _proposal(answer: Answer) -> MergeProposal:
    return MergeProposal(
        memory_ids=tuple(answer.response["memory_ids"]),
        content=answer.response["content"],
        reason=answer.response["reason"],
        proposal_id=answer.key.removeprefix(f"{_KIND}:"),
    )


def _merged(writing: Writing, proposal: MergeProposal) -> tuple[MemoryRow, ...]:
    first, *others = finding.known(writing, list(dict.fromkeys(proposal.memory_ids)))
    gone = [one.memory_id for one in (first, *others) if one.state is not MemoryState.ACTIVE]
    if gone:
        raise InputError(f"memory {gone[0]!r} is not active any more. Propose again.")
    check_text(f"proposal {proposal.proposal_id!r}", proposal.content)
    successor = replace(
        first,
        memory_id=new_id(writing.at),
        content=proposal.content,
        importance=max(one.importance for one in (first, *others)),
        pinned=any(one.pinned for one in (first, *others)),
        tags=tuple(sorted({tag for one in (first, *others) for tag in one.tags})),
        access_count=0,
        last_accessed_at=None,
        created_at=writing.at,
    )
    reason = proposal.reason or "merged"
    rows = memories.supersede(writing, {first.memory_id: successor}, reason=reason)
    memories.forget(
        writing,
        [one.memory_id for one in others],
        reason=f"merged into {successor.memory_id}",
    )
    return rows
