"""What keeps a workspace in order: retention, tiers, erasure, jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pydantic import Field

from mba_integrations.core.model import MemoryTier
from mba_integrations.services.contracts.body import Body, Id, Ids, View
from mba_integrations.services.memory.organising.merges import MergeProposal
from mba_integrations.services.memory.organising.plan import OrganisationPlan
from mba_integrations.services.memory.retention.preview import RetentionPreview
from mba_integrations.services.memory.retention.sweep import RetentionReply
from mba_integrations.services.memory.tiers.reviews import TierReview
from mba_integrations.services.store.rows.erasures import Erasure
from mba_integrations.services.store.rows.jobs import JobRow, JobState
from mba_integrations.services.store.rows.workspaces import WorkspaceRow


class RetentionBody(Body):
    """How long memories are kept."""

    policy: dict[str, Any]
    time_zone: Id | None = None


class RetentionView(View):
    """How long memories are kept."""

    policy: dict[str, Any]

    @classmethod
    def of(cls, row: WorkspaceRow) -> RetentionView:
        """The view of a workspace's row."""
        return cls(policy=dict(row.retention))


class PreviewBody(Body):
    """A policy to try; the workspace's own where none is given."""

    policy: dict[str, Any] | None = None


class GoingView(View):
    """A memory that would go."""

    memory_id: str
    tier: MemoryTier
    action: str
    rule: str
    score: float
    why: str
    text: str


class GoingCountView(View):
    """How many memories of a tier would go for the same reason."""

    tier: MemoryTier
    action: str
    rule: str
    count: int


class PreviewView(View):
    """What a policy would do now."""

    total: int
    expired: int
    summary: str
    counts: list[GoingCountView]
    samples: list[GoingView]

    @classmethod
    def of(cls, preview: RetentionPreview) -> PreviewView:
        """The view of a preview."""
        return cls(
            total=len(preview),
            expired=preview.expired,
            summary=str(preview),
            counts=[
                GoingCountView(tier=tier, action=action.value, rule=rule, count=count)
                for (tier, action, rule), count in preview.counts.items()
            ],
            samples=[
                GoingView(
                    memory_id=one.memory_id,
                    tier=one.tier,
                    action=one.action.value,
                    rule=one.rule,
                    score=one.score,
                    why=one.why,
                    text=text,
                )
                for one, text in preview.samples
            ],
        )


class AppliedView(View):
    """What a sweep did."""

    counts: dict[str, int]
    change_seq: int

    @classmethod
    def of(cls, reply: RetentionReply) -> AppliedView:
        """The view of a reply."""
        return cls(counts=dict(reply.counts), change_seq=reply.change_seq)


class MoveView(View):
    """A memory that should move."""

    memory_id: str
    from_tier: MemoryTier
    to_tier: MemoryTier
    action: str
    standing: float
    why: str


class ReviewView(View):
    """What should move; applied by its id within a week."""

    review_id: str
    moves: list[MoveView]
    staying: int

    @classmethod
    def of(cls, found: TierReview) -> ReviewView:
        """The view of a review."""
        return cls(
            review_id=found.review_id,
            staying=found.review.staying,
            moves=[
                MoveView(
                    memory_id=one.item_id,
                    from_tier=one.from_tier,
                    to_tier=one.to_tier,
                    action=one.action,
                    standing=one.standing,
                    why=one.why,
                )
                for one in found.review
            ],
        )


class ApplyBody(Body):
    """Which moves of a review are made; all where nothing is named."""

    only: Ids | None = None


class ErasureBody(Body):
    """What must be nowhere, by exactly one of the three."""

    memory_ids: Ids | None = None
    subjects: Ids | None = None
    sources: Ids | None = None


class ErasureView(View):
    """A receipt: rows that went, by table."""

    erasure_id: str
    at: datetime
    actor: str | None
    counts: dict[str, int]
    freed: str | None

    @classmethod
    def of(cls, receipt: Erasure) -> ErasureView:
        """The view of a receipt."""
        return cls(
            erasure_id=receipt.erasure_id,
            at=receipt.at,
            actor=receipt.actor,
            counts=dict(receipt.counts),
            freed=receipt.freed,
        )


class ErasuresView(View):
    """Receipts, the latest first."""

    erasures: list[ErasureView]


class JobView(View):
    """A job. Its payload names memories by their ids."""

    job_id: str
    workspace_id: str
    kind: str
    payload: dict[str, Any]
    state: JobState
    attempts: int
    max_attempts: int
    lease_until: datetime | None
    run_after: datetime
    progress: float
    result: dict[str, Any] | None
    error: str | None
    created_at: datetime
    finished_at: datetime | None

    @classmethod
    def of(cls, row: JobRow) -> JobView:
        """The view of a job."""
        return cls.model_construct(**{name: getattr(row, name) for name in cls.model_fields})


class JobsView(View):
    """Jobs, the latest first."""

    jobs: list[JobView]
    counts: dict[JobState, int] = Field(default_factory=dict)


class OrganisationBody(Body):
    """What is done and how often: settings that differ from those of a plan by default."""

    plan: dict[str, Any] = Field(default_factory=dict)


class OrganisationView(View):
    """By which plan a workspace is kept in order, and what the last run did."""

    plan: dict[str, Any] | None
    last_report: dict[str, Any] | None

    @classmethod
    def of(
        cls, plan: OrganisationPlan | None, last_report: Mapping[str, Any] | None
    ) -> OrganisationView:
        """The view of a plan and a report."""
        return cls(
            plan=None if plan is None else plan.model_dump(mode="json"),
            last_report=None if last_report is None else dict(last_report),
        )


class StoppedView(View):
    """Whether a workspace was kept in order until now."""

    stopped: bool

    @classmethod
    def of(cls, stopped: bool) -> StoppedView:
        """The view of an answer."""
        return cls(stopped=stopped)


class MergeView(View):
    """Memories that could be one, and the text that would take their place."""

    proposal_id: str
    memory_ids: list[str]
    content: str
    reason: str


class MergesView(View):
    """Merges that were proposed in the last week."""

    proposals: list[MergeView]

    @classmethod
    def of(cls, found: Sequence[MergeProposal]) -> MergesView:
        """The view of proposals."""
        names = MergeView.model_fields
        return cls.model_validate(
            {"proposals": [{name: getattr(one, name) for name in names} for one in found]}
        )


class EmbeddingsView(View):
    """Which part of the memories has a vector, by model, and how many jobs wait to make some."""

    coverage: dict[str, float]
    queued_jobs: int
