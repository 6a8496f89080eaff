"""The token counters of an allocator: one for each counting setting, made when first used."""

from __future__ import annotations

import threading

from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.cached_counter import CachedCounter
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.counting.tiktoken_counters import counter_for_model


class WorkspaceCounters:
    """A counter for prompts, and one that remembers the counts of lines. Thread-safe.

    Args:
        given: Counts for every workspace; None takes the counter of each workspace's model.
    """

    def __init__(self, given: TokenCounter | None) -> None:
        self._given = given
        self._pairs: dict[tuple[str, int], tuple[TokenCounter, CachedCounter]] = {}
        self._lock = threading.Lock()

    def of(self, config: WorkspaceConfig) -> tuple[TokenCounter, CachedCounter]:
        """The counter of a workspace, plain and remembering."""
        settings = config.counting
        key = (settings.model, settings.cache_entries)
        with self._lock:
            if key not in self._pairs:
                counter = self._given or counter_for_model(settings.model)
                self._pairs[key] = (
                    counter,
                    CachedCounter(counter, max_entries=settings.cache_entries),
                )
            return self._pairs[key]
