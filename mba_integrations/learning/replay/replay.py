"""`replay`: past allocations decided again, under the settings of then or others.

A pure function of records and settings: no store, no clock, no network, no lots. Under the settings
of then every decision is that of then. The order is that of the records, and one record is in
memory at a time; records that share their candidates share what is worked out of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from mba_integrations import PreviousPrompt
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import BudgetError
from mba_integrations.core.model import MemoryTier, QueryComplexity
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.learning.replay.choosing import Choosing
from mba_integrations.learning.replay.numbers.decidable import check_decidable, is_exact
from mba_integrations.learning.replay.numbers.deciding import ByNumbers
from mba_integrations.learning.replay.prepared import Prepared
from mba_integrations.learning.replay.records import Grade, ReplayRecord, check_counter
from mba_integrations.learning.replay.settings import Settings, Tried, config_of_then


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What is decided again.

    Attributes:
        allocation_id: Of which allocation.
        selected_ids: Ids of the memories in the prompt, in its order.
        used_tokens: Of the prompt.
        tier_tokens: Of each tier in it.
        value: Of the selection.
        budget_tokens: Tokens that memory could use; 0 where there is no prompt.
        stable_prefix_tokens: That the prompt shares with the one that it followed.
        complexity: Of the query; None where there is no prompt.
        is_exact: Whether the decision is the allocator's for sure; it may not be of a record that
            has numbers alone, see `numbers`.
        problem: Why there is no prompt, such as pins over the budget; None where there is one.
    """

    allocation_id: str
    selected_ids: tuple[str, ...] = ()
    used_tokens: int = 0
    tier_tokens: Mapping[MemoryTier, int] = field(default_factory=dict)
    value: float = 0.0
    budget_tokens: int = 0
    stable_prefix_tokens: int = 0
    complexity: QueryComplexity | None = None
    is_exact: bool = True
    problem: str | None = None

    def is_as_then(self, record: ReplayRecord) -> bool:
        """Whether the decision is that of the record."""
        return (self.selected_ids, self.used_tokens) == (
            *(record.selected_ids, record.decided.used_tokens),
        )


def replay(
    records: Iterable[ReplayRecord], settings: Settings = None, *, token_counter: object = None
) -> Iterator[Replayed]:
    """Decide records again, one by one, in their order.

    A budget that the caller gave stays; another follows from the settings. A record whose prompt
    cannot be made under the settings has a `problem`, and the next one goes on.

    Args:
        records: What was decided.
        settings: Whole, or what differs from those of then by name; None for those of then.
        token_counter: As for `MemoryBudgetAllocator`, where records were counted by one of the
            caller's own.

    Raises:
        InvalidWorkspaceError: If a setting is out of its range.
        InputError: If a record was counted by another counter than is at hand, or has numbers
            alone, and a setting differs that only texts decide.
    """
    again = Again(settings, token_counter)
    for record in records:
        yield again.decided(record)


class Again:
    """Decides records again under the same settings; see `replay`."""

    def __init__(self, settings: Settings = None, token_counter: object = None) -> None:
        self._then = Prepared(config_of_then)
        self._tried = Tried(settings)
        self._choosing = Choosing(token_counter)
        self._by_numbers = ByNumbers()

    def decided(self, record: ReplayRecord) -> Replayed:
        """The decision on one record."""
        then = self._then.of(record.settings)
        config = self._tried.instead_of(then)
        exact = True
        if record.grade is Grade.NUMBERS:
            check_decidable(record, then, config)
            exact = is_exact(record, is_as_then=config is then or config == then)
        try:
            allocation = self.allocation(record, config)
        except BudgetError as error:
            return Replayed(allocation_id=record.allocation_id, is_exact=exact, problem=str(error))
        if config.counting == then.counting:
            check_counter(record, allocation.counter_id)
        return replace(replayed_as(record.allocation_id, allocation), is_exact=exact)

    def allocation(self, record: ReplayRecord, config: WorkspaceConfig) -> Allocation:
        """The choice for one record under settings.

        Raises:
            BudgetError: If the pins, or a prompt without items, do not fit.
        """
        if record.grade is Grade.NUMBERS:
            return self._by_numbers.chosen(record, config)
        previous = None if record.previous is None else PreviousPrompt.from_dict(record.previous)
        return self._choosing.chosen(record, config, previous)


def replayed_as(allocation_id: str, allocation: Allocation) -> Replayed:
    """What is told of an allocation."""
    return Replayed(
        allocation_id=allocation_id,
        selected_ids=allocation.selected_ids,
        used_tokens=allocation.used_tokens,
        tier_tokens={tier: one.used_tokens for tier, one in allocation.tiers.items()},
        value=allocation.value,
        budget_tokens=allocation.budget_tokens,
        stable_prefix_tokens=allocation.stable_prefix_tokens,
        complexity=allocation.complexity,
    )
