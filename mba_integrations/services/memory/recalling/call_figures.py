"""What the log keeps of a recall besides the allocator's record: where time went, tokens, cost."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mba_integrations.services.memory.recalling.reply import RecallReply
from mba_integrations.services.memory.tracing.traces import Traces

_MOST_COST = 1e12
"""A price may be any number; JSON has no infinity."""


class Spent:
    """Where the time of one recall goes, beginning now.

    Args:
        traces: Where its phases are told; None for nowhere.
    """

    def __init__(self, traces: Traces | None = None) -> None:
        self._traces = Traces() if traces is None else traces
        self._began = time.perf_counter()
        self._ms: dict[str, float] = {}

    @contextmanager
    def on(self, phase: str) -> Iterator[None]:
        """Count the time of a block to a phase."""
        began = time.perf_counter()
        with self._traces.span(f"recall {phase}", {}):
            yield
        passed = (time.perf_counter() - began) * 1_000.0
        self._ms[phase] = self._ms.get(phase, 0.0) + passed

    def ended(self) -> Mapping[str, float]:
        """Milliseconds by phase, and of the whole recall until now."""
        return {**self._ms, "recall": (time.perf_counter() - self._began) * 1_000.0}


def figures_of_call(reply: RecallReply, spent_ms: Mapping[str, float]) -> dict[str, Any]:
    """Numbers alone, as JSON can hold them; see `AllocationRow.figures`.

    The cost is by the prices of the workspace's `caching`. Outside a session nothing is read from a
    provider's cache and nothing written to it.
    """
    reuse = reply.allocation.reuse
    uncached = reuse.used_tokens * reuse.prices.uncached_price
    cost = uncached if reply.session_id is None else reuse.cost(reuse.followed).cost
    omitted = reply.allocation.decided.omitted_tokens().items()
    return {
        "omitted_tokens": {reason.value: list(tokens) for reason, tokens in omitted},
        "ms": {phase: round(passed, 3) for phase, passed in spent_ms.items()},
        "cost": min(cost, _MOST_COST),
        "uncached_cost": min(uncached, _MOST_COST),
    }
