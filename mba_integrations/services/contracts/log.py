"""Past recalls as they are shown: numbers always, texts only to who may read them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field

from mba_integrations import BudgetPoint
from mba_integrations.core.errors import InputError
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.result.candidates import Omitted
from mba_integrations.services.contracts.body import Body, Query, Tokens, View
from mba_integrations.services.contracts.past.feedback import JudgementView, judgements
from mba_integrations.services.memory.past.allocations import (
    AllocationPage,
    Difference,
    difference,
    selected_ids,
)
from mba_integrations.services.memory.recalling.arms import Arm
from mba_integrations.services.memory.recalling.asked import asked_in
from mba_integrations.services.store.rows.allocations import (
    ASKED,
    AllocationItem,
    AllocationRow,
    FeedbackRow,
)

MOST_BUDGETS = 64
_TEXTS = ("query", "texts", ASKED)


class LoggedView(View):
    """One past recall."""

    allocation_id: str
    at: datetime
    session_id: str | None
    settings_version: int | None
    core_version: str | None
    change_seq: int | None
    prefix_hash: str | None
    stable_prefix_tokens: int | None
    query_hash: str | None
    figures: dict[str, Any] | None
    record: dict[str, Any]

    @classmethod
    def of(cls, row: AllocationRow, *, with_texts: bool) -> LoggedView:
        """The view of a row."""
        values = {name: getattr(row, name) for name in LoggedView.model_fields}
        record = {
            name: value for name, value in row.record.items() if with_texts or name not in _TEXTS
        }
        return LoggedView.model_construct(**{**values, "record": record})


class LoggedPageView(View):
    """Some past recalls, the latest first."""

    allocations: list[LoggedView]
    next_cursor: str | None

    @classmethod
    def of(
        cls,
        page: AllocationPage,
        next_cursor: str | None,
        *,
        with_texts: bool,
        with_memories: bool = True,
    ) -> LoggedPageView:
        """The view of a page; without the texts of memories it is a tenth as large."""
        rows = [LoggedView.of(row, with_texts=with_texts) for row in page.rows]
        if not with_memories:
            for row in rows:
                row.record.pop("texts", None)
        return cls(allocations=rows, next_cursor=next_cursor)


class ArmView(View):
    """In which arm of an experiment a recall was: whether it got the changed settings."""

    experiment: str
    changed: bool

    @classmethod
    def of(cls, arm: Arm | None) -> ArmView | None:
        """The view of an arm; None where no experiment ran."""
        return None if arm is None else cls(experiment=arm.experiment, changed=arm.changed)


class LoggedItemView(View):
    """What was decided on one memory."""

    memory_id: str
    selected: bool
    tokens: int | None
    score: float | None
    reason: str | None


class ExplanationView(View):
    """What came in, and the best of what stayed out, with the reason; what was said of it since.

    `arm` is null where no experiment ran then.
    """

    allocation: LoggedView
    items: list[LoggedItemView]
    feedback: list[JudgementView]
    arm: ArmView | None

    @classmethod
    def of(
        cls,
        row: AllocationRow,
        feedback: Iterable[FeedbackRow],
        arm: Arm | None,
        *,
        with_texts: bool,
    ) -> ExplanationView:
        """The view of a row with its items, of feedback on it, and of its arm."""
        items = [
            LoggedItemView(**{name: getattr(one, name) for name in LoggedItemView.model_fields})
            for one in row.items
        ]
        return cls(
            allocation=LoggedView.of(row, with_texts=with_texts),
            items=items,
            feedback=judgements(feedback),
            arm=ArmView.of(arm),
        )


class DifferenceView(View):
    """How two choices differ."""

    entering: list[str]
    leaving: list[str]
    staying: list[str]

    @classmethod
    def of(cls, found: Difference) -> DifferenceView:
        """The view of a difference."""
        return cls(
            entering=list(found.entering),
            leaving=list(found.leaving),
            staying=list(found.staying),
        )


class ReplayBody(Body):
    """What is tried instead: settings that differ, another budget; the question if not logged."""

    query: Query | None = None
    settings: dict[str, Any] = Field(default_factory=dict)
    budget_tokens: Tokens | None = None


class DecisionView(View):
    """What was decided on one memory; without a reason it is in the prompt."""

    selected: bool
    reason: str | None
    tokens: int | None
    score: float | None


class ChangedView(View):
    """A memory on which the choice decides otherwise.

    `before` is null where the log has not kept the decision, as for all but the best of what stayed
    out; `after` where the memory is not there any more.
    """

    memory_id: str
    before: DecisionView | None
    after: DecisionView | None


class ReplayView(View):
    """What the choice would be, and how it differs from that of then."""

    used_tokens: int
    budget_tokens: int
    value: float
    upper_bound: float
    difference: DifferenceView
    changed: list[ChangedView]
    not_followed: list[str]

    @classmethod
    def of(cls, row: AllocationRow, now: Allocation) -> ReplayView:
        """The view of a replay."""
        found = difference(selected_ids(row), now.selected_ids)
        return cls(
            used_tokens=now.used_tokens,
            budget_tokens=now.budget_tokens,
            value=now.value,
            upper_bound=now.upper_bound,
            difference=DifferenceView.of(found),
            changed=_changed(row, now),
            not_followed=list(asked_in(row.record).not_followed),
        )


def _changed(row: AllocationRow, now: Allocation) -> list[ChangedView]:
    """Decisions of then and now, where they differ, in the order of the log."""
    before = {one.memory_id: one for one in row.items}
    pairs = (
        (one, _logged(before.get(one)), _decided(now, one))
        for one in dict.fromkeys([*before, *now.selected_ids])
    )
    return [
        ChangedView(memory_id=one, before=was, after=will)
        for one, was, will in pairs
        if was is None or will is None or (was.selected, was.reason) != (will.selected, will.reason)
    ]


def _logged(item: AllocationItem | None) -> DecisionView | None:
    if item is None:
        return None
    return DecisionView(**{name: getattr(item, name) for name in DecisionView.model_fields})


def _decided(allocation: Allocation, memory_id: str) -> DecisionView | None:
    try:
        found = allocation.decision(memory_id)
    except InputError:
        return None
    reason = found.reason.value if isinstance(found, Omitted) else None
    return DecisionView(
        selected=reason is None, reason=reason, tokens=found.tokens, score=found.score
    )


class CurveBody(Body):
    """Budgets to try; the question if it was not logged."""

    budgets: Annotated[list[Tokens], Field(min_length=1, max_length=MOST_BUDGETS)]
    query: Query | None = None


class PointView(View):
    """One budget and what it would buy."""

    budget_tokens: int
    used_tokens: int
    value: float
    entering: list[str]
    leaving: list[str]


class CurveView(View):
    """What other budgets would buy, in ascending order."""

    points: list[PointView]

    @classmethod
    def of(cls, points: tuple[BudgetPoint, ...]) -> CurveView:
        """The view of a curve."""
        return cls(
            points=[
                PointView(
                    budget_tokens=one.budget_tokens,
                    used_tokens=one.used_tokens,
                    value=one.value,
                    entering=list(one.entering),
                    leaving=list(one.leaving),
                )
                for one in points
            ]
        )


class ImportView(View):
    """What an import did, or would do."""

    created: int
    duplicates: int
    erased: int
    rejected: int
    reasons: list[str]
    vectors: int
    notes: list[str]

    @classmethod
    def of(cls, reply: Any) -> ImportView:
        """The view of a reply."""
        values = {name: getattr(reply, name) for name in cls.model_fields}
        return cls(**{**values, "notes": list(reply.notes)})
