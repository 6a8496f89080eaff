"""LangChain and LangGraph: one module for each place where a chain or an agent meets memory.

Conversion to `MemoryItem` and back; selection is the core's. The names below load on first use.
Importing this package needs langchain-core; `MemoryBudgetMiddleware` needs langchain besides
(both in the extra `langchain`), `BudgetedMemory` needs langchain-classic (extra
`langchain-classic`).
"""

from __future__ import annotations

import importlib.util
from importlib import import_module
from typing import TYPE_CHECKING, Any

from mba_integrations.core.errors import MissingExtraError

if TYPE_CHECKING:
    from mba_integrations.langchain.agents.middleware import MemoryBudgetMiddleware
    from mba_integrations.langchain.agents.promotion import MemoryPromotionMiddleware
    from mba_integrations.langchain.agents.store_source import LangGraphStoreSource
    from mba_integrations.langchain.documents.compressor import BudgetedDocumentCompressor
    from mba_integrations.langchain.documents.retriever import BudgetedRetriever
    from mba_integrations.langchain.embeddings import EmbeddingsEmbedder
    from mba_integrations.langchain.history.chat_history import BudgetedChatMessageHistory
    from mba_integrations.langchain.history.classic_memory import BudgetedMemory
    from mba_integrations.langchain.memory_sources import MemorySource, RetrieverSource
    from mba_integrations.langchain.messages.counting import MessageCounter
    from mba_integrations.langchain.reranker import LangChainReranker
    from mba_integrations.langchain.runnable import as_runnable
    from mba_integrations.langchain.service.candidates import CandidateIndex
    from mba_integrations.langchain.service.feedback import MemoryFeedbackHandler
    from mba_integrations.langchain.service.retriever import MemoryServiceRetriever
    from mba_integrations.langchain.service.source import MemoryServiceSource
    from mba_integrations.langchain.service.store import MemoryServiceStore

_HOME = {
    "history.chat_history": ("BudgetedChatMessageHistory",),
    "history.classic_memory": ("BudgetedMemory",),
    "documents.compressor": ("BudgetedDocumentCompressor",),
    "embeddings": ("EmbeddingsEmbedder",),
    "memory_sources": ("MemorySource", "RetrieverSource"),
    "messages.counting": ("MessageCounter",),
    "agents.middleware": ("MemoryBudgetMiddleware",),
    "agents.promotion": ("MemoryPromotionMiddleware",),
    "documents.retriever": ("BudgetedRetriever",),
    "reranker": ("LangChainReranker",),
    "runnable": ("as_runnable",),
    "agents.store_source": ("LangGraphStoreSource",),
    "service.candidates": ("CandidateIndex",),
    "service.feedback": ("MemoryFeedbackHandler",),
    "service.retriever": ("MemoryServiceRetriever",),
    "service.source": ("MemoryServiceSource",),
    "service.store": ("MemoryServiceStore",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}
# What a module needs beyond langchain-core, and the extra that brings it.
_NEEDS = {
    "history.classic_memory": ("langchain_classic", "langchain-classic"),
    "agents.middleware": ("langchain", "langchain"),
    "agents.promotion": ("langchain", "langchain"),
    "agents.store_source": ("langgraph", "langchain"),
    "service.store": ("langgraph", "langchain"),
}

__all__ = [
    "BudgetedChatMessageHistory",
    "BudgetedDocumentCompressor",
    "BudgetedMemory",
    "BudgetedRetriever",
    "CandidateIndex",
    "EmbeddingsEmbedder",
    "LangChainReranker",
    "LangGraphStoreSource",
    "MemoryBudgetMiddleware",
    "MemoryFeedbackHandler",
    "MemoryPromotionMiddleware",
    "MemoryServiceRetriever",
    "MemoryServiceSource",
    "MemoryServiceStore",
    "MemorySource",
    "MessageCounter",
    "RetrieverSource",
    "as_runnable",
]

# A star import loads every name, so one whose package is not installed is not among them; asked for
# by name it says what to install.
__all__[:] = [
    name
    for name in __all__
    if importlib.util.find_spec(_NEEDS.get(_MODULE_OF[name], ("langchain_core",))[0]) is not None
]

if importlib.util.find_spec("langchain_core") is None:
    raise MissingExtraError("mba_integrations.langchain", extra="langchain")


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = _MODULE_OF[name]
    needed, extra = _NEEDS.get(module, ("langchain_core", "langchain"))
    if importlib.util.find_spec(needed) is None:
        raise MissingExtraError(f"mba_integrations.langchain.{name}", extra=extra)
    value = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
