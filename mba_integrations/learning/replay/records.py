"""`ReplayRecord`: one past allocation with all that its decisions hang on.

A record stands for itself: neither a store nor the record before it is needed to decide it again.
What its prompt followed in its session stands in the record, as it was then; under other settings,
too, a record follows the prompt that was sent, not the one that these settings would have sent
before it. So records are independent of each other, and may be replayed in any order and number.

There are two grades. With texts a record has the candidates whole, and every setting may be tried.
With numbers alone it has neither texts nor vectors, and settings that only texts can decide are
refused; see `numbers`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from mba_integrations.core.arguments import checked_part, checked_text, checked_tokens, shown
from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.log.records import check_zone
from mba_integrations.core.model import MemoryItem, MemoryTier


class Grade(StrEnum):
    """What a record has of its candidates."""

    TEXTS = "texts"
    """All of them."""
    NUMBERS = "numbers"
    """Ids and numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What was said of a memory in the prompt, or of all of it.

    Attributes:
        memory_id: Which memory; None for the whole prompt.
        useful: Whether it was of use; None where somebody looked and could not say.
        origin: Who says so: "cited", "overlap" or "thumb"; "label" of what is known for sure.
        weight: How much it says, in [0, 1].
    """

    memory_id: str | None
    useful: bool | None
    origin: str
    weight: float

    def __post_init__(self) -> None:
        checked_part("weight", self.weight)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What was decided.

    Attributes:
        tokens: Of each selected memory by id, in the order of the prompt; None where not counted.
        used_tokens: Of the prompt.
        counter_id: What counted them.
        tier_tokens: Of each tier in it.
        reasons: Why others stayed out, by id; the best of them, not all.
    """

    tokens: Mapping[str, int | None]
    used_tokens: int
    counter_id: str
    tier_tokens: Mapping[MemoryTier, int] = field(default_factory=dict)
    reasons: Mapping[str, str] = field(default_factory=dict)

    @property
    def selected_ids(self) -> tuple[str, ...]:
        """Ids of the memories in the prompt, in its order."""
        return tuple(self.tokens)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayRecord:
    """One past allocation.

    Attributes:
        allocation_id: Which one.
        workspace_id: Of which workspace.
        at: When, with a zone: ages are counted from then.
        settings: The settings of then, as `WorkspaceConfig` takes them.
        decided: What was decided.
        candidates: What it was chosen from, in its order; with numbers alone, items whose texts
            stand for others.
        numbers: What is known of them, with numbers alone; None with texts.
        budget_tokens: Tokens that memory could use in the prompt.
        budget_given: Whether the caller gave them; else they follow from the settings.
        reserved_tokens: What the caller needed for itself; None for the reserve of the settings.
        session_id: In which session; None for none.
        query: What was asked; None with numbers alone.
        query_embedding: Its vector, shape (d,); None where there was none.
        numbers: What else is known, with numbers alone; None with texts. See `numbers`.
        previous: What the prompt followed, as `PreviousPrompt.to_dict` writes it; None for nothing.
        feedback: What was said of it since.

    Raises:
        InputError: If *at* has no zone, the budget is below 1, or there is neither a query nor
            numbers.
    """

    allocation_id: str
    workspace_id: str
    at: datetime
    settings: Mapping[str, Any]
    decided: Decided
    budget_tokens: int
    budget_given: bool = False
    reserved_tokens: int | None = None
    session_id: str | None = None
    query: str | None = None
    query_embedding: FloatArray | None = field(default=None, compare=False, repr=False)
    candidates: tuple[MemoryItem, ...] = field(default=(), repr=False)
    numbers: Mapping[str, Any] | None = field(default=None, repr=False)
    previous: Mapping[str, Any] | None = field(default=None, repr=False)
    feedback: tuple[Feedback, ...] = ()

    def __post_init__(self) -> None:
        checked_text("allocation_id", self.allocation_id)
        check_zone("at", self.at)
        checked_tokens("budget_tokens", self.budget_tokens)
        if not isinstance(self.settings, Mapping):
            raise InputError(f"settings must be a mapping, got {shown(self.settings)}.")
        if self.query is None and self.numbers is None:
            raise InputError(
                f"allocation {self.allocation_id!r} has neither its query nor numbers."
            )

    @property
    def grade(self) -> Grade:
        """What the record has of its candidates."""
        return Grade.TEXTS if self.numbers is None else Grade.NUMBERS

    @property
    def selected_ids(self) -> tuple[str, ...]:
        """Ids of the memories that were in the prompt, in its order."""
        return self.decided.selected_ids


def check_counter(record: ReplayRecord, counter_id: str) -> None:
    """Refuse to decide a record by another counter than that of then.

    Raises:
        InputError: If it is another.
    """
    then = record.decided.counter_id
    if then != counter_id:
        raise InputError(
            f"allocation {record.allocation_id!r} was counted by {then!r}, this replay counts by "
            f"{counter_id!r}. Give the token_counter of then, or other counting settings that are "
            "to be tried."
        )
