"""`MemoryServiceRetriever`: the memories of a `MemoryService` as documents within a budget.

Joined by the separator the documents have at most `budget_tokens` tokens.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from langchain_core.callbacks import CallbackManagerForRetrieverRun
from langchain_core.documents import Document
from langchain_core.retrievers import BaseRetriever
from pydantic import ConfigDict, Field, field_validator

from mba_integrations.core.arguments import shown
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.result.candidates import Selected
from mba_integrations.langchain.documents.choice import SEPARATOR, check_limits
from mba_integrations.langchain.documents.items import METADATA_KEY
from mba_integrations.services.store.rows.memories import MemoryFilter

if TYPE_CHECKING:
    from mba_integrations.services.memory.recalling.reply import RecallReply


class MemoryServiceRetriever(BaseRetriever):
    """Recalls from a workspace of a service.

    Documents are in the order of the tiers, within one the most useful first. A question without
    text finds nothing. What a memory's metadata says is in the document's; what was decided is
    under `memory_budget`.

    Attributes:
        service: A `MemoryService`.
        workspace_id: Its workspace.
        budget_tokens: Most tokens of the joined documents, >= 1; None for the workspace's ceiling.
        k: Most documents, >= 1; None for all that fit.
        subject: Only memories about this person.
        filters: Only memories that it lets through.
        session_id: The conversation that the questions belong to.
        separator: What will stand between two documents.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True, validate_assignment=True)

    service: Any = Field(exclude=True)
    workspace_id: str
    budget_tokens: int | None = None
    k: int | None = None
    subject: str | None = None
    filters: MemoryFilter | None = None
    session_id: str | None = None
    separator: str = SEPARATOR

    @field_validator("service")
    @classmethod
    def _check_service(cls, value: Any) -> Any:
        if not callable(getattr(value, "recall", None)):
            raise ValueError(f"service must be a MemoryService, got {shown(value)}.")
        return value

    @field_validator("budget_tokens", "k")
    @classmethod
    def _check_limit(cls, value: int | None) -> int | None:
        check_limits(value, None)
        return value

    def _get_relevant_documents(
        self,
        query: str,
        *,
        run_manager: CallbackManagerForRetrieverRun,
        budget_tokens: int | None = None,
        k: int | None = None,
    ) -> list[Document]:
        check_limits(budget_tokens, k)
        if not query.strip():
            return []
        most = self.k if k is None else k
        reply: RecallReply = self.service.recall(
            self.workspace_id,
            query,
            budget_tokens=self.budget_tokens if budget_tokens is None else budget_tokens,
            session_id=self.session_id,
            subject=self.subject,
            filters=self.filters,
            layout=JoinedTexts(separator=self.separator),
            record_access=most is None,
        )
        chosen = _best(reply.selected, most)
        if most is not None and chosen:
            used = [one.item.id for one in chosen]
            self.service.note_used(self.workspace_id, used, session_id=self.session_id)
        return [_document(one, reply) for one in chosen]


def _best(selected: tuple[Selected, ...], k: int | None) -> list[Selected]:
    """The *k* most useful ones, in their order."""
    by_score = sorted(range(len(selected)), key=lambda place: -selected[place].score)
    return [selected[place] for place in sorted(by_score[:k])]


def _document(selected: Selected, reply: RecallReply) -> Document:
    item = selected.item
    decision = {
        "tier": selected.tier.value,
        "tokens": selected.tokens,
        "score": selected.score,
        "budget_tokens": reply.budget_tokens,
        "used_tokens": reply.used_tokens,
        "shortened": selected.passage is not None,
        "workspace_id": reply.allocation.workspace_id,
        "allocation_id": reply.allocation_id,
    }
    known = {"source": item.source, "created_at": item.created_at}
    said = {name: value for name, value in known.items() if value is not None}
    return Document(
        selected.passage or item.content,
        id=item.id,
        metadata={**said, **deepcopy(dict(item.metadata)), METADATA_KEY: decision},
    )
