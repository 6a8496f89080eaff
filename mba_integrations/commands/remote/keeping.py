"""What keeps a server's workspaces in order, under the names of the service's own parts."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from mba_integrations.commands.remote.reading import read, read_all
from mba_integrations.core.lifecycle import LifecycleRecommendation, LifecycleReview
from mba_integrations.core.model import MemoryTier
from mba_integrations.services.memory.organising.merges import MergeProposal
from mba_integrations.services.memory.organising.plan import OrganisationPlan
from mba_integrations.services.memory.retention.decisions import RetentionDecision
from mba_integrations.services.memory.retention.preview import RetentionPreview
from mba_integrations.services.memory.retention.rules import OnLimit
from mba_integrations.services.memory.retention.sweep import RetentionReply
from mba_integrations.services.memory.tiers.reviews import TierReview
from mba_integrations.services.store.rows.erasures import Erasure
from mba_integrations.services.store.rows.jobs import JobRow, JobState

if TYPE_CHECKING:
    from mba_integrations.commands.remote.service import RemoteService, ToldChange
    from mba_integrations.services.client.client import MbaClient

_PAUSE_SECONDS = 0.1
_OPEN = (JobState.QUEUED, JobState.RUNNING)


class RemoteJobs:
    """Jobs of a server, which does them by itself."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def list(
        self, workspace_id: str, *, states: Sequence[JobState] = tuple(JobState), limit: int = 100
    ) -> tuple[JobRow, ...]:
        """Jobs of a workspace in these states, the latest first."""
        named = [one.value for one in states]
        return tuple(
            map(job_of, self._client.jobs(workspace_id, states=named, limit=limit)["jobs"])
        )

    def get(self, workspace_id: str, job_id: str) -> JobRow:
        """One job."""
        return job_of(self._client.job(workspace_id, job_id))

    def retry(self, workspace_id: str, job_id: str) -> JobRow:
        """Put a job in again."""
        return job_of(self._client.retry_job(workspace_id, job_id))

    def cancel(self, workspace_id: str, job_id: str) -> JobRow:
        """Cancel a job that has not ended."""
        return job_of(self._client.cancel_job(workspace_id, job_id))

    def counts(self, workspace_id: str) -> Mapping[JobState, int]:
        """How many jobs a workspace has, by state."""
        counts = self._client.jobs(workspace_id, limit=1)["counts"]
        return {JobState(name): count for name, count in counts.items()}

    def run(self, *, progress: object = None) -> int:
        """Nothing: the server does its jobs; `list` tells how far they are."""
        return 0

    def wait_until_idle(self, workspace_id: str, *, seconds: float = 60.0) -> bool:
        """Wait until no job of a workspace runs or is due; False if some still are."""
        until = time.monotonic() + seconds
        while self._is_busy(workspace_id):
            if time.monotonic() >= until:
                return False
            time.sleep(_PAUSE_SECONDS)
        return True

    def _is_busy(self, workspace_id: str) -> bool:
        now = datetime.now(UTC)
        found = self.list(workspace_id, states=_OPEN)
        return any(job.state is JobState.RUNNING or job.run_after <= now for job in found)


def job_of(told: Mapping[str, Any]) -> JobRow:
    return read(JobRow, {**told, "lease_owner": None})


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedPreview(RetentionPreview):
    """A preview that was counted elsewhere: it has the first decisions and all counts."""

    counted: Mapping[tuple[MemoryTier, OnLimit, str], int] = field(default_factory=dict)

    @property
    def counts(self) -> dict[tuple[MemoryTier, OnLimit, str], int]:
        """How many memories go, by tier, action and limit."""
        return dict(self.counted)

    def __len__(self) -> int:
        return sum(self.counted.values())


class RemoteRetention:
    """What a server keeps how long."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def preview(self, workspace_id: str) -> CountedPreview:
        """What would go now, and why."""
        told = self._client.preview_retention(workspace_id)
        samples = [(read(RetentionDecision, one), one["text"]) for one in told["samples"]]
        return CountedPreview(
            decisions=tuple(decision for decision, _ in samples),
            expired=told["expired"],
            samples=tuple(samples),
            counted={
                (MemoryTier(one["tier"]), OnLimit(one["action"]), one["rule"]): one["count"]
                for one in told["counts"]
            },
        )

    def apply(self, workspace_id: str) -> RetentionReply:
        """Let go what the rules do not keep."""
        return read(RetentionReply, self._client.apply_retention(workspace_id))


class RemoteTiers:
    """Reviews of which memories should move."""

    def __init__(self, service: RemoteService, client: MbaClient) -> None:
        self._service = service
        self._client = client

    def review(self, workspace_id: str) -> TierReview:
        """Which memories should move, and why."""
        told = self._client.review_tiers(workspace_id)
        moves = read_all(
            LifecycleRecommendation, ({**one, "item_id": one["memory_id"]} for one in told["moves"])
        )
        review = LifecycleReview(
            promotions=tuple(one for one in moves if one.action == "promote"),
            demotions=tuple(one for one in moves if one.action == "demote"),
            staying=told["staying"],
        )
        return TierReview(review_id=told["review_id"], review=review)

    def apply(self, workspace_id: str, review_id: str) -> ToldChange:
        """Move what a review recommended."""
        told = self._client.apply_review(workspace_id, review_id)
        return self._service.changed(workspace_id, told)

    def undo(self, workspace_id: str, review_id: str) -> ToldChange:
        """Move back what a review moved."""
        told = self._client.undo_review(workspace_id, review_id)
        return self._service.changed(workspace_id, told)


class RemoteOrganisation:
    """Order that keeps itself."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def start(self, workspace_id: str, **plan: Any) -> OrganisationPlan:
        """Keep a workspace in order from now on."""
        return OrganisationPlan(**self._client.start_organisation(workspace_id, **plan)["plan"])

    def stop(self, workspace_id: str) -> bool:
        """Keep a workspace in order no longer; False if it was not."""
        stopped: bool = self._client.stop_organisation(workspace_id)["stopped"]
        return stopped

    def plan(self, workspace_id: str) -> OrganisationPlan | None:
        """The plan that a workspace is kept in order by."""
        plan = self._client.organisation(workspace_id)["plan"]
        return None if plan is None else OrganisationPlan(**plan)

    def last_report(self, workspace_id: str) -> Mapping[str, Any] | None:
        """What the last run did."""
        report: Mapping[str, Any] | None = self._client.organisation(workspace_id)["last_report"]
        return report


class RemoteMerges:
    """Merges that were proposed."""

    def __init__(self, service: RemoteService, client: MbaClient) -> None:
        self._service = service
        self._client = client

    def list(self, workspace_id: str) -> tuple[MergeProposal, ...]:
        """Proposals of the last week."""
        return read_all(MergeProposal, self._client.merges(workspace_id)["proposals"])

    def accept(self, workspace_id: str, proposal_id: str) -> ToldChange:
        """Merge what was proposed."""
        told = self._client.accept_merge(workspace_id, proposal_id)
        return self._service.changed(workspace_id, told)


class RemoteErasures:
    """Erasures."""

    def __init__(self, client: MbaClient) -> None:
        self._client = client

    def erase(
        self,
        workspace_id: str,
        *,
        memory_ids: Sequence[str] | None = None,
        subjects: str | None = None,
        sources: str | None = None,
    ) -> Erasure:
        """Erase memories."""
        named = {
            "memory_ids": memory_ids,
            "subjects": None if subjects is None else [subjects],
            "sources": None if sources is None else [sources],
        }
        given = {name: values for name, values in named.items() if values is not None}
        return read(Erasure, self._client.erase(workspace_id, **given))
