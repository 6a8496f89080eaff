"""A workspace that is wrong on purpose is mended; what has nothing to mend is left alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.tuning_traffic import following, traffic, with_shuffled_labels, wrong_config
from mba_integrations.core.config.workspace import WorkspaceConfig
from mba_integrations.core.errors import InputError
from mba_integrations.learning.gate import verdict
from mba_integrations.learning.gate.comparison import compare, side_of
from mba_integrations.learning.gate.verdict import Answer
from mba_integrations.learning.tuning.bench import Bench
from mba_integrations.learning.tuning.space import shipped
from mba_integrations.learning.tuning.studies import Studies
from mba_integrations.learning.tuning.tune import FIXED_BUDGET, SHIPPED, Tuned, tune

pytest.importorskip("optuna")
TRIALS = 5  # what mends the workspace is the second, the shipped settings


@pytest.fixture(scope="module")
def mended() -> Tuned:
    return tune(traffic(300), wrong_config(), trials=TRIALS)


def test_a_workspace_that_is_wrong_on_purpose_is_mended(mended: Tuned) -> None:
    found = mended.verdict.comparison
    assert mended.verdict.answer is Answer.PROPOSAL
    assert found is not None
    assert found.before.evidence < 0.2 < 0.9 < found.after.evidence
    assert found.after.mean_cost <= found.before.mean_cost * 1.05
    assert (mended.trained_on, mended.tested_on, mended.trials) == (180, 120, TRIALS)
    assert mended.verdict.beside.keys() == {SHIPPED, FIXED_BUDGET}


def test_the_gain_on_other_traffic_is_within_the_interval(mended: Tuned) -> None:
    bench, fresh = Bench(), traffic(100, seed=77)
    found = compare(bench.outcomes(fresh, wrong_config()), bench.outcomes(fresh, mended.config))
    assert mended.verdict.comparison is not None
    gain = mended.verdict.comparison.gain
    assert gain.low <= found.gain.value <= gain.high


def test_changes_lead_from_the_settings_of_now_to_the_proposed_ones(mended: Tuned) -> None:
    assert wrong_config().with_changes(**mended.changes) == mended.config


def test_settings_better_than_the_shipped_ones_are_found_from_those(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(verdict, "LEAST_ALLOCATIONS", 120)
    found = tune(traffic(120, per_session=4), WorkspaceConfig(workspace_id="kate"), trials=8)
    comparison = found.verdict.comparison
    assert comparison is not None
    assert found.verdict.answer is Answer.PROPOSAL, found.verdict.reasons
    assert found.verdict.beside[SHIPPED].gain == comparison.gain
    assert comparison.after.evidence == comparison.before.evidence == 1.0
    assert comparison.after.mean_used_tokens < comparison.before.mean_used_tokens / 2


def test_a_prompt_that_follows_the_question_costs_more_than_one_that_never_changes() -> None:
    turns = following(traffic(40))
    fresh = shipped(wrong_config()).with_changes(stability=0.0)
    same, other = (side_of(Bench().outcomes(turns, one)) for one in (wrong_config(), fresh))
    assert (same.evidence, same.stability, other.evidence) == (0.0, 1.0, 1.0)
    assert other.stability is not None
    assert other.stability < 0.5
    assert other.mean_cost > 2 * same.mean_cost


def test_labels_that_are_shuffled_give_no_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "LEAST_ALLOCATIONS", 120)  # with fewer, chance does more
    records = with_shuffled_labels(traffic(120, per_session=4), 5)
    found = tune(records, wrong_config(), trials=5)
    assert found.verdict.comparison is not None
    assert found.verdict.answer is not Answer.PROPOSAL


def test_too_little_is_said_before_anything_is_tried(tmp_path: Path) -> None:
    found = tune(traffic(299), wrong_config(), studies_url=f"sqlite:///{tmp_path}/studies.db")
    assert found.verdict.answer is Answer.NOT_ENOUGH
    assert (found.changes, found.trials) == ({}, 0)
    assert not list(tmp_path.iterdir())


def test_nothing_at_all_is_not_enough() -> None:
    found = tune([], wrong_config())
    assert len(found.verdict.reasons) == 3


def test_records_without_texts_are_left_out() -> None:
    numbers = [replace(one, query=None, candidates=(), numbers={}) for one in traffic(20)]
    found = tune(numbers, wrong_config())
    assert (found.without_texts, found.trained_on) == (20, 0)


def test_a_counter_of_ones_own_cannot_go_to_workers() -> None:
    with pytest.raises(InputError, match="workers to 0"):
        tune([], wrong_config(), workers=2, token_counter=len)


def test_an_interrupted_study_goes_on_and_is_dropped_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(verdict, "LEAST_ALLOCATIONS", 80)
    url = f"sqlite:///{tmp_path}/studies.db"
    told: list[float] = []

    def stop(done: float) -> None:
        told.append(done)
        if len(told) == 3:
            raise KeyboardInterrupt

    records = traffic(80, per_session=3)
    with pytest.raises(KeyboardInterrupt):
        tune(records, wrong_config(), trials=4, studies_url=url, told=stop)
    with Studies(url) as studies:
        assert studies.completed("tuning") == 3
    told.clear()
    tune(records, wrong_config(), trials=4, studies_url=url, told=told.append)
    assert told == [1.0]
    with Studies(url) as studies:
        assert studies.completed("tuning") == 0
