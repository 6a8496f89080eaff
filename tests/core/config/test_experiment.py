"""An experiment deals sessions out to two arms: by a hash, in shares, and with checked settings."""

from __future__ import annotations

import json
import math
import pickle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace_settings import make, refused

from mba_integrations.core.config.learned.experiment import NOT_DEALT, ExperimentSettings
from mba_integrations.core.config.workspace import WorkspaceConfig

KEYS = [f"session-{number}" for number in range(2_000)]
ORDER = ["rag", "project", "working", "long_term"]


def experiment(**values: Any) -> ExperimentSettings:
    return ExperimentSettings(**{"id": "e1", "changes": {"stability": 0.9}, **values})


@given(share=st.floats(0.05, 0.95), name=st.text(min_size=1, max_size=9))
def test_about_the_share_of_the_sessions_is_changed(share: float, name: str) -> None:
    found = sum(experiment(id=name, share=share).is_changed(key) for key in KEYS) / len(KEYS)
    five_deviations = 5.0 * math.sqrt(share * (1.0 - share) / len(KEYS))
    assert abs(found - share) < five_deviations


@given(key=st.text(), low=st.floats(0.01, 0.5), more=st.floats(0.0, 0.49))
def test_who_is_changed_by_a_small_share_is_by_a_larger_one(
    key: str, low: float, more: float
) -> None:
    assert experiment(share=low).is_changed(key) <= experiment(share=low + more).is_changed(key)


def test_another_experiment_deals_anew() -> None:
    one = [experiment().is_changed(key) for key in KEYS]
    other = [experiment(id="e2").is_changed(key) for key in KEYS]
    same = sum(first == second for first, second in zip(one, other, strict=True))
    assert 0.45 < same / len(KEYS) < 0.55


def test_a_session_has_the_settings_of_its_arm_and_no_experiment() -> None:
    config = make(token_price=0.1, experiment={"id": "e1", "changes": {"stability": 0.9}})
    assert config.usual == make(token_price=0.1)
    for key in KEYS[:50]:
        changed = experiment().is_changed(key)
        assert config.dealt(key) == make(token_price=0.1, stability=0.9 if changed else 0.7)
        assert config.dealt(key) is config.dealt(key)
        assert config.dealt(key).dealt(key) is config.dealt(key)


def test_without_an_experiment_all_sessions_have_the_settings_themselves() -> None:
    config = make()
    assert config.dealt("ann") is config
    assert config.usual is config


def test_other_changes_reach_both_arms_and_the_experiment_is_taken_out_by_none() -> None:
    config = make(experiment={"id": "e1", "changes": {"stability": 0.9}})
    changed = config.with_changes(token_price=0.1)
    assert {one.token_price for one in map(changed.dealt, KEYS[:20])} == {0.1}
    assert changed.with_changes(experiment=None) == make(token_price=0.1)


def test_changes_of_a_group_leave_the_rest_of_it() -> None:
    config = make(
        rendering={"format": "xml"},
        experiment={"id": "e1", "changes": {"rendering": {"section_order": ORDER}}},
    )
    rendering = config.dealt("ann").rendering
    assert (rendering.format, rendering.section_order) == ("xml", tuple(ORDER))


def test_settings_with_an_experiment_are_the_same_after_they_were_stored() -> None:
    changes = {
        "half_life_days": math.inf,
        "tier_half_life_days": {"rag": math.inf},
        "rendering": {"section_order": ORDER},
    }
    config = make(experiment={"id": "e1", "changes": changes})
    stored = WorkspaceConfig(**json.loads(config.model_dump_json()))
    for one in (stored, pickle.loads(pickle.dumps(config))):
        assert (one, hash(one)) == (config, hash(config))
        assert one.dealt("ann").half_life_days == math.inf
        assert one.dealt("ann").rendering.section_order == tuple(ORDER)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        pytest.param(
            {"changes": {"stabilty": 0.9}},
            "experiment.changes.stabilty: no such setting. Did you mean 'stability'?",
            id="unknown",
        ),
        pytest.param(
            {"changes": {"stability": 2}},
            "experiment.changes.stability: must be at most 1, got 2.",
            id="out-of-range",
        ),
        pytest.param(
            {"changes": {"rag_memory_pct": 0.35}},
            "experiment.changes: shares sum to 1.1, must sum to 1.0. Lower rag_memory_pct (0.35) "
            "by 0.1.",
            id="contradiction",
        ),
        pytest.param(
            {"changes": {}},
            "experiment.changes: must name a setting at least, got {}.",
            id="nothing",
        ),
        pytest.param(
            {"changes": {"stability": math.nan}},
            "experiment.changes.stability: must be finite, got nan.",
            id="nan",
        ),
        pytest.param(
            {"share": 1.0}, "experiment.share: must be below 1, got 1.0.", id="all-sessions"
        ),
        pytest.param({"share": 0}, "experiment.share: must be above 0, got 0.", id="no-session"),
        pytest.param({"id": ""}, "experiment.id: must not be empty, got ''.", id="no-id"),
    ],
)
def test_an_experiment_that_cannot_be_is_refused(values: dict[str, Any], said: str) -> None:
    given = {"id": "e1", "changes": {"stability": 0.9}, **values}
    assert refused(experiment=given) == (said,)


@pytest.mark.parametrize("name", sorted(NOT_DEALT))
def test_what_chooses_nothing_or_measures_both_arms_cannot_differ(name: str) -> None:
    [said] = refused(experiment={"id": "e1", "changes": {name: "x"}})
    assert f"experiment.changes: must not have '{name}', which is the same for all" in said


def test_what_json_cannot_hold_is_refused() -> None:
    [said] = refused(experiment={"id": "e1", "changes": {"stability": object()}})
    assert "must be settings that JSON can hold" in said
