"""Feedback on past recalls, given to a server and read there."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mba_integrations.commands.printing.memories import plain
from mba_integrations.commands.remote.reading import read
from mba_integrations.learning.replay.files.reading import read_records
from mba_integrations.learning.replay.records import ReplayRecord
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

    def replay_records(
        self, workspace_id: str, *, since: datetime | None = None
    ) -> Iterator[ReplayRecord]:
        """Past recalls of a time as records."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "replay.jsonl"
            self._client.export_replay(workspace_id, path, since=since)
            yield from read_records(path)


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
