"""What stays: memories in a store, and services that remember, recall and forget with it.

    from mba_integrations.services import MemoryService, RagService

Rooms: `store` (tables, transactions, migrations), `memory` (the service over it), `rag` (documents,
over that). Imports the core, and `ingest` to read files; the core imports none of it. SQLAlchemy
comes with the extra `memory`, psycopg with `postgres`. The names below load on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mba_integrations.services.client.async_client import AsyncMbaClient
    from mba_integrations.services.client.client import MbaClient
    from mba_integrations.services.client.errors import ServerError
    from mba_integrations.services.memory.embedding.models import EmbeddingModel
    from mba_integrations.services.memory.errors import JobError, NotYetThereError
    from mba_integrations.services.memory.feedback.giving import FeedbackReply
    from mba_integrations.services.memory.new_memory import NewMemory
    from mba_integrations.services.memory.organising.merges import MergeProposal
    from mba_integrations.services.memory.organising.plan import OrganisationPlan
    from mba_integrations.services.memory.recalling.reply import (
        NotConsidered,
        RecallReply,
        SearchHit,
        SearchReply,
    )
    from mba_integrations.services.memory.remembering.results import (
        ChangeReply,
        MemoryHistory,
        RememberReply,
        RememberResult,
    )
    from mba_integrations.services.memory.retention.rules import (
        OnLimit,
        RetentionPolicy,
        RetentionRule,
    )
    from mba_integrations.services.memory.service import MemoryService
    from mba_integrations.services.memory.transfer.transfer import ImportFormat
    from mba_integrations.services.rag.errors import (
        TooManyRemovedError,
        UnknownDocumentError,
        UnreadableFileError,
    )
    from mba_integrations.services.rag.new_document import NewDocument
    from mba_integrations.services.rag.replacing import PutReply, RemoveReply
    from mba_integrations.services.rag.retrieving import Citation, RetrieveReply
    from mba_integrations.services.rag.service import RagService
    from mba_integrations.services.rag.syncing import RefusedDocument, SameDocument, SyncReply
    from mba_integrations.services.store.errors import StoreError
    from mba_integrations.services.store.rows.documents import DocumentPage, DocumentRow
    from mba_integrations.services.store.rows.memories import (
        MemoryFilter,
        MemoryRow,
        MemoryState,
    )

_HOME = {
    "client.async_client": ("AsyncMbaClient",),
    "client.client": ("MbaClient",),
    "client.errors": ("ServerError",),
    "memory.embedding.models": ("EmbeddingModel",),
    "memory.errors": ("JobError", "NotYetThereError"),
    "memory.feedback.giving": ("FeedbackReply",),
    "memory.new_memory": ("NewMemory",),
    "memory.organising.merges": ("MergeProposal",),
    "memory.organising.plan": ("OrganisationPlan",),
    "memory.recalling.reply": ("NotConsidered", "RecallReply", "SearchHit", "SearchReply"),
    "memory.remembering.results": (
        "ChangeReply",
        "MemoryHistory",
        "RememberReply",
        "RememberResult",
    ),
    "memory.retention.rules": ("OnLimit", "RetentionPolicy", "RetentionRule"),
    "memory.service": ("MemoryService",),
    "memory.transfer.transfer": ("ImportFormat",),
    "rag.errors": ("TooManyRemovedError", "UnknownDocumentError", "UnreadableFileError"),
    "rag.new_document": ("NewDocument",),
    "rag.replacing": ("PutReply", "RemoveReply"),
    "rag.retrieving": ("Citation", "RetrieveReply"),
    "rag.service": ("RagService",),
    "rag.syncing": ("RefusedDocument", "SameDocument", "SyncReply"),
    "store.errors": ("StoreError",),
    "store.rows.documents": ("DocumentPage", "DocumentRow"),
    "store.rows.memories": ("MemoryFilter", "MemoryRow", "MemoryState"),
}
_NEEDS = {"client": ("httpx2", "mcp")}
"""Rooms that need another package than SQLAlchemy, and the extra that brings it."""
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "AsyncMbaClient",
    "ChangeReply",
    "Citation",
    "DocumentPage",
    "DocumentRow",
    "EmbeddingModel",
    "FeedbackReply",
    "ImportFormat",
    "JobError",
    "MbaClient",
    "MemoryFilter",
    "MemoryHistory",
    "MemoryRow",
    "MemoryService",
    "MemoryState",
    "MergeProposal",
    "NewDocument",
    "NewMemory",
    "NotConsidered",
    "NotYetThereError",
    "OnLimit",
    "OrganisationPlan",
    "PutReply",
    "RagService",
    "RecallReply",
    "RefusedDocument",
    "RememberReply",
    "RememberResult",
    "RemoveReply",
    "RetentionPolicy",
    "RetentionRule",
    "RetrieveReply",
    "SameDocument",
    "SearchHit",
    "SearchReply",
    "ServerError",
    "StoreError",
    "SyncReply",
    "TooManyRemovedError",
    "UnknownDocumentError",
    "UnreadableFileError",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    import importlib.util

    needed, extra = _NEEDS.get(_MODULE_OF[name].partition(".")[0], ("sqlalchemy", "memory"))
    if importlib.util.find_spec(needed) is None:
        from mba_integrations.core.errors import MissingExtraError

        raise MissingExtraError("mba_integrations.services", extra=extra)
    value = getattr(import_module(f"mba_integrations.services.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
