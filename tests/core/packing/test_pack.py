"""Packing against brute force, and the rules that hold for every instance."""

from __future__ import annotations

import dataclasses
import functools
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import rows_of

from mba_integrations.core.packing import knapsack, shared_budget
from mba_integrations.core.packing.pack import pack
from mba_integrations.core.packing.problem import PackingProblem


def problem(
    items: list[tuple[int, float, int]],
    total: int,
    *,
    shares: list[float] | None = None,
    caps: list[float] | None = None,
    opening: list[int] | None = None,
    borrowing: bool = True,
    least: float = 0.0,
    firm: list[float] | None = None,
) -> PackingProblem:
    """Items as (tokens, value, tier)."""
    shares = [float(total)] if shares is None else shares
    return PackingProblem(
        value=np.array([item[1] for item in items], dtype=np.float64),
        tokens=np.array([item[0] for item in items], dtype=np.int64),
        tier=np.array([item[2] for item in items], dtype=np.int64),
        total_tokens=total,
        tier_tokens=np.array(shares),
        tier_cap_tokens=np.array([np.inf] * len(shares) if caps is None else caps),
        opening_tokens=np.array([0] * len(shares) if opening is None else opening),
        borrowing=borrowing,
        least_density=least,
        firm_tokens=np.array([] if firm is None else firm, dtype=np.float64),
    )


WORTH = st.sampled_from([0.0, 0.25, 0.5, 1.0]) | st.floats(0.0, 1.0)
CAP = st.just(np.inf) | st.floats(0.0, 60.0)
LEAST = st.just(0.0) | st.floats(0.0, 0.3)
PART = st.sampled_from([None, 0.0, 0.5, 1.0])


@functools.cache  # to make strategies costs more than to draw from them
def rows_of_sizes(tiers: int, max_items: int) -> Any:
    """Tokens and the tier of each item."""
    return rows_of(list(product(range(1, 26), range(tiers))), max_size=max_items)


@functools.cache
def of_each(tiers: int, drawn: Any) -> Any:
    return st.lists(drawn, min_size=tiers, max_size=tiers)


@st.composite
def problems(draw: st.DrawFn, *, max_items: int = 10, borrowing: bool | None = None) -> Any:
    tiers = draw(st.integers(1, 3))
    total = draw(st.integers(0, 60))
    weights = draw(of_each(tiers, st.integers(0, 5)))
    left_free = draw(st.integers(0, 3))
    shares = [total * weight / max(1, sum(weights) + left_free) for weight in weights]
    part = draw(PART)
    return problem(
        [(tokens, draw(WORTH), tier) for tokens, tier in draw(rows_of_sizes(tiers, max_items))],
        total,
        shares=shares,
        least=draw(LEAST),
        firm=None if part is None else [share * part for share in shares],
        caps=draw(of_each(tiers, CAP)),
        opening=draw(of_each(tiers, st.integers(0, 6))),
        borrowing=draw(st.booleans()) if borrowing is None else borrowing,
    )


class Oracle:
    """All subsets of a small instance, by the rules as the module states them."""

    def __init__(self, p: PackingProblem) -> None:
        self.p, n, k = p, len(p.value), len(p.tier_tokens)
        self.members = (np.arange(2**n)[:, None] >> np.arange(n)) % 2 == 1
        self.value = self.members @ p.value
        one_tier = p.tier[:, None] == np.arange(k)
        self.used = self.members @ (p.tokens[:, None] * one_tier)
        self.used = self.used + np.where(self.members @ one_tier, p.opening_tokens, 0)
        self.caps = np.minimum(p.tier_cap_tokens, p.total_tokens)
        self.share = np.minimum(p.tier_tokens, self.caps)

    def guaranteed(self) -> np.ndarray:
        p = self.p
        fits = p.tokens + p.opening_tokens[p.tier] <= self.share[p.tier] + 1e-6
        fits &= p.value > 0
        counts = fits & (p.value >= p.least_density * p.tokens * (1 - 1e-12))
        needs, worth = self._needs(fits)[0], self._needs(counts)
        pays = worth[1] >= p.least_density * worth[0] * (1 - 1e-12)
        firm = p.firm_tokens if len(p.firm_tokens) else np.zeros(len(self.share))
        soft = np.where(pays, np.minimum(self.share, worth[0]), 0.0)
        kept: np.ndarray = np.maximum(soft, np.minimum(firm, np.minimum(self.share, needs)))
        return kept

    def _needs(self, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Tokens, opening included, and value of those items of each tier."""
        tier, tiers = self.p.tier[counts], len(self.share)
        tokens = np.bincount(tier, weights=self.p.tokens[counts], minlength=tiers)
        value = np.bincount(tier, weights=self.p.value[counts], minlength=tiers)
        return np.where(tokens > 0, tokens + self.p.opening_tokens, 0), value

    def worths(self) -> list[float]:
        """What a correct packing may be worth: one number, unless the first step has ties."""
        p = self.p
        if not p.borrowing:
            return [float(self.value[(self.used <= self.share + 1e-6).all(axis=1)].max())]
        allowed = (self.used <= self.caps + 1e-6).all(axis=1)
        charged = np.maximum(self.used, self.guaranteed()).sum(axis=1)
        first = np.where(allowed & (charged <= p.total_tokens + 1e-6), self.value, -1.0)
        whole = allowed & (self.used.sum(axis=1) <= p.total_tokens)
        best = np.flatnonzero(first >= first.max() - 1e-9)
        return [self._filled(row, whole) for row in best]

    def _filled(self, row: int, whole: np.ndarray) -> float:
        return float(self.value[whole & ((np.arange(len(whole)) & row) == row)].max())


@settings(max_examples=250, deadline=None)
@given(problems())
def test_packing_is_worth_what_brute_force_finds(p: PackingProblem) -> None:
    packing = pack(p)
    worths = Oracle(p).worths()
    assert any(packing.value == pytest.approx(worth, abs=1e-9) for worth in worths)
    assert packing.proven_optimal


@settings(max_examples=100, deadline=None)
@given(problems(max_items=30))
def test_rules_hold(p: PackingProblem) -> None:
    packing = pack(p)
    used = np.zeros(len(p.tier_tokens), dtype=np.int64)
    for tier in range(len(used)):
        tokens = p.tokens[packing.chosen][p.tier[packing.chosen] == tier]
        used[tier] = tokens.sum() + (p.opening_tokens[tier] if len(tokens) else 0)
    assert packing.tier_used_tokens.tolist() == used.tolist()
    assert packing.used_tokens == used.sum() <= p.total_tokens
    assert (used <= p.tier_cap_tokens + 1e-6).all()
    if not p.borrowing:
        assert (used <= p.tier_tokens + 1e-6).all()
    assert (np.diff(packing.chosen) > 0).all()
    assert packing.value == pytest.approx(p.value[packing.chosen].sum())
    assert packing.value <= packing.upper_bound
    assert packing.proven_optimal == (packing.value == packing.upper_bound)


@settings(max_examples=100, deadline=None)
@given(problems(max_items=30, borrowing=True))
def test_with_borrowing_no_item_that_still_fits_stays_out(p: PackingProblem) -> None:
    packing = pack(p)
    opening = np.where(packing.tier_used_tokens > 0, 0, p.opening_tokens)
    room = np.floor(p.tier_cap_tokens + 1e-6) - packing.tier_used_tokens
    room = np.minimum(room, p.total_tokens - packing.used_tokens)
    fits = p.tokens + opening[p.tier] <= room[p.tier]
    assert set(np.flatnonzero(fits)) <= set(packing.chosen)


@settings(max_examples=100, deadline=None)
@given(problems(max_items=14, borrowing=True))
def test_a_tier_gets_as_much_value_as_alone_within_its_guarantee(p: PackingProblem) -> None:
    p = dataclasses.replace(p, least_density=0.0)
    shared, alone = pack(p), pack(dataclasses.replace(p, borrowing=False))
    below = np.flatnonzero(shared.tier_used_tokens <= p.tier_tokens)
    for tier in below:
        in_shared = p.value[shared.chosen[p.tier[shared.chosen] == tier]].sum()
        in_alone = p.value[alone.chosen[p.tier[alone.chosen] == tier]].sum()
        assert in_shared >= in_alone - 1e-9


@settings(max_examples=80, deadline=None)
@given(problems(), st.integers(1, 30), st.booleans())
def test_value_never_falls_without_borrowing_or_without_guarantees(
    p: PackingProblem, more: int, borrowing: bool
) -> None:
    def at(total: int) -> float:
        share = (
            np.zeros(len(p.tier_tokens)) if borrowing else p.tier_tokens / max(1, p.total_tokens)
        )
        larger = dataclasses.replace(
            p,
            total_tokens=total,
            tier_tokens=share * total,
            borrowing=borrowing,
            firm_tokens=np.zeros(0),
        )
        return pack(larger).value

    assert at(p.total_tokens + more) >= at(p.total_tokens) - 1e-9


def test_value_falls_where_a_guarantee_takes_back_what_others_borrowed() -> None:
    dense = [(1, 1.0, 1)] * 30
    at_19 = pack(problem([(10, 1.0, 0), *dense], 19, shares=[9.5, 9.5]))
    at_20 = pack(problem([(10, 1.0, 0), *dense], 20, shares=[10.0, 10.0]))
    assert (at_19.value, at_20.value) == (19.0, 11.0)


def test_it_does_not_fall_where_what_the_guarantee_is_for_is_worth_less_than_it_displaces() -> None:
    dense = [(1, 1.0, 1)] * 30
    at_20 = pack(problem([(10, 1.0, 0), *dense], 20, shares=[10.0, 10.0], least=0.7))
    assert (at_20.value, at_20.proven_optimal) == (20.0, True)


@settings(max_examples=60, deadline=None)
@given(problems(max_items=20, borrowing=True))
def test_no_guarantee_is_worth_more_than_none(p: PackingProblem) -> None:
    free = dataclasses.replace(p, tier_tokens=p.tier_tokens * 0.0, firm_tokens=np.zeros(0))
    assert pack(free).value >= pack(p).value - 1e-9


def test_without_borrowing_a_share_is_kept_whatever_its_items_are_worth() -> None:
    items = [(5, 0.1, 0), (5, 0.9, 1), (5, 0.8, 1)]
    alone = pack(problem(items, 10, shares=[5.0, 5.0], borrowing=False, least=1.0))
    assert alone.chosen.tolist() == [0, 1]


@settings(max_examples=60, deadline=None)
@given(problems())
def test_equal_problems_give_equal_packings_and_stay_unchanged(p: PackingProblem) -> None:
    fields = [field.name for field in dataclasses.fields(p)]
    before = {name: np.copy(getattr(p, name)) for name in fields}
    first, second = pack(p), pack(p)
    assert first.chosen.tolist() == second.chosen.tolist()
    assert first.upper_bound == second.upper_bound
    for name in fields:
        assert np.array_equal(before[name], getattr(p, name))


@settings(max_examples=60, deadline=None)
@given(problems(max_items=16))
def test_of_equal_items_the_earlier_one_comes_in(p: PackingProblem) -> None:
    chosen = set(pack(p).chosen.tolist())
    for later in chosen:
        twins = (p.value == p.value[later]) & (p.tokens == p.tokens[later])
        twins &= p.tier == p.tier[later]
        assert set(np.flatnonzero(twins[:later])) <= chosen


@pytest.mark.parametrize("limit", [1, 30, 300])
def test_bound_holds_where_tables_and_lists_are_too_small_to_be_exact(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in (
        (knapsack, "MAX_CELLS"),
        (knapsack, "FIRST_CELLS"),
        (shared_budget, "FIRST_CELLS"),
        (shared_budget, "MAX_SHARED_CELLS"),
        (shared_budget, "MAX_PAIRS"),
        (shared_budget, "FIRST_PAIRS"),
    ):
        monkeypatch.setattr(module, name, limit)
    for seed in range(60):
        random = np.random.default_rng(seed)
        worth = random.random(11).tolist()
        tokens, tier = random.integers(2, 30, 11).tolist(), random.integers(0, 3, 11).tolist()
        p = problem(list(zip(tokens, worth, tier, strict=True)), 70, shares=[15.5, 20.0, 12.0])
        packing = pack(p)
        assert packing.used_tokens <= 70
        assert packing.upper_bound >= min(Oracle(p).worths()) - 1e-9
        assert packing.value <= packing.upper_bound


SMALL = [(3, 0.9, 0), (4, 0.8, 0), (5, 0.5, 1), (2, 0.1, 1)]


@pytest.mark.parametrize(
    ("p", "chosen"),
    [
        pytest.param(problem([], 10), [], id="no-items"),
        pytest.param(problem(SMALL, 0, shares=[0.0, 0.0]), [], id="no-budget"),
        pytest.param(problem(SMALL, 14, shares=[7.0, 7.0]), [0, 1, 2, 3], id="all-fit"),
        pytest.param(problem(SMALL, 13, shares=[6.5, 6.5]), [0, 1, 2], id="one-token-short"),
        pytest.param(problem([(11, 1.0, 0), (10, 0.1, 0)], 10), [1], id="larger-than-all"),
        pytest.param(problem([(4, 0.5, 0)] * 5, 9), [0, 1], id="all-equal"),
        pytest.param(problem([(1, 0.2, 0), (10, 0.9, 0)], 10), [1], id="large-beats-dense"),
        pytest.param(problem([(4, 0.0, 0), (4, 0.1, 0)], 5), [1], id="no-value-comes-last"),
        pytest.param(problem([(4, 0.0, 0), (4, 0.1, 0)], 8), [0, 1], id="no-value-fills-room"),
        pytest.param(problem([(4, 0.0, 0)] * 3, 9), [0, 1], id="no-value-goes-by-input-order"),
        pytest.param(problem([(4, 0.5, 0)], 5, opening=[2]), [], id="heading-does-not-fit"),
        pytest.param(problem([(4, 0.5, 0)], 6, opening=[2]), [0], id="heading-fits"),
        pytest.param(problem([(4, 0.5, 0)], 9, caps=[3.5]), [], id="cap-below-item"),
        pytest.param(
            problem([(5, 0.1, 0), (5, 0.9, 1), (5, 0.8, 1)], 10, shares=[5.0, 5.0]),
            [0, 1],
            id="guarantee-is-kept",
        ),
        pytest.param(
            problem([(5, 0.1, 0), (5, 0.9, 1), (5, 0.8, 1)], 10, shares=[5.0, 5.0], least=0.03),
            [1, 2],
            id="guarantee-flows-where-it-is-not-worth-it",
        ),
        pytest.param(
            problem(
                [(5, 0.1, 0), (5, 0.9, 1), (5, 0.8, 1)],
                10,
                shares=[5.0, 5.0],
                least=0.03,
                firm=[5.0, 0.0],
            ),
            [0, 1],
            id="a-firm-guarantee-stays",
        ),
        pytest.param(
            problem(
                [(5, 0.1, 0), (1, 0.01, 0), (8, 0.9, 1), (8, 0.8, 2)], 16, shares=[5.0, 0.0, 0.0]
            ),
            [0, 1, 2],
            id="guarantee-is-kept-where-tiers-may-borrow",
        ),
        pytest.param(
            problem([(6, 0.1, 0), (5, 0.9, 1), (5, 0.8, 1)], 10, shares=[5.0, 5.0]),
            [1, 2],
            id="unusable-guarantee-flows",
        ),
        pytest.param(
            problem(
                [(6, 0.1, 0), (5, 0.9, 1), (5, 0.8, 1)], 10, shares=[5.0, 5.0], borrowing=False
            ),
            [1],
            id="nothing-flows-without-borrowing",
        ),
        pytest.param(
            problem(
                [(6, 1.0, 0), (7, 0.9, 0), (10, 5.0, 1), (4, 0.09, 1), (2, 0.05, 1), (2, 0.05, 1)],
                20,
                shares=[10.0, 10.0],
            ),
            [0, 2, 4, 5],
            id="idle-tokens-are-filled-by-the-best",
        ),
        pytest.param(
            problem([(3, 1.0, 0), (2, 0.1, 0), (2, 0.2, 1), (1, 0.01, 1)], 5, shares=[2.5, 2.5]),
            [1, 2, 3],
            id="half-a-token-of-a-guarantee-is-not-lent",
        ),
        pytest.param(
            problem([(5, 0.9, 0), (5, 0.8, 1), (3, 0.6, 0)], 10, shares=[0, 0], opening=[1, 2]),
            [0, 2],
            id="second-heading-is-not-worth-it",
        ),
    ],
)
def test_edges(p: PackingProblem, chosen: list[int]) -> None:
    packing = pack(p)
    assert packing.chosen.tolist() == chosen
    assert packing.proven_optimal


def test_shares_that_are_whole_but_for_rounding_are_whole() -> None:
    items = [(29, 1.0, 0), (71, 1.0, 1)]
    packing = pack(problem(items, 100, shares=[0.29 * 100, 0.71 * 100], borrowing=False))
    assert packing.chosen.tolist() == [0, 1]


@pytest.mark.parametrize("tiers", [1, 4, 16])
def test_many_items_in_many_tiers_respect_the_budget(tiers: int) -> None:
    random = np.random.default_rng(tiers)
    count = 3000
    p = PackingProblem(
        value=random.random(count),
        tokens=random.integers(4, 200, count),
        tier=random.integers(0, tiers, count),
        total_tokens=4000,
        tier_tokens=np.full(tiers, 3000 / tiers),
        tier_cap_tokens=np.full(tiers, 8000 / tiers),
        opening_tokens=np.full(tiers, 5),
        borrowing=True,
    )
    packing = pack(p)
    assert packing.used_tokens <= 4000
    assert packing.upper_bound <= packing.value * 1.003
