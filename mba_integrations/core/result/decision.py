"""`Decision`: what was decided on every candidate, as columns.

An allocation makes its tables from it when they are first asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mba_integrations.core.arguments import shown
from mba_integrations.core.arrays import BoolArray, IntArray
from mba_integrations.core.errors import InputError
from mba_integrations.core.model import REASONS, MemoryItem, OmissionReason
from mba_integrations.core.result.candidates import Omitted, Selected, reason_sentence
from mba_integrations.core.selection.continuation import Continuation
from mba_integrations.core.selection.dating import is_dated
from mba_integrations.core.selection.passages.parts import index_of_item
from mba_integrations.core.selection.problem import SelectionProblem
from mba_integrations.core.turns.previous import PreviousItem, digest_of
from mba_integrations.core.value.grounds.grounds import Grounds, SignalReader
from mba_integrations.core.value.valuation import Signals

_OF_UNITS = (OmissionReason.TOO_LARGE, OmissionReason.BELOW_PRICE)
"""Reasons that hold for a group as a whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What was decided on n candidates.

    Attributes:
        problem: What was chosen from, with the tokens and the worth of each item.
        signals: Relevance, importance, freshness and score of each item.
        rows: The selected rows in the order in which they stand in the prompt, shape (m,).
        opens: Which of them have a heading before them, shape (m,).
        reasons: Code of the reason of each item if it is omitted, shape (n,).
        grounds: What the scores are made of.
        continuation: What the prompt follows.
        passages: What is in the prompt in place of the text, by row: a part of it, or the text
            with its date; rows that are in it as they are are left out.
    """

    problem: SelectionProblem
    signals: Signals
    grounds: Grounds
    rows: IntArray
    opens: BoolArray
    reasons: IntArray
    continuation: Continuation
    passages: Mapping[int, str]

    def item(self, row: int) -> MemoryItem:
        """The item at a row."""
        return self.problem.snapshot.items[row]

    def of_id(self, item_id: str) -> Selected | Omitted:
        """What was decided on one item.

        Raises:
            InputError: If no item of that id was handed in.
        """
        if not isinstance(item_id, str):
            raise InputError(f"item_id must be a text, got {shown(item_id)}.")
        row, reader = self.problem.snapshot.ids.get(item_id), self._reader()
        if row is None:
            raise InputError(f"no item {shown(item_id)} was handed in.")
        return (
            self._selected(row, self._pinned_groups(), reader)
            if row in self.rows
            else self._omitted(row, reader)
        )

    def selected(self) -> tuple[Selected, ...]:
        """The items in the prompt, in their order there."""
        pinned_groups, reader = self._pinned_groups(), self._reader()
        return tuple(self._selected(int(row), pinned_groups, reader) for row in self.rows)

    def omitted(self) -> tuple[Omitted, ...]:
        """The items that are not in the prompt, in input order."""
        reader = self._reader()
        return tuple(self._omitted(row, reader) for row in self._omitted_rows())

    def omission_reasons(self) -> dict[str, OmissionReason]:
        """Why each item that is not in the prompt is not, by its id, in input order."""
        reasons = self.reasons.tolist()
        return {self.item(row).id: REASONS[reasons[row]] for row in self._omitted_rows()}

    def _omitted_rows(self) -> list[int]:
        """The rows that are not in the prompt, in input order."""
        out = np.ones(len(self.reasons), dtype=bool)
        out[self.rows] = False
        return list(map(int, np.flatnonzero(out)))

    def best_omitted(self, count: int) -> tuple[Omitted, ...]:
        """So many of the items that are not in the prompt, by their score, the best first."""
        score = self.signals.score.copy()
        score[self.rows] = -np.inf
        ranked = np.argsort(-score, kind="stable")[: len(score) - len(self.rows)]
        reader = self._reader()
        return tuple(self._omitted(row, reader) for row in ranked[:count].tolist())

    def omission_counts(self) -> dict[OmissionReason, int]:
        """How many items are omitted for each reason; reasons without an item are left out."""
        every = np.bincount(self.reasons, minlength=len(REASONS))
        counts = every - np.bincount(self.reasons[self.rows], minlength=len(REASONS))
        return {reason: int(count) for reason, count in zip(REASONS, counts, strict=True) if count}

    def omitted_tokens(self) -> dict[OmissionReason, tuple[int, int]]:
        """Tokens of the omitted items that were counted, and how many those are, by reason.

        What cannot matter is not counted for it, see `TokenColumn`.
        """
        tokens = self.problem.tokens.counts.copy()
        tokens[self.rows] = 0
        counted = np.bincount(self.reasons[tokens > 0], minlength=len(REASONS)).tolist()
        sums = np.bincount(self.reasons, weights=tokens, minlength=len(REASONS)).tolist()
        return {
            reason: (int(sums[code]), count)
            for code, (reason, count) in enumerate(zip(REASONS, counted, strict=True))
            if count
        }

    @property
    def expected_needed(self) -> float | None:
        """How many items the query is expected to need; None where scores are no probabilities, or
        where it asks nothing."""
        if self.grounds.matched is None or self.grounds.is_empty:
            return None
        return float(self.signals.score.sum())

    def shown(self) -> tuple[MemoryItem, ...]:
        """The items as they are written in the prompt, with passages in the place of their texts,
        in their order there."""
        return tuple(
            replace(self.item(row), content=self.passages.get(row, self.item(row).content))
            for row in self.rows.tolist()
        )

    def previous_items(self) -> tuple[PreviousItem, ...]:
        """The items of the prompt as the next turn needs them."""
        opens = zip(self.rows.tolist(), self.opens.tolist(), strict=True)
        return tuple(self._previous_item(row, opened) for row, opened in opens)

    def _previous_item(self, row: int, opened: bool) -> PreviousItem:
        item = self.item(row)
        return PreviousItem(
            id=item.id,
            tier=item.tier,
            digest=digest_of(item.content),
            passage=self.passages.get(row),
            opens=opened,
            changing=row in self.continuation.changing,
        )

    def _pinned_groups(self) -> frozenset[str]:
        columns = self.problem.snapshot.columns
        rows = np.flatnonzero(columns.pinned & (columns.group >= 0))
        return frozenset(self.item(row).group or "" for row in rows.tolist())

    def _reader(self) -> SignalReader:
        return SignalReader(
            self.problem.snapshot,
            self.grounds,
            relevance=self.signals.relevance,
            freshness=self.signals.freshness,
            score=self.signals.score,
        )

    def _known(self, row: int, reader: SignalReader) -> dict[str, Any]:
        return {
            "item": self.item(row),
            "tokens": self._tokens_of(row),
            "score": float(self.signals.score[row]),
            "relevance": float(self.signals.relevance[row]),
            "importance": float(self.signals.importance[row]),
            "freshness": float(self.signals.freshness[row]),
            "signals": reader.of(row),
        }

    def _selected(self, row: int, pinned_groups: frozenset[str], reader: SignalReader) -> Selected:
        item = self.item(row)
        return Selected(
            **self._known(row, reader),
            pinned=item.pinned or item.group in pinned_groups,
            passage=self._passage(row),
            sentences=self._sentences(row),
        )

    def _passage(self, row: int) -> str | None:
        """What is in the prompt of the text; None for all of it, with its date or without."""
        shown = self.passages.get(row)
        return None if shown is None or is_dated(shown, self.item(row)) else shown

    def _sentences(self, row: int) -> tuple[int, int] | None:
        passage = self._passage(row)
        if passage is None:
            return None
        index = index_of_item(self.item(row))
        return len(index.standing_in(passage)), len(index)

    def _omitted(self, row: int, reader: SignalReader) -> Omitted:
        reason = REASONS[self.reasons[row]]
        tokens = self._tokens_of(row)
        detail = reason_sentence(
            reason,
            tier=self.item(row).tier,
            tokens=tokens,
            unit_tokens=self._unit_tokens(row) if reason in _OF_UNITS else tokens,
            score=float(self.signals.score[row]),
            min_score=self.problem.min_score,
            follows=bool(self.continuation.beginning),
        )
        return Omitted(**self._known(row, reader), reason=reason, detail=detail)

    def _unit_tokens(self, row: int) -> int:
        group = self.problem.snapshot.columns.group
        if group[row] < 0:
            return self._tokens_of(row)
        return int(self.problem.tokens.of(np.flatnonzero(group == group[row])).sum())

    def _tokens_of(self, row: int) -> int:
        return int(self.problem.tokens.of(np.array([row]))[0])
