"""Settings in Python: what is accepted, what is refused and in which words; nothing changes."""

from __future__ import annotations

import math
import pickle
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel
from workspace_settings import make, refused

from mba_integrations.core.config.gateway_settings import GatewaySettings
from mba_integrations.core.config.group import SettingsGroup
from mba_integrations.core.config.learned.coefficients import UsefulnessSettings
from mba_integrations.core.config.problems import InvalidSettingsError, SettingProblem, shown
from mba_integrations.core.config.settings import (
    MOST_TOKENS,
    CachingSettings,
    ComplexitySettings,
    CountingSettings,
    ItemOrder,
    LoggingSettings,
    PerformanceSettings,
    PromotionSettings,
    PromptFormat,
    RenderingSettings,
    ScoringMethod,
)
from mba_integrations.core.config.workspace import (
    SHARE_FIELDS,
    InvalidWorkspaceError,
    WorkspaceConfig,
)
from mba_integrations.core.errors import ConfigError, MemoryBudgetError
from mba_integrations.core.model import MemoryTier, QueryComplexity

GROUPS: list[type[SettingsGroup]] = [
    WorkspaceConfig,
    CachingSettings,
    ComplexitySettings,
    CountingSettings,
    GatewaySettings,
    LoggingSettings,
    PerformanceSettings,
    PromotionSettings,
    RenderingSettings,
    UsefulnessSettings,
]


def settings_of(kind: type) -> Iterator[tuple[type[SettingsGroup], str]]:
    """Group and name of every setting that is a single value of this kind."""
    for group in GROUPS:
        for name, field in group.model_fields.items():
            if field.annotation is kind:
                yield group, name


def required(group: type[SettingsGroup]) -> dict[str, Any]:
    return {name: "w" for name, field in group.model_fields.items() if field.is_required()}


def rules(group: type[SettingsGroup], name: str, value: object) -> list[str]:
    """What is said of one setting."""
    with pytest.raises(InvalidSettingsError) as caught:
        group(**{**required(group), name: value})
    return [problem.rule for problem in caught.value.problems if problem.path == (name,)]


# Kinds of values.


@pytest.mark.parametrize("value", ["1", True, None, [1], "x"], ids=repr)
@pytest.mark.parametrize(
    ("group", "name"),
    [*settings_of(int), *settings_of(float)],
    ids=lambda part: getattr(part, "__name__", part),
)
def test_no_number_is_read_from_anything_else(
    group: type[SettingsGroup], name: str, value: object
) -> None:
    assert rules(group, name, value) in (["must be an integer"], ["must be a number"])


@pytest.mark.parametrize("value", [1, 0, "yes", "true", None], ids=repr)
@pytest.mark.parametrize(
    ("group", "name"), [*settings_of(bool)], ids=lambda part: getattr(part, "__name__", part)
)
def test_no_truth_value_is_read_from_anything_else(
    group: type[SettingsGroup], name: str, value: object
) -> None:
    assert rules(group, name, value) == ["must be true or false"]


@pytest.mark.parametrize("value", [1, True, b"w", ["w"]], ids=repr)
@pytest.mark.parametrize(
    ("group", "name"), [*settings_of(str)], ids=lambda part: getattr(part, "__name__", part)
)
def test_no_text_is_read_from_anything_else(
    group: type[SettingsGroup], name: str, value: object
) -> None:
    assert rules(group, name, value) == ["must be text"]


@pytest.mark.parametrize("value", [math.nan, -math.inf, -1, -1.0], ids=repr)
@pytest.mark.parametrize(
    ("group", "name"), [*settings_of(float)], ids=lambda part: getattr(part, "__name__", part)
)
def test_no_setting_takes_what_is_not_finite_or_below_zero(
    group: type[SettingsGroup], name: str, value: float
) -> None:
    assert rules(group, name, value)


def test_whole_numbers_stand_for_real_ones_and_names_for_members() -> None:
    config = make(
        min_score=1,
        half_life_days=np.float64(3.0),
        scoring_method="product",
        tier_cap_tokens={"rag": 5},
        complexity_multipliers={"simple": 1, QueryComplexity.EXPERT: {"rag": 0.5}},
        rendering={"format": "xml", "section_order": ["rag", "working", "project", "long_term"]},
    )
    assert (config.min_score, config.half_life_days) == (1.0, 3.0)
    assert config.scoring_method is ScoringMethod.PRODUCT
    assert config.tier_cap_tokens == {MemoryTier.RAG: 5}
    assert config.rendering.format is PromptFormat.XML
    assert config.rendering.section_order[0] is MemoryTier.RAG
    assert config.multiplier(QueryComplexity.SIMPLE, MemoryTier.WORKING) == 1.0
    assert config.multiplier(QueryComplexity.EXPERT, MemoryTier.RAG) == 0.5
    assert config.multiplier(QueryComplexity.EXPERT, MemoryTier.WORKING) == 1.0
    assert config.multiplier(QueryComplexity.MEDIUM, MemoryTier.RAG) == 1.0


@pytest.mark.parametrize("value", ["infinite", "inf", ".inf", " Infinity ", math.inf], ids=repr)
def test_half_lives_may_be_infinite(value: object) -> None:
    config = make(half_life_days=value, tier_half_life_days={"rag": value})
    assert config.half_life_days == config.tier_half_life(MemoryTier.RAG) == math.inf
    promotion = PromotionSettings(recency_half_life_days=value)
    assert promotion.recency_half_life_days == math.inf


def test_half_life_of_a_tier_wins_over_that_of_the_workspace() -> None:
    config = make(half_life_days=3, tier_half_life_days={"rag": 5})
    assert [config.tier_half_life(tier) for tier in MemoryTier] == [3, 3, 3, 5]


@pytest.mark.parametrize(
    ("values", "accepted"),
    [
        pytest.param({"max_total_tokens": 1}, True, id="one-token"),
        pytest.param({"max_total_tokens": 0}, False, id="no-token"),
        pytest.param({"max_total_tokens": MOST_TOKENS}, True, id="most-tokens"),
        pytest.param({"max_total_tokens": MOST_TOKENS + 1}, False, id="more-than-most-tokens"),
        pytest.param({"reserved_tokens": 8191}, True, id="reserve-leaves-one"),
        pytest.param({"reserved_tokens": 8192}, False, id="reserve-leaves-none"),
        pytest.param({"rag_memory_pct": 0.25 + 9e-7}, True, id="shares-within-tolerance"),
        pytest.param({"rag_memory_pct": 0.25 + 2e-6}, False, id="shares-beyond-tolerance"),
        pytest.param({"freshness_weight": 0.1 - 9e-7}, True, id="weights-within-tolerance"),
        pytest.param({"freshness_weight": 0.1 - 2e-6}, False, id="weights-beyond-tolerance"),
        pytest.param({"complexity_multipliers": {"simple": 1}}, True, id="multiplier-of-one"),
        pytest.param({"complexity_multipliers": {"simple": 0}}, False, id="multiplier-of-zero"),
        pytest.param({"tier_floor_tokens": {"rag": 8192}}, True, id="floor-is-all"),
        pytest.param({"tier_floor_tokens": {"rag": 8193}}, False, id="floor-is-more-than-all"),
        pytest.param(
            {"tier_floor_tokens": {"rag": 5}, "tier_cap_tokens": {"rag": 5}},
            True,
            id="floor-is-cap",
        ),
        pytest.param(
            {"tier_floor_tokens": {"rag": 6}, "tier_cap_tokens": {"rag": 5}},
            False,
            id="floor-above-cap",
        ),
    ],
)
def test_bounds_are_where_they_are_said_to_be(values: dict[str, Any], accepted: bool) -> None:
    if accepted:
        assert make(**values)
    else:
        assert refused(**values)


# Words.


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(
            {"max_total_tokens": "5"},
            ["max_total_tokens: must be an integer, got '5'. Remove the quotes."],
            id="quoted",
        ),
        pytest.param(
            {"half_live_days": 3},
            ["half_live_days: no such setting. Did you mean 'half_life_days'?"],
            id="near-name",
        ),
        pytest.param(
            {"counting": {"zzz": 3}},
            ["counting.zzz: no such setting. Known are: model, cache_entries."],
            id="far-name",
        ),
        pytest.param(
            {"rag_memory_pct": 0.3},
            ["shares sum to 1.05, must sum to 1.0. Lower working_memory_pct (0.3) by 0.05."],
            id="shares",
        ),
        pytest.param(
            {"rag_memory_pct": 1.0, "project_memory_pct": 1.0},
            ["shares sum to 2.55, must sum to 1.0. Divide each by their sum."],
            id="shares-that-no-single-one-can-mend",
        ),
        pytest.param(
            {"complexity_multipliers": {"simple": "x"}},
            [
                "complexity_multipliers.simple: must be a number, or a mapping of tiers to "
                "numbers, got 'x'."
            ],
            id="one-problem-for-a-choice-of-forms",
        ),
        pytest.param(
            {"complexity_multipliers": {"simple": {"rag": 2}}},
            ["complexity_multipliers.simple.rag: must be at most 1, got 2."],
            id="within-one-form",
        ),
        pytest.param(
            {"rendering": {"line_templates": {"rag": "{body}"}}},
            [
                "rendering.line_templates.rag: has no placeholder {body}; known are {text}, "
                "{speaker}, {date}, {source}, {citation}, {id}, got '{body}'."
            ],
            id="rule-of-our-own",
        ),
        pytest.param(
            {"logging": {1: 2}}, ["the names of settings must be text."], id="name-that-is-no-text"
        ),
        pytest.param(
            {"promotion": {"promote_threshold": 0.1}},
            ["promotion: demote_threshold (0.3) must be below promote_threshold (0.1)."],
            id="contradiction-within-a-group",
        ),
        pytest.param(
            {
                "max_tokens": 1,
                "reserved_tokens": -1,
                "min_score": None,
                "rag_memory_pct": 0.3,
                "freshness_weight": 0.25,
                "logging": {"max_records": 0, "path": 3},
            },
            [
                "reserved_tokens: must be at least 0, got -1.",
                "min_score: must be a number, got null.",
                "logging.max_records: must be at least 1, got 0.",
                "logging.path: must be text, got 3.",
                "max_tokens: no such setting. Did you mean 'max_total_tokens'?",
                "shares sum to 1.05, must sum to 1.0. Lower working_memory_pct (0.3) by 0.05.",
                "relevance_weight, importance_weight and freshness_weight sum to 1.15, must sum to "
                "1.0. Lower relevance_weight (0.7) by 0.15.",
            ],
            id="all-at-once",
        ),
    ],
)
def test_refusal_says_what_was_received_and_what_must_hold(
    values: dict[str, Any], expected: list[str]
) -> None:
    assert list(refused(**values)) == expected


def test_contradiction_with_an_invalid_setting_is_not_guessed() -> None:
    assert refused(rag_memory_pct="0.3", working_memory_pct=0.9) == (
        "rag_memory_pct: must be a number, got '0.3'. Remove the quotes.",
    )


def test_refusal_names_the_workspace_and_carries_the_problems() -> None:
    with pytest.raises(InvalidWorkspaceError) as caught:
        make(workspace_id="notes", max_total_tokens=0, zzz=1)
    error = caught.value
    assert str(error).startswith("workspace 'notes': max_total_tokens: must be at least 1, got 0. ")
    assert (error.key, error.value) == ("max_total_tokens", 0)
    assert [problem.path for problem in error.problems] == [("max_total_tokens",), ("zzz",)]
    assert [problem.unknown for problem in error.problems] == [False, True]
    assert isinstance(error, ConfigError)
    assert isinstance(error, MemoryBudgetError)
    assert isinstance(error, ValueError)


def test_workspace_needs_an_id() -> None:
    with pytest.raises(InvalidWorkspaceError, match=r"^workspace: workspace_id: is required\.$"):
        WorkspaceConfig()
    assert refused(workspace_id="") == ("workspace_id: must not be empty, got ''.",)
    with pytest.raises(InvalidWorkspaceError) as caught:
        WorkspaceConfig(rag_memory_pct=0.3)
    assert len(caught.value.problems) == 2


def test_group_on_its_own_is_refused_as_a_settings_error() -> None:
    with pytest.raises(InvalidSettingsError, match=r"^LoggingSettings: max_records: must be at"):
        LoggingSettings(max_records=0)


def test_refusal_survives_pickling() -> None:
    with pytest.raises(InvalidWorkspaceError) as caught:
        make(max_total_tokens=0)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (InvalidWorkspaceError, str(caught.value))
    assert again.problems == caught.value.problems


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "null"),
        (True, "true"),
        ("a\nb", r"'a\nb'"),
        (10**400, "an integer of 1,329 bits"),
        ("x" * 10**6, "'" + "x" * 76 + "..."),
    ],
    ids=["none", "truth-value", "line-break", "huge-number", "long-text"],
)
def test_values_are_shown_on_one_short_line(value: object, expected: str) -> None:
    assert shown(value) == expected


def test_problem_of_a_group_as_a_whole_shows_no_value() -> None:
    assert str(SettingProblem(path=("a", "b"), rule="must sum to 1")) == "a.b: must sum to 1."


# Single settings.


@pytest.mark.parametrize(
    ("group", "values", "rule"),
    [
        pytest.param(RenderingSettings, {"line_templates": {"rag": "x"}}, "{text}", id="no-text"),
        pytest.param(
            RenderingSettings, {"line_templates": {"rag": "{text} {text}"}}, "once", id="text-twice"
        ),
        pytest.param(
            RenderingSettings, {"line_templates": {"rag": "{text}\n"}}, "one line", id="two-lines"
        ),
        pytest.param(
            RenderingSettings, {"section_titles": {"rag": " "}}, "one line", id="empty-title"
        ),
        pytest.param(
            RenderingSettings, {"section_order": ["rag"] * 4}, "each tier once", id="same-tier"
        ),
        pytest.param(LoggingSettings, {"path": ""}, "must name a file", id="no-path"),
        pytest.param(LoggingSettings, {"path": "a\0b"}, "must name a file", id="nul-in-a-path"),
    ],
)
def test_setting_with_a_rule_of_its_own_is_refused(
    group: type[SettingsGroup], values: dict[str, Any], rule: str
) -> None:
    with pytest.raises(InvalidSettingsError, match=rule):
        group(**values)


def test_rendering_has_a_default_for_every_tier() -> None:
    rendering = RenderingSettings(section_titles={"rag": " Texts "})
    assert rendering.title_of(MemoryTier.RAG) == "Texts"
    assert rendering.title_of(MemoryTier.LONG_TERM) == "Long term"
    assert rendering.template_of(MemoryTier.RAG) == "{text}"
    assert rendering.order_of(MemoryTier.RAG) is ItemOrder.VALUE
    assert RenderingSettings().order_of(MemoryTier.WORKING) is ItemOrder.CHRONOLOGICAL


def test_shares_are_found_by_tier() -> None:
    assert set(SHARE_FIELDS) == set(MemoryTier)
    config = make()
    assert [config.share(tier) for tier in MemoryTier] == [0.3, 0.2, 0.25, 0.25]


def test_every_group_is_tested() -> None:
    nested = [field.annotation for field in WorkspaceConfig.model_fields.values()]
    groups = [kind for kind in nested if isinstance(kind, type) and issubclass(kind, BaseModel)]
    assert set(groups) == set(GROUPS) - {WorkspaceConfig}
