"""Allocation of items that a request brings, counts of tokens, and how much a query asks for."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import ConfigDict, Field

from mba_integrations.core.counting.tiktoken_counters import counter_for_model
from mba_integrations.core.model import MemoryItem, MemoryTier, OmissionReason, QueryComplexity
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.services.contracts.body import (
    Body,
    Flag,
    Id,
    Metadata,
    Moment,
    Number,
    Part,
    Query,
    Text,
    Tokens,
    Vector,
    View,
    Whole,
)
from mba_integrations.services.contracts.recalls import TierView
from mba_integrations.services.memory.service import MemoryService

MOST_ITEMS = 1_000
MOST_TEXTS = 1_000


class ItemBody(Body):
    """An item that may enter the prompt."""

    id: Id
    content: Text
    tier: MemoryTier
    relevance: Part | None = None
    importance: Part = 0.5
    created_at: Moment | None = None
    last_accessed_at: Moment | None = None
    access_count: Whole = 0
    source: Id | None = None
    position: Number | None = None
    group: Id | None = None
    pinned: Flag = False
    embedding: Vector | None = None
    metadata: Metadata = Field(default_factory=dict)
    retriever_score: Number | None = None
    retriever: Id | None = None

    def to_item(self) -> MemoryItem:
        """The item that the allocator takes."""
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return MemoryItem(given.pop("id"), given.pop("content"), given.pop("tier"), **given)


class AllocateBody(Body):
    """Items, and the question that some of them answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "query": "Where does Kate live?",
                    "items": [{"id": "m1", "content": "Kate lives in Lisbon.", "tier": "project"}],
                    "budget_tokens": 200,
                }
            ]
        }
    )

    query: Query
    items: Annotated[list[ItemBody], Field(max_length=MOST_ITEMS)]
    budget_tokens: Tokens | None = None
    reserved_tokens: Whole | None = None
    query_embedding: Vector | None = None
    now: Moment | None = None
    settings: dict[str, Any] = Field(default_factory=dict)

    def allocated(self, service: MemoryService) -> Allocation:
        """The choice among the items."""
        return service.allocate(
            self.query,
            [item.to_item() for item in self.items],
            settings=self.settings,
            budget_tokens=self.budget_tokens,
            reserved_tokens=self.reserved_tokens,
            query_embedding=self.query_embedding,
            now=self.now,
        )


class CandidateView(View):
    """An item with what was known of it when it was decided on."""

    id: str
    tier: MemoryTier
    tokens: int
    score: float
    relevance: float
    importance: float
    freshness: float
    signals: list[dict[str, Any]]


class ChosenView(CandidateView):
    """An item in the prompt."""

    pinned: bool
    shortened: bool


class OmittedView(CandidateView):
    """An item that is not in the prompt, with its one reason."""

    reason: OmissionReason
    detail: str


class AllocationView(View):
    """The whole result of one choice."""

    schema_version: int
    workspace_id: str
    query: str
    prompt_text: str
    complexity: QueryComplexity
    complexity_points: float
    complexity_probability: float | None = None
    budget_tokens: int
    used_tokens: int
    message_tokens: int | None
    utilisation: float
    value: float
    upper_bound: float
    gap: float
    proven_optimal: bool
    counter_id: str
    exact: bool
    prompt_format: str
    stable_prefix_tokens: int
    prefix_hash: str
    tiers: dict[str, TierView]
    selected: list[ChosenView]
    omitted: list[OmittedView]
    notes: list[str]
    duration_ms: float | None

    @classmethod
    def of(cls, allocation: Allocation) -> AllocationView:
        """The view of an allocation."""
        return cls.model_validate(allocation.to_dict())


class TokensBody(Body):
    """Texts to count, for a model."""

    texts: Annotated[
        list[Annotated[str, Field(strict=True, max_length=1_000_000)]],
        Field(min_length=1, max_length=MOST_TEXTS),
    ]
    model: Annotated[str, Field(strict=True, min_length=1, max_length=200)] | None = None

    def counted(self) -> TokensView:
        """Tokens of each text."""
        counter = counter_for_model(self.model)
        counts = counter.count_batch(self.texts)
        return TokensView(
            counts=counts, total=sum(counts), counter_id=counter.id, exact=counter.exact
        )


class TokensView(View):
    """Tokens of each text; not exact where the model's own tokenizer is not known."""

    counts: list[int]
    total: int
    counter_id: str
    exact: bool


class ComplexityBody(Body):
    """A query, and settings that differ from the defaults, such as what a workspace learned."""

    query: Query
    settings: dict[str, Any] = Field(default_factory=dict)


class EvidenceView(View):
    """One reason for an estimate."""

    signal: str
    found: str
    points: float


class ComplexityView(View):
    """How much a query asks for, and what says so.

    Attributes:
        complexity: The level.
        points: Sum of the evidence.
        evidence: What led to it.
        probability: That it takes several steps, in (0, 1); None where nothing was learned.
    """

    complexity: QueryComplexity
    points: float
    evidence: list[EvidenceView]
    probability: float | None = None

    @classmethod
    def of(cls, estimate: Any) -> ComplexityView:
        """The view of an estimate."""
        return cls(
            complexity=estimate.complexity,
            points=estimate.points,
            evidence=[
                EvidenceView(signal=one.signal.value, found=one.found, points=one.points)
                for one in estimate.evidence
            ],
            probability=estimate.probability,
        )
