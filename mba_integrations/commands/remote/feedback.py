"""Feedback on past recalls, given to a server and read there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mba_integrations.commands.printing.memories import plain
from mba_integrations.commands.remote.reading import read
from mba_integrations.services.memory.feedback.giving import FeedbackReply
from mba_integrations.services.store.rows.allocations import FeedbackRow

if TYPE_CHECKING:
    from mba_integrations.services.client.client import MbaClient


class RemoteAllocations:
    """Past recalls of a server."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def feedback(self, workspace_id: str, allocation_id: str) -> tuple[FeedbackRow, ...]:
        """What was said of one."""
        return rows_of(self._client.feedback_on(workspace_id, allocation_id))


def given_to(
    client: MbaClient, workspace_id: str, allocation_id: str, given: Mapping[str, Any]
) -> FeedbackReply:
    """Say something of a past recall."""
    told = client.feedback(workspace_id, allocation_id, **plain(given))
    return FeedbackReply(
        allocation_id=allocation_id,
        rows=rows_of(told),
        not_in_prompt=tuple(told["not_in_prompt"]),
        notes=tuple(told["notes"]),
    )


def rows_of(told: Mapping[str, Any]) -> tuple[FeedbackRow, ...]:
    """The rows that an answer of the server has."""
    of = {"allocation_id": told["allocation_id"]}
    return tuple(read(FeedbackRow, {**of, **one}) for one in told["feedback"])
