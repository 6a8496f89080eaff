"""What an allocation says of itself to LlamaIndex's instrumentation."""

from __future__ import annotations

from collections.abc import Sequence

from llama_index.core.bridge.pydantic import Field
from llama_index.core.instrumentation.events.base import BaseEvent

from mba_integrations.core.result.allocation import Allocation
from mba_integrations.llamaindex.messages.history import HistoryView


class BudgetAllocationEvent(BaseEvent):
    """One allocation: what it used, what came in, and why the rest stayed out.

    Attributes:
        component: Class name of what allocated.
        used_tokens: Tokens of what came in.
        budget_tokens: Tokens that there were.
        selected: Ids of what came in: node ids, or places of messages in the history.
        omitted: How many items stayed out, by reason; of a history those that the core left out.
        left_out: The reason of each node that stayed out, by its id; empty of a history.
        notes: What the caller should know, such as vectors that count as missing.
    """

    component: str
    used_tokens: int
    budget_tokens: int
    selected: list[str]
    omitted: dict[str, int]
    left_out: dict[str, str] = Field(default_factory=dict)
    notes: list[str] = Field(default_factory=list)

    @classmethod
    def class_name(cls) -> str:
        """Name under which handlers know it."""
        return "BudgetAllocationEvent"


def allocation_event(
    component: str, allocation: Allocation, notes: Sequence[str] = ()
) -> BudgetAllocationEvent:
    """The event of *allocation*, with notes besides its own."""
    return BudgetAllocationEvent(
        component=component,
        used_tokens=allocation.used_tokens,
        budget_tokens=allocation.budget_tokens,
        selected=[selected.id for selected in allocation.selected],
        omitted={reason.value: n for reason, n in allocation.omission_counts().items()},
        left_out={one: reason.value for one, reason in allocation.omission_reasons().items()},
        notes=[*notes, *allocation.notes],
    )


def view_event(component: str, view: HistoryView, budget_tokens: int) -> BudgetAllocationEvent:
    """The event of a view of a history, with the tokens of what is sent besides."""
    counts = {} if view.allocation is None else view.allocation.omission_counts()
    return BudgetAllocationEvent(
        component=component,
        used_tokens=view.used_tokens,
        budget_tokens=budget_tokens,
        selected=[str(place) for place in view.places],
        omitted={reason.value: n for reason, n in counts.items()},
        notes=[] if view.allocation is None else list(view.allocation.notes),
    )
