"""The benchmark of budgets by complexity: equal mean tokens, and shares that go where they help."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from benchmarks import budget_scaling
from benchmarks.budget_scaling import (
    LEVELS,
    RankedQuestion,
    by_evidence,
    by_foresight,
    by_level,
    by_usefulness,
    compare,
    fitted_shares,
    shuffled,
)

SIMPLE, EXPERT = 0, len(LEVELS) - 1
ITEM_TOKENS = 64


def question(needs: int, *, level: int = SIMPLE, pool: int = 0, items: int = 128) -> RankedQuestion:
    """Evidence is the last of the *needs* best items, so it takes that many items' tokens."""
    return RankedQuestion(
        level=level,
        pool=pool,
        density=np.linspace(1.0, 0.5, items),
        tokens=np.full(items, ITEM_TOKENS, dtype=np.int64),
        evidence=((needs - 1,),),
    )


def test_outcome_counts_groups_with_any_selected_row_and_the_tokens_used() -> None:
    one = RankedQuestion(
        level=SIMPLE,
        pool=0,
        density=np.array([0.9, 0.5, 0.1]),
        tokens=np.array([10, 20, 30]),
        evidence=((0, 2), (2,)),
    )
    found = one.outcome((9, 35, 60))
    assert found.tolist() == [[0.0, 0.0], [0.5, 30.0], [1.0, 60.0]]


def test_the_fixed_budget_has_the_same_mean_tokens() -> None:
    questions = [question(2, level=SIMPLE), question(20, level=EXPERT)]
    one = compare(questions, by_level((0.5, 1, 1, 1.5))(questions, 1024), 1024)
    assert one.mean_tokens == 1024
    assert one.used_tokens == (1024.0, 1024.0)


def test_shares_that_follow_the_need_gain_over_a_fixed_budget() -> None:
    questions = [question(8, level=SIMPLE), question(24, level=EXPERT)] * 3
    shares = by_level((0.5, 1.0, 1.0, 1.5))(questions, 1024)
    assert compare(questions, shares, 1024).gain == 50.0


def test_shares_against_the_need_lose() -> None:
    questions = [question(8, level=EXPERT), question(16, level=SIMPLE)] * 3
    shares = by_level((0.5, 1.0, 1.0, 1.5))(questions, 1024)
    one = compare(questions, shares, 1024)
    assert (one.gain, one.loss) == (-50.0, -50.0)


def test_equal_shares_neither_gain_nor_lose() -> None:
    questions = [question(needs, pool=needs % 7) for needs in range(1, 40)]
    one = compare(questions, np.ones(len(questions)), 512)
    assert (one.gain, one.loss, one.gain_interval) == (0.0, 0.0, (0.0, 0.0))


def test_shuffled_shares_are_the_same_shares() -> None:
    questions = [question(1, level=number % 4) for number in range(40)]
    rule = by_level((0.1, 0.2, 0.3, 0.4))
    dealt = shuffled(rule)(questions, 1024)
    assert sorted(dealt) == sorted(rule(questions, 1024))
    assert not np.array_equal(dealt, rule(questions, 1024))


@pytest.mark.parametrize("exponent", [0.5, 1.0])
def test_shares_by_evidence_have_a_mean_of_one(exponent: float) -> None:
    one, four = question(1), question(1)
    four = RankedQuestion(
        level=SIMPLE,
        pool=0,
        density=four.density,
        tokens=four.tokens,
        evidence=((0,), (1,), (2,), (3,)),
    )
    shares = by_evidence(exponent)([one, four], 1024)
    assert shares.mean() == pytest.approx(1.0)
    assert shares[1] / shares[0] == pytest.approx(4.0**exponent)


def test_foresight_finds_the_best_division_of_its_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(budget_scaling, "_CURVE", (128, 512, 1024))
    questions = [question(2), question(8), question(16)]
    shares = by_foresight(questions, 600)
    best = max(
        sum(one.outcome((b,))[0, 0] for one, b in zip(questions, division, strict=True))
        for division in itertools.product((0, 128, 512, 1024), repeat=3)
        if sum(division) <= 1800
    )
    reached = [one.outcome((int(s * 600),))[0, 0] for one, s in zip(questions, shares, strict=True)]
    assert sum(reached) == best == 3.0
    assert shares.mean() <= 1.0


def test_foresight_gives_nothing_to_a_question_that_nothing_helps() -> None:
    questions = [question(4), question(128, items=200)]
    assert by_foresight(questions, 256).tolist() == [1.0, 0.0]


def test_fitted_shares_give_more_to_the_level_that_needs_more() -> None:
    low = [question(needs, level=SIMPLE) for needs in range(1, 5)]
    high = [question(needs, level=EXPERT) for needs in range(10, 60)]
    shares = fitted_shares([low + high])
    assert shares[EXPERT] == 1.0
    assert shares[SIMPLE] < 1.0


def test_fitted_shares_are_equal_where_levels_tell_nothing() -> None:
    questions = [question(needs, level=level) for level in range(4) for needs in (4, 9, 30)]
    assert fitted_shares([questions]) == (1.0, 1.0, 1.0, 1.0)


def test_a_price_per_token_stops_each_question_where_its_items_stop_being_worth_it() -> None:
    sure = RankedQuestion(
        level=SIMPLE,
        pool=0,
        density=np.array([0.01, 0.9, 0.02]),
        tokens=np.array([64, 64, 64]),
        evidence=((1,),),
    )
    unsure = RankedQuestion(
        level=SIMPLE,
        pool=0,
        density=np.array([0.3, 0.4, 0.5, 0.1]),
        tokens=np.array([64, 64, 64, 64]),
        evidence=((3,),),
    )
    assert by_usefulness([sure, unsure], 128).tolist() == [0.5, 1.5]


def test_gain_is_against_the_mean_and_loss_against_the_whole_budget() -> None:
    questions = [question(12, level=SIMPLE), question(12, level=EXPERT)] * 3
    one = compare(questions, by_level((0.5, 1.0, 1.0, 1.0))(questions, 1024), 1024)
    assert (one.mean_tokens, one.used_tokens) == (768.0, (768.0, 768.0))
    assert (one.recall, one.gain, one.loss) == (50.0, -50.0, -50.0)
    questions = [question(14, level=SIMPLE), question(14, level=EXPERT)] * 3
    one = compare(questions, by_level((0.5, 1.0, 1.0, 1.0))(questions, 1024), 1024)
    assert (one.recall, one.gain, one.loss) == (50.0, 50.0, -50.0)


def test_fitted_shares_are_equal_where_there_is_one_level() -> None:
    assert fitted_shares([[question(needs) for needs in (4, 9, 30)]]) == (1.0, 1.0, 1.0, 1.0)
