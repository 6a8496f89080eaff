"""LlamaIndex: budgeted retrieval, chat memory and agents.

One module for each extension point. The names load on first use; without llama-index-core each
raises `MissingExtraError` with the command that installs it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from mba_integrations.core.errors import MissingExtraError

if TYPE_CHECKING:
    from mba_integrations.llamaindex.embedding import LlamaIndexEmbedder
    from mba_integrations.llamaindex.events import BudgetAllocationEvent
    from mba_integrations.llamaindex.ledger import BudgetLedger
    from mba_integrations.llamaindex.memory.chat_memory import BudgetedMemory
    from mba_integrations.llamaindex.memory.memory_block import BudgetedMemoryBlock
    from mba_integrations.llamaindex.memory.service_block import MemoryServiceBlock
    from mba_integrations.llamaindex.messages.counting import MessageTokens
    from mba_integrations.llamaindex.messages.items import items_from_messages
    from mba_integrations.llamaindex.model.function_calling import BudgetedFunctionCallingLLM
    from mba_integrations.llamaindex.reranker import LlamaIndexReranker
    from mba_integrations.llamaindex.retrieval.candidate_index import CandidateIndex
    from mba_integrations.llamaindex.retrieval.feedback import MemoryFeedbackHandler
    from mba_integrations.llamaindex.retrieval.nodes import items_from_nodes
    from mba_integrations.llamaindex.retrieval.postprocessor import MemoryBudgetPostprocessor
    from mba_integrations.llamaindex.retrieval.service_retriever import MemoryServiceRetriever

_MODULE_OF = {
    "BudgetAllocationEvent": "events",
    "BudgetLedger": "ledger",
    "BudgetedFunctionCallingLLM": "model.function_calling",
    "BudgetedMemory": "memory.chat_memory",
    "BudgetedMemoryBlock": "memory.memory_block",
    "CandidateIndex": "retrieval.candidate_index",
    "LlamaIndexEmbedder": "embedding",
    "LlamaIndexReranker": "reranker",
    "MemoryBudgetPostprocessor": "retrieval.postprocessor",
    "MemoryFeedbackHandler": "retrieval.feedback",
    "MemoryServiceBlock": "memory.service_block",
    "MemoryServiceRetriever": "retrieval.service_retriever",
    "MessageTokens": "messages.counting",
    "items_from_messages": "messages.items",
    "items_from_nodes": "retrieval.nodes",
}

__all__ = [
    "BudgetAllocationEvent",
    "BudgetLedger",
    "BudgetedFunctionCallingLLM",
    "BudgetedMemory",
    "BudgetedMemoryBlock",
    "CandidateIndex",
    "LlamaIndexEmbedder",
    "LlamaIndexReranker",
    "MemoryBudgetPostprocessor",
    "MemoryFeedbackHandler",
    "MemoryServiceBlock",
    "MemoryServiceRetriever",
    "MessageTokens",
    "items_from_messages",
    "items_from_nodes",
]


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        module = import_module(f"{__name__}.{_MODULE_OF[name]}")
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "llama_index":
            raise
        raise MissingExtraError(f"{__name__}.{name}", extra="llamaindex") from error
    value = getattr(module, name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
