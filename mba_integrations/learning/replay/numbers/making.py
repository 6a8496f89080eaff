"""`without_texts`: the record of numbers alone, of one with texts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from mba_integrations.core.arrays import FloatArray
from mba_integrations.core.calls.call import Call
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.counting.counter import TokenCounter
from mba_integrations.core.errors import BudgetError
from mba_integrations.core.layout.renderer import Renderer
from mba_integrations.core.pool.memory_pool import MemoryPool
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.result.allocation import Allocation
from mba_integrations.core.selection.dating import dated, is_dated
from mba_integrations.core.turns.previous import PreviousPrompt
from mba_integrations.core.value.need.trace import Trace
from mba_integrations.core.value.valuation import Evaluation, packing_worth
from mba_integrations.learning.replay.numbers.bare import (
    bare_items,
    bare_previous,
    may_be_passages,
    openings_of,
    overlaps_of,
    passage_name,
    passage_of_before,
)
from mba_integrations.learning.replay.numbers.deciding import ByNumbers, call_of
from mba_integrations.learning.replay.prepared import Candidates, Prepared
from mba_integrations.learning.replay.records import Grade, ReplayRecord, check_counter
from mba_integrations.learning.replay.settings import config_of_then


@dataclass(frozen=True, kw_only=True)
class _Watched(Call):
    """A call that keeps what its items were worth."""

    seen: list[Evaluation] = field(default_factory=list)

    def _evaluation(
        self, snapshot: PoolSnapshot, present: datetime, of_reranker: list[str]
    ) -> Evaluation:
        found = Call._evaluation(self, snapshot, present, of_reranker)
        self.seen.append(found)
        return found


def without_texts(
    record: ReplayRecord, *, token_counter: TokenCounter | None = None
) -> ReplayRecord:
    """The record with numbers in place of all that somebody wrote; one of numbers as it is.

    Args:
        record: A record.
        token_counter: What counted it, where that was one of the caller's own.

    Raises:
        BudgetError: If it cannot be decided under its own settings.
        InputError: If it was counted by another counter than is at hand.
    """
    return WithoutTexts().of(record, token_counter=token_counter)


class WithoutTexts:
    """Makes records of numbers; those that shared candidates share the stand-ins."""

    def __init__(self) -> None:
        self._pools = Prepared(MemoryPool.from_items)
        self._bare = Prepared(bare_items)
        self._settings = Prepared(_without_words)
        self._then = Prepared(config_of_then)
        self._by_numbers = ByNumbers()

    def of(
        self, record: ReplayRecord, *, token_counter: TokenCounter | None = None
    ) -> ReplayRecord:
        """See `without_texts`."""
        if record.grade is Grade.NUMBERS:
            return record
        pool, bare = self._pools.of(record.candidates), self._bare.of(record.candidates)
        made = _Made(record, self._then.of(record.settings), token_counter, pool, bare)
        found = replace(
            record,
            query=None,
            query_embedding=None,
            candidates=bare,
            previous=made.previous,
            settings=self._settings.of(record.settings),
            numbers=made.numbers(),
        )
        return replace(found, numbers={**(found.numbers or {}), "is_exact": self._is_exact(found)})

    def _is_exact(self, bare: ReplayRecord) -> bool:
        try:
            allocation = self._by_numbers.chosen(bare, self._then.of(bare.settings))
        except BudgetError:
            return False
        return (allocation.selected_ids, allocation.used_tokens) == (
            *(bare.selected_ids, bare.decided.used_tokens),
        )


def _without_words(settings: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in settings.items() if name != "description"}


class _Made:
    """A record decided once more with its texts, and what is read of that."""

    def __init__(
        self,
        record: ReplayRecord,
        config: WorkspaceConfig,
        token_counter: TokenCounter | None,
        pool: MemoryPool,
        bare: Candidates,
    ) -> None:
        self._record = record
        self._config = config
        self._layout = Renderer(self._config.rendering)
        before = record.previous
        self._before = None if before is None else PreviousPrompt.from_dict(before)
        self._pool = pool
        self._decided, self._evaluation = self._again(token_counter)
        self.bare = bare
        self.previous = self._bare_previous()

    def _again(self, token_counter: TokenCounter | None) -> tuple[Allocation, Evaluation]:
        call = call_of(
            _Watched, self._record, self._config, self._pool, token_counter, self._before
        )
        allocation = call.run()
        check_counter(self._record, allocation.counter_id)
        return allocation, call.seen[0]

    def _bare_previous(self) -> Mapping[str, Any] | None:
        if self._before is None:
            return None
        rows = {item.id: (row, item) for row, item in enumerate(self._record.candidates)}
        return bare_previous(self._before, rows, self.bare, self._layout).to_dict()

    def numbers(self) -> dict[str, Any]:
        """What is known of the candidates."""
        evaluation, problem = self._evaluation, self._decided.decided.problem
        snapshot, counter = problem.snapshot, problem.counter
        estimate = self._decided.complexity_estimate
        tokens = snapshot.token_column(self._layout, counter).all()
        return {
            "complexity": {"complexity": estimate.complexity.value, "points": estimate.points},
            "counter": {"id": counter.id, "exact": counter.exact},
            "tokens": tokens.tolist(),
            "openings": openings_of(self._layout, counter),
            "more": self._more(counter),
            "relevance": evaluation.signals.relevance.tolist(),
            "score": evaluation.signals.score.tolist(),
            "doubt": evaluation.doubt,
            "may_be_unread": evaluation.may_be_unread,
            "newest": evaluation.grounds.newest,
            "dates": list(evaluation.grounds.dates),
            "trace": _written_trace(evaluation.trace),
            "overlaps": overlaps_of(snapshot, self._config.duplicate_threshold),
            "passages": self._passages(),
            "may_be_passages": may_be_passages(snapshot, tokens, self._config.passage_min_tokens),
        }

    def _more(self, counter: TokenCounter) -> dict[str, dict[str, int]]:
        """Tokens of other lines that candidates may have, by row and stand-in."""
        found: dict[str, dict[str, int]] = {}

        def add(row: int, name: str, content: str) -> None:
            shown = replace(self._record.candidates[row], content=content)
            found.setdefault(str(row), {})[name] = counter.count(self._layout.line(shown))

        rows = {item.id: row for row, item in enumerate(self._record.candidates)}
        of_before = [one for one in (self._before.items if self._before else ()) if one.id in rows]
        was_dated = {rows[one.id] for one in of_before if one.passage is not None}
        for row in {*self._evaluation.grounds.dates, *was_dated}:
            item = self._record.candidates[row]
            if item.created_at is not None:
                add(row, dated(self.bare[row]).content, dated(item).content)
        for one in of_before:
            row = rows[one.id]
            item = self._record.candidates[row]
            if one.passage is not None and not is_dated(one.passage, item):
                add(row, passage_of_before(row), one.passage)
        for row, content in self._cut().items():
            add(row, passage_name(row), content)
        return found

    def _cut(self) -> dict[int, str]:
        """What was shown of items that were shortened by this call, by row."""
        before = {one.id: one.passage for one in (self._before.items if self._before else ())}
        items = self._record.candidates
        return {
            row: content
            for row, content in self._decided.decided.passages.items()
            if not is_dated(content, items[row]) and before.get(items[row].id) != content
        }

    def _passages(self) -> dict[str, float]:
        """Part of an item's worth that its passage has, by row."""
        shown = self._decided.decided.problem.units.worth.of_item
        whole = packing_worth(self._evaluation, self._config).of_item
        return {str(row): _part(shown, whole, row) for row in self._cut()}


def _part(shown: FloatArray, whole: FloatArray, row: int) -> float:
    return float(shown[row] / whole[row]) if whole[row] > 0.0 else 0.0


def _written_trace(trace: Trace | None) -> dict[str, Any] | None:
    if trace is None:
        return None
    return {"rows": trace.rows.tolist(), "usual_tokens": float(trace.usual_tokens)}
