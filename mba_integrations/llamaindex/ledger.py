"""One budget for the history and the documents of a request.

A chat engine asks its memory and its postprocessor one after the other, in either order. Whoever
comes first must leave the other its share; whoever comes second gets all that is left.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

from llama_index.core.constants import DEFAULT_NUM_OUTPUTS
from llama_index.core.llms.llm import LLM
from pydantic import BaseModel, ConfigDict, Field, PrivateAttr

from mba_integrations.core.errors import BudgetError


class Participant(StrEnum):
    """Who takes tokens out of a joint budget."""

    HISTORY = "history"
    """A `BudgetedMemory`: messages and long-term memory."""
    DOCUMENTS = "documents"
    """A `MemoryBudgetPostprocessor`."""


@dataclass(frozen=True, slots=True)
class _Request:
    """What was taken so far in the request that this thread or task works on."""

    ledger_id: str
    taken: Mapping[Participant, int]


_current: ContextVar[_Request | None] = ContextVar("mba_llamaindex_request", default=None)


class BudgetLedger(BaseModel):
    """The joint budget of a memory and a postprocessor; give the same ledger to both.

    Requests are told apart by thread and by task, so one ledger may serve many at once. A request
    ends when one of the two asks again. After a round trip through `model_dump` a ledger still
    knows the requests of its twin.

    Args:
        budget_tokens: Tokens of history and documents together, >= 1.
        history_share: What documents leave for the history where they come first, and what the
            history may take where it does, in [0, 1]. Tokens that are not used go to the other.
        ledger_id: Names the ledger; made up by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    budget_tokens: Annotated[int, Field(ge=1)]
    history_share: Annotated[float, Field(ge=0.0, le=1.0)] = 0.5
    ledger_id: str = Field(default_factory=lambda: uuid.uuid4().hex)

    # All of the history as of the last request; None until it is known.
    _history_demand: int | None = PrivateAttr(default=None)

    @classmethod
    def for_model(
        cls, llm: LLM, *, reserved_tokens: int, history_share: float = 0.5
    ) -> BudgetLedger:
        """A ledger over what the model's context window leaves.

        Args:
            llm: Its window and the length of its reply count.
            reserved_tokens: What else needs room: system prompt, template, question, and the
                padding of 500 tokens that `CompactAndRefine` leaves.
            history_share: As for the constructor.

        Raises:
            BudgetError: If nothing is left.
        """
        window = llm.metadata.context_window
        reply = reply_tokens(llm)
        left = window - reply - reserved_tokens
        if left < 1:
            raise BudgetError(
                f"the context window has {window:,} tokens, the reply takes {reply:,} and "
                f"{reserved_tokens:,} are reserved: {1 - left:,} too many. Lower reserved_tokens "
                "or the model's output.",
                needed_tokens=reply + reserved_tokens + 1,
                budget_tokens=window,
            )
        return cls(budget_tokens=left, history_share=history_share)

    def room(self, participant: Participant) -> int:
        """Tokens that *participant* may take now, >= 0."""
        taken = self._taken(participant)
        other = _other(participant)
        if other in taken:
            return max(0, self.budget_tokens - taken[other])
        return self.budget_tokens - self._left_for(other)

    def take(self, participant: Participant, tokens: int) -> None:
        """Record what *participant* took; a second time begins a new request."""
        taken = self._taken(participant)
        _current.set(_Request(self.ledger_id, {**taken, participant: tokens}))

    def note_history(self, tokens: int) -> None:
        """Remember what all of the history would need."""
        self._history_demand = tokens

    def add_history(self, tokens: int) -> None:
        """Remember that the history grew; without effect as long as its size is not known."""
        if self._history_demand is not None:
            self._history_demand += tokens

    def _taken(self, participant: Participant) -> Mapping[Participant, int]:
        """What was taken in this request; nothing if *participant* begins a new one."""
        request = _current.get()
        if request is None or request.ledger_id != self.ledger_id:
            return {}
        return {} if participant in request.taken else request.taken

    def _left_for(self, other: Participant) -> int:
        history = int(self.budget_tokens * self.history_share)
        if other is Participant.DOCUMENTS:
            return self.budget_tokens - history
        return history if self._history_demand is None else min(history, self._history_demand)


def reply_tokens(llm: LLM) -> int:
    """Tokens that the model's reply may have; LlamaIndex' default where the model does not say."""
    tokens = llm.metadata.num_output
    return tokens if tokens >= 0 else DEFAULT_NUM_OUTPUTS


def _other(participant: Participant) -> Participant:
    if participant is Participant.HISTORY:
        return Participant.DOCUMENTS
    return Participant.HISTORY
