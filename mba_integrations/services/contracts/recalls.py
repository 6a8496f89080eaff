"""Questions and what they get back: recall, search, allocation of given items, counts."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import ConfigDict, Field

from mba_integrations.core.config.settings import PromptFormat
from mba_integrations.core.model import MemoryTier, OmissionReason, QueryComplexity
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Candidate, Omitted, Selected
from mba_integrations.core.result.explanation import best_first
from mba_integrations.services.contracts.body import (
    Body,
    Flag,
    Id,
    Moment,
    Query,
    Tokens,
    Vector,
    View,
    Whole,
)
from mba_integrations.services.contracts.filters import FilterBody, Tiers
from mba_integrations.services.memory.recalling.reply import RecallReply, SearchReply
from mba_integrations.services.memory.service import MemoryService

MOST_QUERIES = 64
MOST_EXPLAINED = 100
MOST_SHOWN = 1_000
"""Characters of a text that explain a choice: a wide line of a terminal has a quarter of it."""
Explained = Annotated[int, Field(strict=True, ge=0, le=MOST_EXPLAINED)]
"""Of how many candidates of each kind a reply tells why."""


class AskBody(Body):
    """A question, and which memories may answer it."""

    query: Query
    tiers: Tiers | None = None
    subject: Id | None = None
    filters: FilterBody | None = None
    query_embedding: Vector | None = None
    min_change_seq: Whole | None = None

    def narrowing(self) -> dict[str, Any]:
        """The arguments that `recall` and `search` share, but the query."""
        return {
            "tiers": self.tiers,
            "subject": self.subject,
            "filters": None if self.filters is None else self.filters.to_filter(),
            "query_embedding": self.query_embedding,
            "min_change_seq": self.min_change_seq,
        }


class RecallBody(AskBody):
    """A question to be answered with a prompt within a budget."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "Where does Kate live?", "budget_tokens": 400}]}
    )

    budget_tokens: Tokens | None = None
    reserved_tokens: Whole | None = None
    session_id: Id | None = None
    as_of: Moment | None = None
    record_access: Flag = True
    format: Literal["text", "messages", "blocks"] = "text"
    budget_for: Literal["prompt", "reply"] = "prompt"
    explain: Explained | None = None

    def arguments(self) -> dict[str, Any]:
        """The arguments of `recall`, but the query."""
        return {
            **self.narrowing(),
            "budget_tokens": self.budget_tokens,
            "reserved_tokens": self.reserved_tokens,
            "session_id": self.session_id,
            "as_of": self.as_of,
            "record_access": self.record_access,
        }


class TierView(View):
    """Tokens and memories of one tier."""

    share_tokens: int
    borrowed_tokens: int
    budget_tokens: int
    used_tokens: int
    selected_count: int
    omitted_count: int


class SelectedView(View):
    """A memory in the prompt."""

    id: str
    tier: MemoryTier
    tokens: int
    score: float


class NotConsideredView(View):
    """Memories that were no candidates."""

    expired: int
    forgotten: int
    filtered: int
    not_looked_at: int = 0


class CandidateView(View):
    """A memory as it was decided on, with the beginning of its text.

    `reason` is why it stayed out, null where it came in.
    """

    id: str
    tier: MemoryTier
    text: str
    tokens: int
    score: float
    relevance: float
    signals: list[str]
    pinned: bool
    reason: OmissionReason | None

    @classmethod
    def of(cls, one: Candidate) -> CandidateView:
        """The view of a candidate."""
        return cls(
            id=one.id,
            tier=one.tier,
            text=one.content[:MOST_SHOWN],
            tokens=one.tokens,
            score=one.score,
            relevance=one.relevance,
            signals=[str(signal) for signal in one.signals],
            pinned=isinstance(one, Selected) and one.pinned,
            reason=one.reason if isinstance(one, Omitted) else None,
        )


class ChoiceView(View):
    """How the choice was made, and the best of what came in and of what stayed out."""

    counter_id: str
    exact: bool
    prompt_format: PromptFormat
    selected: list[CandidateView]
    omitted: list[CandidateView]

    @classmethod
    def of(cls, allocation: Allocation, most: int) -> ChoiceView:
        """The view of an allocation, with so many candidates of each kind at most."""
        return cls(
            counter_id=allocation.counter_id,
            exact=allocation.exact,
            prompt_format=allocation.prompt_format,
            selected=[CandidateView.of(one) for one in best_first(allocation.selected)[:most]],
            omitted=[CandidateView.of(one) for one in best_first(allocation.omitted)[:most]],
        )


class RecallView(View):
    """The memories for a question, within the budget."""

    schema_version: int
    allocation_id: str
    workspace_id: str
    session_id: str | None
    query: str
    prompt_text: str
    used_tokens: int
    budget_tokens: int
    complexity: QueryComplexity
    tiers: dict[str, TierView]
    selected: list[SelectedView]
    omitted_by_reason: dict[str, int]
    not_considered: NotConsideredView
    stable_prefix_tokens: int
    prefix_hash: str
    value: float
    upper_bound: float
    gap: float
    notes: list[str]
    change_seq: int
    messages: list[dict[str, Any]] | None = None
    blocks: list[dict[str, Any]] | None = None
    explanation: ChoiceView | None = None

    @classmethod
    def of(cls, reply: RecallReply, form: str = "text", explain: int | None = None) -> Self:
        """The view of a reply; in *form*, the prompt stands once more as messages or blocks."""
        more = {
            "messages": reply.messages() if form == "messages" else None,
            "blocks": reply.blocks() if form == "blocks" else None,
            "explanation": (None if explain is None else ChoiceView.of(reply.allocation, explain)),
        }
        return cls.model_validate({**reply.to_dict(), **more})


class SearchBody(AskBody):
    """A question to be answered with a list."""

    limit: Annotated[int, Field(strict=True, ge=1, le=100)] = 10
    budget_tokens: Tokens | None = None


class HitView(View):
    """A memory that was found."""

    id: str
    content: str
    tier: MemoryTier
    score: float


class SearchView(View):
    """Memories by how well they answer, the best first."""

    hits: list[HitView]
    used_tokens: int
    budget_tokens: int | None
    too_large: int
    not_considered: NotConsideredView
    change_seq: int

    @classmethod
    def of(cls, reply: SearchReply) -> SearchView:
        """The view of a reply."""
        return cls.model_validate(
            {
                "hits": [hit.to_dict() for hit in reply.hits],
                "used_tokens": reply.used_tokens,
                "budget_tokens": reply.budget_tokens,
                "too_large": reply.too_large,
                "not_considered": reply.not_considered.to_dict(),
                "change_seq": reply.change_seq,
            }
        )


class BatchBody(Body):
    """Several questions at once."""

    queries: Annotated[list[RecallBody], Field(min_length=1, max_length=MOST_QUERIES)]


class BatchView(View):
    """What each question gets: a reply, or why it was refused."""

    replies: list[RecallView | None]
    problems: list[str | None]


def recalled(service: MemoryService, workspace_id: str, body: RecallBody) -> RecallReply:
    """What a question gets; with a budget for the reply, all of its JSON fits."""

    def written(reply: RecallReply) -> str:
        return RecallView.of(reply, body.format, body.explain).model_dump_json()

    return service.recall(
        workspace_id,
        body.query,
        written=written if body.budget_for == "reply" else None,
        **body.arguments(),
    )
