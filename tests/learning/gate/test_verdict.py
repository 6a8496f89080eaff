"""What the gate answers: a proposal, no gain, not enough, or the constraint that broke."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from outcomes import Traffic, outcome, outcomes, with_changes

from mba_integrations.core.errors import InputError
from mba_integrations.learning.gate.outcomes import Outcome
from mba_integrations.learning.gate.verdict import Answer, Known, Verdict, judge

ENOUGH = Known(allocations=400, positives=400)


def answer_of(now: list[Outcome], tried: list[Outcome], **options: Any) -> Verdict:
    return judge(now, tried, known=ENOUGH, **options)


def test_the_same_evidence_with_fewer_tokens_is_proposed() -> None:
    found = answer_of(outcomes(200), outcomes(200, used_tokens=400, cost=400.0))
    assert found.answer is Answer.PROPOSAL
    assert found.comparison is not None
    assert found.comparison.gain.value == pytest.approx(1 / 0.4 - 1 / 0.5)
    assert found.comparison.evidence_points.value == 0.0
    json.dumps(found.to_dict())


def test_more_evidence_with_the_same_tokens_is_proposed() -> None:
    assert answer_of(outcomes(200, kept=0.5), outcomes(200)).answer is Answer.PROPOSAL


def test_the_same_again_is_no_gain() -> None:
    found = answer_of(outcomes(200), outcomes(200))
    assert found.answer is Answer.NO_GAIN
    assert "+0.000" in found.reasons[0]


def test_a_gain_in_one_session_of_many_is_no_gain() -> None:
    better = [*outcomes(10, used_tokens=250), *outcomes(200)[10:]]
    assert answer_of(outcomes(200), better).answer is Answer.NO_GAIN


@pytest.mark.parametrize(
    ("known", "count", "said"),
    [
        pytest.param(Known(allocations=299, positives=50), 200, "299 of 300 alloc", id="few"),
        pytest.param(Known(allocations=300, positives=49), 200, "49 of 50 memo", id="few-labels"),
        pytest.param(Known(allocations=300, positives=50), 90, "9 of 10 newer", id="few-sessions"),
        pytest.param(Known(allocations=0, positives=0), 0, "0 of 300 alloc", id="nothing"),
    ],
)
def test_too_little_is_said_with_what_is_missing(known: Known, count: int, said: str) -> None:
    found = judge(outcomes(count), outcomes(count, used_tokens=1), known=known)
    assert found.answer is Answer.NOT_ENOUGH
    assert found.comparison is None
    assert any(one.startswith(said) and "missing" in one for one in found.reasons)


def test_exactly_enough_is_enough() -> None:
    found = judge(outcomes(100), outcomes(100), known=Known(allocations=300, positives=50))
    assert found.answer is Answer.NO_GAIN


BETTER = {"used_tokens": 300, "cost": 300.0, "stable_prefix_tokens": 240}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"cost": 525.0}, None, id="five-percent-dearer-is-kept"),
        pytest.param({"cost": 526.0}, "costs 526.0", id="dearer-than-that"),
        pytest.param({"kept": 0.991}, None, id="a-little-less-evidence-is-kept"),
        pytest.param({"kept": 0.98}, "loses 2.0 points", id="two-points-lost"),
        pytest.param({"stable_prefix_tokens": 234}, None, id="stability-at-its-edge"),
        pytest.param({"stable_prefix_tokens": 231}, "stability is 0.770", id="less-stable"),
        pytest.param({"budget_tokens": 299}, "200 prompts do not fit", id="over-budget"),
        pytest.param({"problem": "pins"}, "200 prompts do not fit", id="no-prompt"),
    ],
)
def test_each_constraint_breaks_a_gain(changes: dict[str, Any], said: str | None) -> None:
    found = answer_of(outcomes(200), outcomes(200, **{**BETTER, **changes}))
    if said is None:
        assert found.answer is Answer.PROPOSAL
    else:
        assert found.answer is Answer.CONSTRAINT_BROKEN
        assert said in " ".join(found.reasons)


def test_one_workspace_that_loses_breaks_the_gain_of_all() -> None:
    now = [*outcomes(200), *with_changes(outcomes(50), workspace_id="ben")]
    tried = [*outcomes(200, **BETTER), *with_changes(outcomes(50, kept=0.9), workspace_id="ben")]
    found = answer_of(now, tried)
    assert found.answer is Answer.CONSTRAINT_BROKEN
    assert found.reasons == ("workspace 'ben' loses 10.0 points of the evidence, 1 is the most.",)


def test_others_are_reported_beside() -> None:
    found = answer_of(
        outcomes(200), outcomes(200, **BETTER), beside={"shipped": outcomes(200, kept=0.5)}
    )
    assert found.beside["shipped"].evidence_points.value == pytest.approx(50.0)


def test_prompts_that_follow_nothing_say_nothing_on_stability() -> None:
    found = answer_of(
        outcomes(200, stable_prefix_tokens=None),
        outcomes(200, **{**BETTER, "stable_prefix_tokens": None}),
    )
    assert found.answer is Answer.PROPOSAL
    assert found.comparison is not None
    assert found.comparison.after.stability is None


@pytest.mark.parametrize(
    "tried",
    [
        pytest.param(outcomes(199), id="one-is-missing"),
        pytest.param([*outcomes(199), outcome(7)], id="one-twice"),
        pytest.param(outcomes(200, needed=2.0), id="another-need"),
    ],
)
def test_other_allocations_are_refused(tried: list[Outcome]) -> None:
    with pytest.raises(InputError, match="same allocations"):
        answer_of(outcomes(200), tried)


@pytest.mark.parametrize(
    "changes",
    [{"kept": 1.5}, {"needed": -1.0}, {"cost": float("nan")}, {"used_tokens": -1}],
    ids=str,
)
def test_an_impossible_outcome_is_refused(changes: dict[str, float]) -> None:
    with pytest.raises(InputError):
        replace(outcome(), **changes)


def proven(traffic: Traffic, seed: int) -> bool:
    now, tried = traffic.outcomes(traffic.now), traffic.outcomes(traffic.tried)
    known = Known(allocations=len(now), positives=sum(one.positives for one in now))
    return judge(now, tried, known=known, seed=seed, rounds=1000).answer is Answer.PROPOSAL


def test_better_settings_are_found_on_true_labels() -> None:
    assert sum(proven(Traffic(seed, skill=0.7), seed) for seed in range(20)) == 20


def test_shuffled_labels_are_refused() -> None:
    accepted = 0
    for seed in range(20):
        traffic = Traffic(seed, skill=0.7)
        traffic.with_shuffled_labels(1000 + seed)
        accepted += proven(traffic, seed)
    assert accepted <= 1
