"""Proposed settings: keep, list, move from state to state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Row

from mba_integrations.services.store.errors import UnknownProposalError
from mba_integrations.services.store.rows.proposals import ProposalRow, ProposalState
from mba_integrations.services.store.scopes import Reading, Writing, checked_id
from mba_integrations.services.store.tables.proposals import proposal


def keep(
    writing: Writing,
    proposal_id: str,
    *,
    state: ProposalState,
    from_version: int,
    changes: Mapping[str, Any],
    found: Mapping[str, Any],
    **more: Any,
) -> ProposalRow:
    """Keep what was found; one of that id that is there stays as it is, and is given.

    Args:
        writing: The scope.
        proposal_id: Which one.
        state: Where it stands.
        from_version: See `ProposalRow`.
        changes: See there.
        found: See there.
        more: Other columns.
    """
    row = {
        "proposal_id": checked_id("proposal_id", proposal_id),
        "state": state,
        "created_at": writing.at,
        "changed_at": writing.at,
        "from_version": from_version,
        "changes": dict(changes),
        "found": dict(found),
        **more,
    }
    writing.insert(proposal, [row], skip_known=True)
    return get(writing, proposal_id)


def get(reading: Reading, proposal_id: str) -> ProposalRow:
    """One of them.

    Raises:
        UnknownProposalError: If there is none of that id.
    """
    statement = reading.select(proposal).where(proposal.c.proposal_id == proposal_id)
    found = reading.execute(statement).one_or_none()
    if found is None:
        raise UnknownProposalError(
            f"workspace {reading.workspace_id!r} has no proposal {proposal_id!r}."
        )
    return _row(found)


def listed(reading: Reading) -> tuple[ProposalRow, ...]:
    """All of them, the latest first."""
    order = proposal.c.created_at.desc(), proposal.c.proposal_id.desc()
    return tuple(map(_row, reading.execute(reading.select(proposal).order_by(*order))))


def move(
    writing: Writing,
    proposal_id: str,
    states: Collection[ProposalState],
    to: ProposalState,
    **news: Any,
) -> ProposalRow:
    """Move one that is in one of these states to another.

    Args:
        writing: The scope.
        proposal_id: Which one.
        states: Where it may stand.
        to: Where it goes.
        news: Columns that change along.

    Raises:
        UnknownProposalError: If there is none of that id, or it is in another state.
    """
    values = {"state": to, "changed_at": writing.at, **news}
    which = proposal.c.proposal_id == proposal_id, proposal.c.state.in_(list(states))
    if not writing.execute(writing.update(proposal).where(*which).values(values)).rowcount:
        state = get(writing, proposal_id).state
        raise UnknownProposalError(
            f"proposal {proposal_id!r} is {state.value}, not {' or '.join(states)}."
        )
    return get(writing, proposal_id)


def _row(found: Row[*tuple[Any, ...]]) -> ProposalRow:
    return ProposalRow(**found._mapping)
