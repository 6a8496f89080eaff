"""What the middleware of this package writes into an agent's state."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, NotRequired

from langchain.agents.middleware import AgentState
from langchain.agents.middleware.types import PrivateStateAttr

STATE_KEY = "memory_budget"
"""Hidden from input and output: the last decision of each middleware, by its name."""


def _merged(old: Mapping[str, Any] | None, new: Mapping[str, Any]) -> dict[str, Any]:
    """Several middleware write in one step."""
    return {**(old or {}), **new}


class MemoryBudgetState(AgentState[Any]):
    """The agent's state with the last decision of each middleware."""

    # LangGraph takes the last annotation for the reducer.
    memory_budget: NotRequired[Annotated[dict[str, Any], PrivateStateAttr, _merged]]


def decision_in(state: MemoryBudgetState, name: str) -> Mapping[str, Any]:
    """The last decision of a middleware; empty before its first."""
    decision: Mapping[str, Any] = state.get("memory_budget", {}).get(name, {})
    return decision
