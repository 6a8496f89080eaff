"""Memory Budget Allocator: decide which memories enter a prompt, and never exceed its budget.

The names below load on first use, so importing the package costs next to nothing. The core knows
no framework; adapters are separate modules behind extras.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mba_integrations.core.allocator import AllocationSession, MemoryBudgetAllocator
    from mba_integrations.core.budget.complexity import ComplexityEstimate
    from mba_integrations.core.calls.session_memory import SessionMemory
    from mba_integrations.core.calls.session_store import SessionStore
    from mba_integrations.core.config.loader import MemoryBudgetConfigLoader
    from mba_integrations.core.config.registry import WorkspaceMemory, WorkspaceStore
    from mba_integrations.core.config.settings import (
        ItemOrder,
        LoggingSettings,
        PerformanceSettings,
        PromptFormat,
        RenderingSettings,
        ScoringMethod,
    )
    from mba_integrations.core.config.workspace import WorkspaceConfig
    from mba_integrations.core.counting.counter import TokenCounter
    from mba_integrations.core.counting.tiktoken_counters import counter_for_model
    from mba_integrations.core.errors import (
        BudgetError,
        ConfigError,
        ConfigFileError,
        DuplicateItemError,
        InputError,
        MemoryBudgetError,
        MissingExtraError,
        PinnedOverBudgetError,
        PoolError,
        TokenizerError,
        UnknownWorkspaceError,
    )
    from mba_integrations.core.layout.joined_texts import JoinedTexts
    from mba_integrations.core.layout.protocol import PromptLayout
    from mba_integrations.core.lifecycle import (
        LifecycleRecommendation,
        LifecycleReview,
        apply_recommendations,
    )
    from mba_integrations.core.log.records import AllocationRecord, MovesRecord, record_from_dict
    from mba_integrations.core.log.statistics import AllocationStatistics
    from mba_integrations.core.log.store import LogMemory, LogStore
    from mba_integrations.core.model import (
        MemoryItem,
        MemoryTier,
        OmissionReason,
        QueryComplexity,
    )
    from mba_integrations.core.pool.memory_pool import MemoryPool
    from mba_integrations.core.result.allocation import Allocation
    from mba_integrations.core.result.candidates import Candidate, Omitted, Selected, TierAllocation
    from mba_integrations.core.selection.budget_curve import BudgetPoint
    from mba_integrations.core.turns.previous import PreviousPrompt

    __version__: str

_HOME = {
    "allocator": ("AllocationSession", "MemoryBudgetAllocator"),
    "budget.complexity": ("ComplexityEstimate",),
    "calls.session_memory": ("SessionMemory",),
    "calls.session_store": ("SessionStore",),
    "config.loader": ("MemoryBudgetConfigLoader",),
    "config.registry": ("WorkspaceMemory", "WorkspaceStore"),
    "config.settings": (
        "ItemOrder",
        "LoggingSettings",
        "PerformanceSettings",
        "PromptFormat",
        "RenderingSettings",
        "ScoringMethod",
    ),
    "config.workspace": ("WorkspaceConfig",),
    "counting.counter": ("TokenCounter",),
    "counting.tiktoken_counters": ("counter_for_model",),
    "errors": (
        "BudgetError",
        "ConfigError",
        "ConfigFileError",
        "DuplicateItemError",
        "InputError",
        "MemoryBudgetError",
        "MissingExtraError",
        "PinnedOverBudgetError",
        "PoolError",
        "TokenizerError",
        "UnknownWorkspaceError",
    ),
    "layout.joined_texts": ("JoinedTexts",),
    "layout.protocol": ("PromptLayout",),
    "lifecycle": ("LifecycleRecommendation", "LifecycleReview", "apply_recommendations"),
    "log.records": ("AllocationRecord", "MovesRecord", "record_from_dict"),
    "log.statistics": ("AllocationStatistics",),
    "log.store": ("LogMemory", "LogStore"),
    "model": ("MemoryItem", "MemoryTier", "OmissionReason", "QueryComplexity"),
    "pool.memory_pool": ("MemoryPool",),
    "result.allocation": ("Allocation",),
    "result.candidates": ("Candidate", "Omitted", "Selected", "TierAllocation"),
    "selection.budget_curve": ("BudgetPoint",),
    "turns.previous": ("PreviousPrompt",),
}
_MODULE_OF = {name: module for module, names in _HOME.items() for name in names}

__all__ = [
    "Allocation",
    "AllocationRecord",
    "AllocationSession",
    "AllocationStatistics",
    "BudgetError",
    "BudgetPoint",
    "Candidate",
    "ComplexityEstimate",
    "ConfigError",
    "ConfigFileError",
    "DuplicateItemError",
    "InputError",
    "ItemOrder",
    "JoinedTexts",
    "LifecycleRecommendation",
    "LifecycleReview",
    "LogMemory",
    "LogStore",
    "LoggingSettings",
    "MemoryBudgetAllocator",
    "MemoryBudgetConfigLoader",
    "MemoryBudgetError",
    "MemoryItem",
    "MemoryPool",
    "MemoryTier",
    "MissingExtraError",
    "MovesRecord",
    "OmissionReason",
    "Omitted",
    "PerformanceSettings",
    "PinnedOverBudgetError",
    "PoolError",
    "PreviousPrompt",
    "PromptFormat",
    "PromptLayout",
    "QueryComplexity",
    "RenderingSettings",
    "ScoringMethod",
    "Selected",
    "SessionMemory",
    "SessionStore",
    "TierAllocation",
    "TokenCounter",
    "TokenizerError",
    "UnknownWorkspaceError",
    "WorkspaceConfig",
    "WorkspaceMemory",
    "WorkspaceStore",
    "__version__",
    "apply_recommendations",
    "counter_for_model",
    "record_from_dict",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("mba-integrations")
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"mba_integrations.core.{_MODULE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
