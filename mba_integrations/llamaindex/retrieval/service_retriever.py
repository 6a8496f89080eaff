"""`MemoryServiceRetriever`: the memories of a `MemoryService` as nodes within a budget.

The texts of the nodes, joined as LlamaIndex joins them, have at most `budget_tokens` tokens; what a
memory's metadata says is in the node, and not shown to the model.
"""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from llama_index.core.base.base_retriever import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode

from mba_integrations.core.arguments import checked_text, checked_tokens, shown
from mba_integrations.core.errors import InputError
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.result.candidates import Selected
from mba_integrations.services.store.rows.memories import MemoryFilter

if TYPE_CHECKING:
    from mba_integrations.services.memory.service import MemoryService

_SEPARATOR = "\n\n"
"""What LlamaIndex puts between nodes."""
RECALL_KEY = "memory_budget"
"""Under it a node's metadata says which recall found it."""


class MemoryServiceRetriever(BaseRetriever):
    """Recalls from a workspace of a service. A question without text finds nothing.

    Args:
        service: The service.
        workspace_id: Its workspace.
        budget_tokens: Most tokens of the joined texts, >= 1; None for the workspace's ceiling.
        subject: Only memories about this person.
        filters: Only memories that it lets through.
        session_id: The conversation that the questions belong to.
        options: As for LlamaIndex' `BaseRetriever`.

    Raises:
        InputError: If an argument is something else.
    """

    def __init__(
        self,
        service: MemoryService,
        workspace_id: str,
        *,
        budget_tokens: int | None = None,
        subject: str | None = None,
        filters: MemoryFilter | None = None,
        session_id: str | None = None,
        **options: Any,
    ) -> None:
        if not callable(getattr(service, "recall", None)):
            raise InputError(f"service must be a MemoryService, got {shown(service)}.")
        if budget_tokens is not None:
            checked_tokens("budget_tokens", budget_tokens)
        self._service = service
        self._workspace = checked_text("workspace_id", workspace_id)
        self._asked = {
            "budget_tokens": budget_tokens,
            "subject": subject,
            "filters": filters,
            "session_id": session_id,
        }
        super().__init__(**options)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        if not query_bundle.query_str.strip():
            return []
        asked: dict[str, Any] = self._asked
        reply = self._service.recall(
            self._workspace,
            query_bundle.query_str,
            layout=JoinedTexts(separator=_SEPARATOR),
            **asked,
        )
        recall = {"workspace_id": self._workspace, "allocation_id": reply.allocation_id}
        return [_node(one, recall) for one in reply.selected]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        return await asyncio.to_thread(self._retrieve, query_bundle)


def _node(selected: Selected, recall: dict[str, str]) -> NodeWithScore:
    item = selected.item
    known = {"tier": item.tier.value, "source": item.source}
    metadata = {**known, **deepcopy(dict(item.metadata)), RECALL_KEY: dict(recall)}
    node = TextNode(
        id_=item.id,
        text=selected.passage or item.content,
        metadata=metadata,
        excluded_llm_metadata_keys=list(metadata),
        excluded_embed_metadata_keys=list(metadata),
    )
    return NodeWithScore(node=node, score=selected.score)
