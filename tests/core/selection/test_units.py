"""Units are the items or the groups they are in: every number against a slow sum over the items."""

from __future__ import annotations

import numpy as np
import pytest
from fakes import CharCounter, line
from hypothesis import given
from hypothesis import strategies as st
from problems import problem_of

from mba_integrations import MemoryItem, MemoryTier
from mba_integrations.core.layout.joined_texts import JoinedTexts
from mba_integrations.core.pool.snapshot import PoolSnapshot
from mba_integrations.core.pool.token_column import TokenColumn
from mba_integrations.core.selection.units.units import Units, form_units
from mba_integrations.core.value.worth import Worth

TIERS = tuple(MemoryTier)


def units_of(items: list[MemoryItem], scores: list[float], *, per_token: bool = False) -> Units:
    snapshot, score = PoolSnapshot(items), np.array(scores)
    column = TokenColumn(snapshot.items, JoinedTexts(separator=""), CharCounter(), lazy=False)
    worth = Worth(of_item=score, per_token=per_token)
    label = snapshot.columns.group if snapshot.has_groups else None
    return form_units(snapshot, column=column, worth=worth, score=score, label=label)


def sized(row: int, tokens: int, tier: MemoryTier = MemoryTier.RAG, **fields: object) -> MemoryItem:
    return MemoryItem(f"m{row}", "x" * tokens, tier, **fields)  # type: ignore[arg-type]


def test_the_units_of_the_worked_example() -> None:
    groups = {1: "g", 3: "g"}
    items = [sized(r, n, group=groups.get(r)) for r, n in enumerate((10, 20, 30, 5, 40))]
    units = units_of(items, [0.9, 0.2, 0.5, 0.4, 0.1])
    every = np.arange(len(units))
    assert units.first.tolist() == [0, 1, 2, 4]
    assert units.tokens(every).tolist() == [10, 25, 30, 40]
    assert units.value(every, units.tokens(every)).tolist() == pytest.approx([0.9, 0.6, 0.5, 0.1])
    assert units.score.tolist() == [0.9, 0.4, 0.5, 0.1]
    assert units.unit_of.tolist() == [0, 1, 2, 1, 3]
    assert units.rows(np.array([1, 3])).tolist() == [1, 3, 4]
    assert units.per_item(np.array([7, 8, 9, 6])).tolist() == [7, 8, 9, 8, 6]


@st.composite
def entries(draw: st.DrawFn) -> tuple[list[MemoryItem], list[float]]:
    rows = range(draw(st.integers(1, 12)))
    items = []
    for row in rows:
        tier = draw(st.sampled_from(TIERS[:2]))
        group = draw(st.sampled_from([None, None, "g", "h"]))
        items.append(
            sized(
                row,
                draw(st.integers(1, 30)),
                tier,
                group=group and f"{group}{tier.value}",
                pinned=draw(st.integers(0, 5)) == 0,
            )
        )
    return items, [draw(st.sampled_from([0.0, 0.25, 0.5, 1.0])) for _ in rows]


def members(items: list[MemoryItem]) -> list[list[int]]:
    """Rows of each unit, in the order of their first items: the slow way."""
    found: dict[object, list[int]] = {}
    for row, item in enumerate(items):
        found.setdefault(row if item.group is None else item.group, []).append(row)
    return list(found.values())


@given(entries(), st.booleans())
def test_every_number_of_a_unit_is_that_of_its_items(
    drawn: tuple[list[MemoryItem], list[float]], per_token: bool
) -> None:
    items, scores = drawn
    units, expected = units_of(items, scores, per_token=per_token), members(items)
    every = np.arange(len(expected))
    sizes = [len(item.content) for item in items]
    worth = [s * n if per_token else s for s, n in zip(scores, sizes, strict=True)]
    tokens = [sum(sizes[row] for row in rows) for rows in expected]
    value = [sum(worth[row] for row in rows) for rows in expected]
    assert units.first.tolist() == [rows[0] for rows in expected]
    assert units.tokens(every).tolist() == tokens
    assert units.value(every, units.tokens(every)).tolist() == pytest.approx(value)
    assert units.score.tolist() == [max(scores[row] for row in rows) for rows in expected]
    assert units.pinned.tolist() == [any(items[row].pinned for row in rows) for rows in expected]
    assert [TIERS[code] for code in units.tier] == [items[rows[0]].tier for rows in expected]
    density = [v / n for v, n in zip(value, tokens, strict=True)]
    assert units.density.tolist() == pytest.approx(density)


@given(entries(), st.data())
def test_units_and_items_lead_to_each_other(
    drawn: tuple[list[MemoryItem], list[float]], data: st.DataObject
) -> None:
    items, scores = drawn
    units, expected = units_of(items, scores), members(items)
    wanted = data.draw(st.sets(st.sampled_from(range(len(expected)))))
    chosen = np.array(sorted(wanted), dtype=np.int64)
    assert units.rows(chosen).tolist() == sorted(row for unit in wanted for row in expected[unit])
    limit = np.array([data.draw(st.integers(0, 60)) for _ in TIERS], dtype=np.float64)
    sums = units.tokens(np.arange(len(units)))
    over = [unit for unit, n in enumerate(sums.tolist()) if n > limit[units.tier[unit]]]
    assert units.over(limit).tolist() == over
    of_tiers = units.of_tiers(PoolSnapshot(items).tier_rows)
    assert [of_tier.tolist() for of_tier in of_tiers] == [
        [unit for unit in range(len(units)) if units.tier[unit] == code]
        for code in range(len(TIERS))
    ]


def test_the_density_of_an_uncounted_unit_only_falls() -> None:
    """Bounds say at least so many tokens, so before counting a unit may only seem better."""
    items = [sized(row, 5 + row) for row in range(9)]
    snapshot, score = PoolSnapshot(items), np.full(9, 0.5)
    column = TokenColumn(snapshot.items, JoinedTexts(separator=""), Bounded(), lazy=True)
    units = form_units(
        snapshot,
        column=column,
        worth=Worth(of_item=score, per_token=False),
        score=score,
        label=None,
    )
    assert not column.complete
    before = units.density.copy()
    units.tokens(np.arange(0, 9, 2))
    between = units.density.copy()
    column.all()
    after = units.density
    assert (before >= between).all()
    assert (between >= after).all()
    assert after.tolist() == pytest.approx([0.5 / (5 + row) for row in range(9)])


class Bounded(CharCounter):
    """Counts characters under the id of an encoding, whose bounds hold for it."""

    id = "tiktoken:o200k_base"


def test_a_group_takes_its_pin_its_best_score_and_all_its_tokens() -> None:
    items = [
        line("a", 20, group="g"),
        line("b", 30, group="g", pinned=True),
        line("c", 40),
    ]
    units = problem_of(items, 500, [0.1, 0.2, 0.9]).units
    assert units.pinned.tolist() == [True, False]
    assert units.score.tolist() == [0.2, 0.9]
    assert units.tokens(np.array([0, 1])).tolist() == [50, 40]
