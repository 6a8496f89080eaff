"""Two arms of an experiment: their figures, the interval of two samples, and the verdict."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np
import pytest
from arms import drawn, many, sent

from mba_integrations.learning.gate.arms import Sent, judge_arms, so_far
from mba_integrations.learning.gate.verdict import Answer

ROUNDS = 600


def per_1000(recalls: Sequence[Sent]) -> float:
    tokens = sum(one.used_tokens for one in recalls)
    return 1000.0 * sum(one.useful for one in recalls) / tokens


def by_loop(usual: Sequence[Sent], changed: Sequence[Sent], rounds: int) -> tuple[float, float]:
    """The interval of the gain, by drawing sessions in a loop."""
    lots = random.Random(5)
    arms = [
        [list(of) for _, of in groupby(arm, lambda one: one.session)] for arm in (usual, changed)
    ]
    found = []
    for _ in range(rounds):
        before, after = (
            per_1000([one for _ in sessions for one in lots.choice(sessions)]) for sessions in arms
        )
        found.append(after - before)
    found.sort()
    return found[int(0.025 * rounds)], found[int(0.975 * rounds)]


def test_the_interval_is_that_of_a_loop() -> None:
    lots = np.random.default_rng(1)
    usual, changed = drawn(lots, 50), drawn(lots, 35, useful=0.7)
    gain = judge_arms(usual, changed, rounds=8_000).arms.gain
    low, high = by_loop(usual, changed, 8_000)
    assert gain is not None
    assert gain.value == pytest.approx(per_1000(changed) - per_1000(usual))
    assert gain.low == pytest.approx(low, abs=0.05 * (high - low))
    assert gain.high == pytest.approx(high, abs=0.05 * (high - low))


def test_figures_are_of_all_recalls_of_an_arm() -> None:
    usual = [
        sent(0, used_tokens=100, useful=1.5, positives=2, liked=True),
        sent(1, used_tokens=300, useful=0.0, positives=0, is_judged=False, liked=False),
        sent(9, used_tokens=1100, stable_prefix_tokens=None, cost=400.0),
    ]
    found = so_far(usual, [], wanted=500)
    arm = found.arms.usual
    assert (arm.recalls, arm.judged, arm.sessions, arm.positives) == (3, 2, 2, 3)
    assert arm.useful_per_1000_tokens == pytest.approx(2.5 / 1.5)
    assert arm.useful_weight == pytest.approx(2.5 / 3)
    assert (arm.mean_used_tokens, arm.mean_cost) == (500.0, 200.0)
    assert (arm.stability, arm.unfit, arm.liked) == (600 / 400, 1, 0.5)
    assert found.arms.changed.stability is None
    assert found.arms.gain is None
    assert found.reasons == ("2 of 500 recalls have feedback on their memories.",)
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_same_use_with_fewer_tokens_is_proposed() -> None:
    found = judge_arms(many(), many(used_tokens=320))
    assert found.answer is Answer.PROPOSAL
    assert found.arms.gain is not None
    assert found.arms.gain.value == pytest.approx(1000 / 320 - 1000 / 400)
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_same_again_is_no_gain() -> None:
    assert judge_arms(many(), many()).answer is Answer.NO_GAIN


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param(
            {"useful": 0.98}, "a prompt has 2.0% less useful weight, 1% is the most.", id="less-use"
        ),
        pytest.param(
            {"cost": 105.1}, "a prompt costs at least 5.1% more, 5% is the most.", id="dearer"
        ),
        pytest.param(
            {"stable_prefix_tokens": 145},
            "stability falls by at least 0.025, 0.02 is the most.",
            id="restless",
        ),
        pytest.param(
            {"budget_tokens": 100},
            "200 of 200 prompts do not fit their budget, with the usual settings 0 of 200.",
            id="unfit",
        ),
    ],
)
def test_a_gain_that_costs_what_it_must_not_is_refused(
    changes: dict[str, float], said: str
) -> None:
    changed = many(**{"used_tokens": 200, "stable_prefix_tokens": 150, **changes})
    found = judge_arms(many(), changed)
    assert (found.answer, found.reasons) == (Answer.CONSTRAINT_BROKEN, (said,))
    assert found.arms.gain is not None
    assert found.arms.gain.low > 0.0


def test_constraints_hold_at_their_edges() -> None:
    edges = {"useful": 0.9901, "cost": 104.9, "stable_prefix_tokens": 147, "used_tokens": 200}
    assert judge_arms(many(), many(**edges)).answer is Answer.PROPOSAL


def test_what_chance_may_have_cost_is_no_broken_constraint() -> None:
    """In one session of twenty, prompts cost thrice as much: 10 % more, or none."""
    dear = [*many(10, used_tokens=320, cost=300.0), *many(200, used_tokens=320)[10:]]
    found = judge_arms(many(), dear)
    assert found.arms.cost_rise is not None
    assert found.arms.cost_rise.value == pytest.approx(0.1)
    assert found.answer is Answer.PROPOSAL


def test_arms_without_sessions_have_no_stability() -> None:
    alone = [sent(session=f"q{number}", stable_prefix_tokens=None) for number in range(200)]
    cheaper = [replace(one, used_tokens=300) for one in alone]
    found = judge_arms(alone, cheaper)
    assert found.answer is Answer.PROPOSAL
    assert found.arms.stability_change is None


@pytest.mark.parametrize(
    ("usual", "changed", "said"),
    [
        pytest.param(many(149), many(150), "299 of 300 recalls with feedback", id="recalls"),
        pytest.param(
            many(150),
            many(150, is_judged=False),
            "150 of 300 recalls with feedback: 150 are missing.",
            id="feedback",
        ),
        pytest.param(
            many(300, positives=0),
            [*many(49), *many(60, positives=0)],
            "49 of 50 memories known to be of use: 1 are missing.",
            id="labels",
        ),
        pytest.param(
            many(400), many(45), "9 of 10 sessions with the changed settings", id="sessions"
        ),
        pytest.param([], many(400), "0 of 10 sessions with the usual settings", id="one-arm"),
        pytest.param([], [], "0 of 300 recalls with feedback", id="nothing"),
    ],
)
def test_too_little_is_said_with_what_is_missing(
    usual: list[Sent], changed: list[Sent], said: str
) -> None:
    found = judge_arms(usual, changed)
    assert found.answer is Answer.NOT_ENOUGH
    assert any(one.startswith(said) for one in found.reasons)
    assert found.arms.gain is None


def test_prompts_of_which_nothing_is_said_count_against_their_arm() -> None:
    """Who needs nothing of a prompt says nothing of it; all recalls show that it had nothing."""
    silent = {"useful": 0.0, "positives": 0, "is_judged": False}
    usual = many(300)
    changed = [sent(number, **(silent if number % 5 < 3 else {})) for number in range(300)]
    found = judge_arms(usual, changed)
    assert found.answer is Answer.NO_GAIN
    assert found.arms.gain is not None
    assert found.arms.gain.high < 0.0


def test_two_arms_with_the_same_settings_are_seldom_a_proposal() -> None:
    proposed = 0
    for seed in range(100):
        lots = np.random.default_rng(seed)
        found = judge_arms(drawn(lots, 60), drawn(lots, 60), seed=seed, rounds=ROUNDS)
        proposed += found.answer is Answer.PROPOSAL
    assert proposed <= 100 / 20


def test_intervals_hold_a_true_gain_about_as_often_as_they_say() -> None:
    truth = 1000.0 * (0.9 / 800.0 - 0.5 / 800.0)
    held, proposed, runs = 0, 0, 100
    for seed in range(runs):
        lots = np.random.default_rng(seed)
        found = judge_arms(drawn(lots, 60), drawn(lots, 60, useful=0.9), seed=seed, rounds=ROUNDS)
        assert found.arms.gain is not None
        held += found.arms.gain.low <= truth <= found.arms.gain.high
        proposed += found.answer is Answer.PROPOSAL
    assert 0.88 <= held / runs <= 0.99
    assert proposed / runs > 0.9


def test_turns_of_a_session_do_not_count_as_so_many_sessions() -> None:
    """As sessions of one the same recalls have a narrower interval: it says more than it knows."""
    lots = np.random.default_rng(3)
    usual, changed = drawn(lots, 40), drawn(lots, 40)
    alone = [
        [replace(one, session=str(place)) for place, one in enumerate(arm)]
        for arm in (usual, changed)
    ]
    whole, cut = judge_arms(usual, changed).arms.gain, judge_arms(*alone).arms.gain
    assert whole is not None
    assert cut is not None
    assert whole.high - whole.low > cut.high - cut.low


def test_equal_seeds_give_equal_verdicts() -> None:
    lots = np.random.default_rng(4)
    usual, changed = drawn(lots), drawn(lots)
    assert judge_arms(usual, changed, seed=7) == judge_arms(usual, changed, seed=7)
    assert judge_arms(usual, changed, seed=7) != judge_arms(usual, changed, seed=8)
