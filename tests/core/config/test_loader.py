"""Settings files: the shipped one, each setting at its place, what is loaded and written."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from repository import ROOT

from mba_integrations.core.config.file_shape import PLACES, WORKSPACE_KEYS
from mba_integrations.core.config.gateway_settings import (
    Inject,
    ModelPrice,
    OnError,
    Routing,
    SpendBudget,
)
from mba_integrations.core.config.learned.coefficients import (
    ComplexityCoefficients,
    UsefulnessCoefficients,
)
from mba_integrations.core.config.learned.experiment import ExperimentSettings
from mba_integrations.core.config.loader import MemoryBudgetConfigLoader
from mba_integrations.core.config.settings import (
    INFINITE,
    CountingSettings,
    ItemOrder,
    LoggingSettings,
    PerformanceSettings,
    PromptFormat,
    ScoringMethod,
)
from mba_integrations.core.config.workspace import WEIGHT_FIELDS, WorkspaceConfig
from mba_integrations.core.errors import ConfigFileError, UnknownWorkspaceError
from mba_integrations.core.model import MemoryTier, QueryComplexity

SHIPPED = ROOT / "configs" / "memory-budget.yaml"
load = MemoryBudgetConfigLoader.load_from_yaml


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.yaml"


def workspace(file: Path, body: str) -> WorkspaceConfig:
    """The workspace `a` with a body in flow style."""
    file.write_text(f"workspaces:\n  a: {body}\n", encoding="utf-8")
    return load(file)["a"]


# The shipped file.


def test_shipped_file_has_the_six_workspaces_with_their_ceilings() -> None:
    ceilings = {name: config.max_total_tokens for name, config in load(SHIPPED).items()}
    assert ceilings == {
        "default": 8192,
        "development": 4096,
        "research": 16384,
        "production": 6144,
        "conversation": 4096,
        "code_analysis": 12288,
    }


@pytest.mark.parametrize(("name", "config"), load(SHIPPED).items(), ids=load(SHIPPED))
def test_shipped_workspace_is_complete(name: str, config: WorkspaceConfig) -> None:
    written = yaml.safe_load(SHIPPED.read_text(encoding="utf-8"))["workspaces"][name]
    assert config.workspace_id == name
    assert config.description.endswith(".")
    assert sum(config.share(tier) for tier in MemoryTier) == pytest.approx(1.0)
    assert sum(getattr(config, weight) for weight in WEIGHT_FIELDS) == pytest.approx(1.0)
    assert set(config.complexity_multipliers) == set(QueryComplexity)
    assert set(written["tier_allocation"]) == set(MemoryTier)
    assert {"method", *WEIGHT_FIELDS, "half_life_days", "min_score"} <= set(written["scoring"])
    assert {"promote_threshold", "demote_threshold"} <= set(written["promotion"])


@pytest.mark.parametrize("config", load(SHIPPED).values(), ids=load(SHIPPED))
def test_decisions_about_the_project_do_not_age_in_shipped_workspaces(
    config: WorkspaceConfig,
) -> None:
    assert config.tier_half_life(MemoryTier.PROJECT) == float("inf")
    assert config.freshness_weight <= 0.15
    assert config.half_life_days >= 90


def test_shipped_workspaces_put_first_what_their_use_needs() -> None:
    shipped = load(SHIPPED)
    largest = {name: max(MemoryTier, key=config.share) for name, config in shipped.items()}
    assert largest["development"] is MemoryTier.WORKING
    assert largest["conversation"] is MemoryTier.WORKING
    assert largest["research"] is MemoryTier.RAG
    assert largest["code_analysis"] is MemoryTier.RAG


def test_comments_of_the_shipped_file_show_every_key_of_a_workspace() -> None:
    text = SHIPPED.read_text(encoding="utf-8")
    comment = "\n".join(line for line in text.splitlines() if line.startswith("#"))
    keys = {*WORKSPACE_KEYS, *(key for place in PLACES.values() for key in place)}
    missing = [key for key in keys if not re.search(rf"\b{key}\b", comment)]
    assert not missing


def test_shipped_file_is_found_from_the_package() -> None:
    assert MemoryBudgetConfigLoader.shipped_path().read_bytes() == SHIPPED.read_bytes()
    assert MemoryBudgetConfigLoader.load_shipped() == load(SHIPPED)


def test_settings_of_the_whole_file_are_given_on_their_own() -> None:
    counting = MemoryBudgetConfigLoader.load_counting_settings(SHIPPED)
    logging = MemoryBudgetConfigLoader.load_logging_settings(SHIPPED)
    performance = MemoryBudgetConfigLoader.load_performance_settings(SHIPPED)
    assert isinstance(counting, CountingSettings)
    assert isinstance(logging, LoggingSettings)
    assert isinstance(performance, PerformanceSettings)
    everything = MemoryBudgetConfigLoader.load_all(SHIPPED)
    assert (everything.counting, everything.logging) == (counting, logging)
    assert everything.performance == performance
    assert everything.workspaces == load(SHIPPED)


# Every setting.

# Where a setting stands in the body of a workspace, a value other than its default, and what it
# becomes; the value itself unless said. Settings whose values depend on each other come together.
SAMPLES: dict[str, tuple[Any, ...]] = {
    "description": ({"description": "d"}, "d"),
    "max_total_tokens": ({"max_total_tokens": 77}, 77),
    "reserved_tokens": ({"reserved_tokens": 7}, 7),
    **{
        f"{tier}_pct": ({"tier_allocation": {"working": 0.4, "project": 0.3, "rag": 0.05}}, share)
        for tier, share in {
            "working_memory": 0.4,
            "project_memory": 0.3,
            "rag_memory": 0.05,
        }.items()
    },
    "long_term_memory_pct": ({"tier_allocation": {"long_term": 0.3, "rag": 0.2}}, 0.3),
    "tier_floor_tokens": ({"tier_limits": {"rag": {"floor_tokens": 5}}}, {"rag": 5}),
    "tier_cap_tokens": ({"tier_limits": {"rag": {"cap_tokens": 5}}}, {"rag": 5}),
    "borrowing": ({"borrowing": False}, False),
    "complexity_multipliers": (
        {"complexity_multipliers": {"simple": 0.1, "medium": {"rag": 0.2}}},
        {"simple": 0.1, "medium": {"rag": 0.2}},
    ),
    "scoring_method": ({"scoring": {"method": "product"}}, ScoringMethod.PRODUCT),
    "relevance_weight": ({"scoring": {"relevance_weight": 0.5, "importance_weight": 0.4}}, 0.5),
    "importance_weight": ({"scoring": {"importance_weight": 0.3, "freshness_weight": 0.0}}, 0.3),
    "freshness_weight": ({"scoring": {"freshness_weight": 0.3, "importance_weight": 0.0}}, 0.3),
    "half_life_days": ({"scoring": {"half_life_days": INFINITE}}, float("inf")),
    "tier_half_life_days": ({"scoring": {"tier_half_life_days": {"rag": 2}}}, {"rag": 2.0}),
    "min_score": ({"scoring": {"min_score": 0.2}}, 0.2),
    "token_price": ({"scoring": {"token_price": 1e-5}}, 1e-5),
    "recent_share": ({"recent_share": 0.4}, 0.4),
    "duplicate_threshold": ({"duplicate_threshold": None}, None),
    "passage_min_tokens": ({"passage_min_tokens": 300}, 300),
    "complexity.medium_points": ({"complexity": {"medium_points": 0.5}}, 0.5),
    "complexity.complex_points": ({"complexity": {"complex_points": 3.5}}, 3.5),
    "complexity.expert_points": ({"complexity": {"expert_points": 99}}, 99.0),
    "complexity.signal_points": ({"complexity": {"signal_points": {"code": 9}}}, {"code": 9.0}),
    **{
        f"complexity.{words}": ({"complexity": {words: ["Wörter", "x*"]}}, ("wörter", "x*"))
        for words in (
            "open_question_words",
            "judgement_openers",
            "comparison_words",
            "shared_words",
            "relation_words",
            "instruction_words",
            "technical_words",
        )
    },
    "complexity.long_conversation_turns": ({"complexity": {"long_conversation_turns": 3}}, 3),
    "complexity.many_candidates": ({"complexity": {"many_candidates": 3}}, 3),
    "rendering.format": ({"rendering": {"format": "xml"}}, PromptFormat.XML),
    "rendering.section_order": (
        {"rendering": {"section_order": ["rag", "working", "project", "long_term"]}},
        ("rag", "working", "project", "long_term"),
    ),
    "rendering.section_titles": (
        {"rendering": {"section_titles": {"rag": "Texts"}}},
        {"rag": "Texts"},
    ),
    "rendering.line_templates": (
        {"rendering": {"line_templates": {"rag": "{id}: {text}"}}},
        {"rag": "{id}: {text}"},
    ),
    "rendering.item_order": (
        {"rendering": {"item_order": {"rag": "ends"}}},
        {"rag": ItemOrder.ENDS},
    ),
    "complexity.learned": (
        {"complexity": {"learned": {"intercept": -2, "weights": {"length": 0.5}}}},
        ComplexityCoefficients(intercept=-2.0, weights={"length": 0.5}),
    ),
    "usefulness.learned": (
        {"usefulness": {"learned": {"dense": {"intercept": -2, "weights": {"asks": -1}}}}},
        {"dense": UsefulnessCoefficients(intercept=-2.0, weights={"asks": -1.0})},
    ),
    "promotion.promote_threshold": ({"promotion": {"promote_threshold": 0.9}}, 0.9),
    "promotion.demote_threshold": ({"promotion": {"demote_threshold": 0.1}}, 0.1),
    "promotion.min_stay_days": ({"promotion": {"min_stay_days": 0}}, 0.0),
    "promotion.min_access_count": ({"promotion": {"min_access_count": 9}}, 9),
    "promotion.score_weight": ({"promotion": {"score_weight": 0.6, "recency_weight": 0.1}}, 0.6),
    "promotion.access_weight": ({"promotion": {"access_weight": 0.5, "recency_weight": 0}}, 0.5),
    "promotion.recency_weight": ({"promotion": {"recency_weight": 0.5, "access_weight": 0}}, 0.5),
    "promotion.access_half_count": ({"promotion": {"access_half_count": 9}}, 9.0),
    "promotion.recency_half_life_days": (
        {"promotion": {"recency_half_life_days": INFINITE}},
        float("inf"),
    ),
    "counting.model": ({"counting": {"model": "gpt-4"}}, "gpt-4"),
    "counting.cache_entries": ({"counting": {"cache_entries": 0}}, 0),
    "logging.enabled": ({"logging": {"enabled": False}}, False),
    "logging.max_records": ({"logging": {"max_records": 9}}, 9),
    "logging.path": ({"logging": {"path": "log.jsonl"}}, "log.jsonl"),
    "logging.include_text": ({"logging": {"include_text": True}}, True),
    "performance.prepared_pools": ({"performance": {"prepared_pools": 0}}, 0),
    "stability": ({"stability": 0.25}, 0.25),
    "caching.cached_read_price": ({"caching": {"cached_read_price": 0.5}}, 0.5),
    "caching.cache_write_price": ({"caching": {"cache_write_price": 2}}, 2.0),
    "caching.uncached_price": ({"caching": {"uncached_price": 3}}, 3.0),
    "performance.max_sessions": ({"performance": {"max_sessions": 0}}, 0),
    "performance.session_idle_seconds": ({"performance": {"session_idle_seconds": 60}}, 60.0),
    "gateway.inject": ({"gateway": {"inject": "system"}}, Inject.SYSTEM),
    "gateway.memory_tokens": ({"gateway": {"memory_tokens": 900}}, 900),
    "gateway.request_tokens": ({"gateway": {"request_tokens": 9_000}}, 9_000),
    "gateway.reply_tokens": ({"gateway": {"reply_tokens": 500}}, 500),
    "gateway.remember": ({"gateway": {"remember": True}}, True),
    "gateway.on_error": ({"gateway": {"on_error": "fail"}}, OnError.FAIL),
    "gateway.route": ({"gateway": {"route": "on", "models": {"complex": "m"}}}, Routing.ON),
    "gateway.models": ({"gateway": {"models": {"complex": "m"}}}, {"complex": "m"}),
    "gateway.unknown": ({"gateway": {"unknown": "expert"}}, "expert"),
    "gateway.strong_points": ({"gateway": {"strong_points": 3}}, 3.0),
    "gateway.fallbacks": ({"gateway": {"fallbacks": ["m"]}}, ("m",)),
    "gateway.prices": (
        {"gateway": {"prices": {"m": {"input": 1, "output": 2}}}},
        {"m": ModelPrice(input=1, output=2)},
    ),
    "gateway.provider_keys": (
        {"gateway": {"provider_keys": {"openai": "MBA_PROVIDER_KEY_A"}}},
        {"openai": "MBA_PROVIDER_KEY_A"},
    ),
    "gateway.spend": (
        {"gateway": {"spend": [{"unit": "tokens", "amount": 9, "period": "day"}]}},
        (SpendBudget(unit="tokens", amount=9, period="day"),),
    ),
    "experiment": (
        {"experiment": {"id": "e1", "share": 0.2, "changes": {"stability": 0.9}}},
        ExperimentSettings(id="e1", share=0.2, changes={"stability": 0.9}),
    ),
}


def setting_names(group: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in group.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from setting_names(field.annotation, f"{prefix}{name}.")
        elif name != "workspace_id":
            yield f"{prefix}{name}"


def setting(config: BaseModel, name: str) -> Any:
    found: Any = config
    for part in name.split("."):
        found = getattr(found, part)
    return found


def test_there_is_a_sample_of_every_setting() -> None:
    assert set(SAMPLES) == set(setting_names(WorkspaceConfig))


@pytest.mark.parametrize("name", SAMPLES)
def test_setting_is_read_from_its_place_in_the_file(file: Path, name: str) -> None:
    body, expected = SAMPLES[name]
    config = workspace(file, json.dumps(body))
    assert setting(config, name) == expected
    assert setting(WorkspaceConfig(workspace_id="a"), name) != expected, "not the default"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("{tier_allocation: {rag: 0.5, working: 0.05}}", id="nested"),
        pytest.param(
            "{tier_allocation: {rag_memory_pct: 0.5, working_memory_pct: 0.05}}", id="long-names"
        ),
        pytest.param("{rag_memory_pct: 0.5, working_memory_pct: 0.05}", id="flat"),
        pytest.param("{tier_allocation: {rag: 0.5}, working_memory_pct: 0.05}", id="mixed"),
    ],
)
def test_shares_are_read_by_short_and_long_names(file: Path, body: str) -> None:
    config = workspace(file, body)
    assert (config.rag_memory_pct, config.working_memory_pct) == (0.5, 0.05)


@pytest.mark.parametrize("written", ["infinite", "Infinite", "inf", ".inf", ".Inf", "infinity"])
def test_infinite_half_lives_are_read_however_they_are_written(file: Path, written: str) -> None:
    config = workspace(file, f"{{scoring: {{half_life_days: {written}}}}}")
    assert config.half_life_days == float("inf")


@pytest.mark.parametrize(
    ("written", "value"), [("1e-3", 0.001), ("5e-1", 0.5), ("1.5E-2", 0.015), (".5", 0.5), ("1", 1)]
)
def test_numbers_are_those_of_current_yaml(file: Path, written: str, value: float) -> None:
    assert workspace(file, f"{{scoring: {{min_score: {written}}}}}").min_score == value


@pytest.mark.parametrize("body", ["", "{}", "~", "{rendering: , scoring: , tier_limits: {rag: }}"])
def test_empty_sections_mean_defaults(file: Path, body: str) -> None:
    assert workspace(file, body) == WorkspaceConfig(workspace_id="a")


def test_settings_of_the_whole_file_apply_where_a_workspace_does_not_override_them(
    file: Path,
) -> None:
    file.write_text(
        "counting: {model: gpt-4}\n"
        "logging: {max_records: 5, enabled: false}\n"
        "workspaces:\n"
        "  plain: {}\n"
        "  own: {logging: {max_records: 9}}\n",
        encoding="utf-8",
    )
    found = load(file)
    assert found["plain"].logging == LoggingSettings(max_records=5, enabled=False)
    assert found["own"].logging == LoggingSettings(max_records=9, enabled=False)
    assert {config.counting.model for config in found.values()} == {"gpt-4"}


def test_anchors_aliases_and_merges_are_written_out(file: Path) -> None:
    file.write_text(
        "x-base: &base\n"
        "  max_total_tokens: 100\n"
        "  borrowing: false\n"
        "x-more: &more {reserved_tokens: 3, max_total_tokens: 1}\n"
        "workspaces:\n"
        "  a: {<<: [*base, *more], borrowing: true}\n"
        "  b: *base\n",
        encoding="utf-8",
    )
    found = load(file)
    assert (found["a"].max_total_tokens, found["a"].borrowing) == (100, True)
    assert found["a"].reserved_tokens == 3
    assert (found["b"].max_total_tokens, found["b"].borrowing) == (100, False)


def test_byte_order_mark_and_foreign_line_ends_are_read(file: Path) -> None:
    file.write_bytes(b"\xef\xbb\xbfversion: 1\r\nworkspaces:\r\n  caf\xc3\xa9: {}\r\n")
    assert list(load(file)) == ["café"]


# Loading.


@pytest.mark.parametrize(
    "read",
    [
        load,
        lambda path: MemoryBudgetConfigLoader.load_workspace(path, "a"),
        MemoryBudgetConfigLoader.load_counting_settings,
        MemoryBudgetConfigLoader.load_logging_settings,
        MemoryBudgetConfigLoader.load_performance_settings,
        MemoryBudgetConfigLoader.load_all,
    ],
)
def test_nothing_is_taken_from_an_invalid_file(file: Path, read: Any) -> None:
    file.write_text("workspaces: {a: {}, b: {borrowing: 5}}", encoding="utf-8")
    with pytest.raises(ConfigFileError, match=r"x\.yaml:1: workspaces\.b\.borrowing"):
        read(file)


def test_workspace_is_loaded_by_its_id() -> None:
    config = MemoryBudgetConfigLoader.load_workspace(SHIPPED, "research")
    assert config == load(SHIPPED)["research"]


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        pytest.param("reserch", "Did you mean 'research'? Known are: default, ", id="near"),
        pytest.param("zzz", "'zzz'. Known are: default, development, research, ", id="far"),
    ],
)
def test_unknown_workspace_is_told_the_known_ones(name: str, hint: str) -> None:
    with pytest.raises(UnknownWorkspaceError) as caught:
        MemoryBudgetConfigLoader.load_workspace(SHIPPED, name)
    assert hint in str(caught.value)
    assert caught.value.value == name


# Writing.


def test_defaults_are_written_only_if_asked_for() -> None:
    config = WorkspaceConfig(workspace_id="a", min_score=0.5)
    short = MemoryBudgetConfigLoader.to_yaml(config)
    full = yaml.safe_load(MemoryBudgetConfigLoader.to_yaml(config, include_defaults=True))
    assert yaml.safe_load(short)["workspaces"]["a"] == {
        "max_total_tokens": 8192,
        "tier_allocation": {"working": 0.3, "project": 0.2, "long_term": 0.25, "rag": 0.25},
        "scoring": {"min_score": 0.5},
    }
    # Without limits there is no tier to write one for.
    assert full["workspaces"]["a"].keys() == set(WORKSPACE_KEYS) - {"tier_limits"}


def test_importing_the_settings_does_not_import_yaml() -> None:
    code = (
        "import sys, mba_integrations.core.config.workspace, mba_integrations.core.config.loader; "
        "sys.exit('yaml' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
