"""Settings files: each setting is reachable, each mistake named with its line, texts return."""

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
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from mba_integrations.core.config_file import MAX_FILE_BYTES
from mba_integrations.core.config_loader import MemoryBudgetConfigLoader
from mba_integrations.core.config_shape import PLACES, WORKSPACE_KEYS
from mba_integrations.core.errors import ConfigError, ConfigFileError, UnknownWorkspaceError
from mba_integrations.core.model import MemoryTier, QueryComplexity
from mba_integrations.core.settings import (
    INFINITE,
    CountingSettings,
    ItemOrder,
    LoggingSettings,
    PerformanceSettings,
    PromptFormat,
    ScoringMethod,
)
from mba_integrations.core.workspace import WEIGHT_FIELDS, WorkspaceConfig

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "configs" / "memory-budget.yaml"
load = MemoryBudgetConfigLoader.load_from_yaml
validate = MemoryBudgetConfigLoader.validate


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "x.yaml"


def problems(file: Path, text: str | bytes) -> list[str]:
    """Problems of a text, each from its line number on."""
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return [problem.removeprefix(f"{file}:").strip() for problem in validate(file)]


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
    "relevance_weight": ({"scoring": {"relevance_weight": 0.5, "importance_weight": 0.35}}, 0.5),
    "importance_weight": ({"scoring": {"importance_weight": 0.4, "freshness_weight": 0.0}}, 0.4),
    "freshness_weight": ({"scoring": {"freshness_weight": 0.4, "importance_weight": 0.0}}, 0.4),
    "half_life_days": ({"scoring": {"half_life_days": INFINITE}}, float("inf")),
    "tier_half_life_days": ({"scoring": {"tier_half_life_days": {"rag": 2}}}, {"rag": 2.0}),
    "min_score": ({"scoring": {"min_score": 0.2}}, 0.2),
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


# Mistakes.

KNOWN_AT_TOP = "Known are: version, counting, logging, performance, workspaces."


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        pytest.param(
            "tier_allocation: {working: 0.1, project: 0.2, long_term: 0.2, rag: 0.55}",
            "3: workspaces.a.tier_allocation: shares sum to 1.05, must sum to 1.0. "
            "Lower rag_memory_pct (0.55) by 0.05.",
            id="shares-over-one",
        ),
        pytest.param(
            "rag_memory_pct: 0.15",
            "3: workspaces.a: shares sum to 0.9, must sum to 1.0. "
            "Raise working_memory_pct (0.3) by 0.1.",
            id="shares-under-one",
        ),
        pytest.param(
            "tier_allocation: {rag: 0.3, rag_memory_pct: 0.3}",
            "3: workspaces.a.tier_allocation.rag_memory_pct: is given as tier_allocation.rag "
            "already. Remove one.",
            id="share-given-twice",
        ),
        pytest.param(
            "scoring: {relevance_weight: 0.9}",
            "3: workspaces.a.scoring: relevance_weight, importance_weight and freshness_weight "
            "sum to 1.3, must sum to 1.0. Lower relevance_weight (0.9) by 0.3.",
            id="weights",
        ),
        pytest.param(
            "max_tokens: 4",
            "3: workspaces.a.max_tokens: no such setting. Did you mean 'max_total_tokens'?",
            id="unknown-with-a-near-one",
        ),
        pytest.param(
            "tier_limits: {rag: {floor: 4}}",
            "3: workspaces.a.tier_limits.rag.floor: no such setting. Did you mean 'floor_tokens'?",
            id="unknown-deep",
        ),
        pytest.param(
            "tier_limits: {web: {floor_tokens: 4}}",
            "3: workspaces.a.tier_limits.web: no such setting. "
            "Known are: working, project, long_term, rag.",
            id="unknown-tier",
        ),
        pytest.param(
            "half_life_days: 3",
            "3: workspaces.a.half_life_days: no such setting here. It belongs under 'scoring'.",
            id="too-far-out",
        ),
        pytest.param(
            "scoring: {borrowing: true}",
            "3: workspaces.a.scoring.borrowing: no such setting here. It belongs beside 'scoring'.",
            id="too-far-in",
        ),
        pytest.param(
            "workspace_id: a",
            "3: workspaces.a.workspace_id: no such setting here. "
            "The id of a workspace is its key under 'workspaces'.",
            id="id",
        ),
        pytest.param(
            "max_total_tokens: '4096'",
            "3: workspaces.a.max_total_tokens: must be an integer, got '4096'. Remove the quotes.",
            id="number-in-quotes",
        ),
        pytest.param(
            "max_total_tokens: 4096.0",
            "3: workspaces.a.max_total_tokens: must be an integer, got 4096.0.",
            id="fraction-of-a-token",
        ),
        pytest.param(
            "max_total_tokens: yes",
            "3: workspaces.a.max_total_tokens: must be an integer, got true.",
            id="truth-value-for-a-number",
        ),
        pytest.param(
            "max_total_tokens:",
            "3: workspaces.a.max_total_tokens: must be an integer, got null.",
            id="nothing-for-a-number",
        ),
        pytest.param(
            "max_total_tokens: 0",
            "3: workspaces.a.max_total_tokens: must be at least 1, got 0.",
            id="below-the-range",
        ),
        pytest.param(
            "max_total_tokens: 0x" + "f" * 9000,
            "3: workspaces.a.max_total_tokens: must be at most 1,000,000,000, "
            "got an integer of 36,000 bits.",
            id="huge-number",
        ),
        pytest.param(
            "scoring: {min_score: 1.5}",
            "3: workspaces.a.scoring.min_score: must be at most 1, got 1.5.",
            id="above-the-range",
        ),
        pytest.param(
            "scoring: {half_life_days: 0}",
            "3: workspaces.a.scoring.half_life_days: must be above 0, got 0.",
            id="half-life-of-zero",
        ),
        pytest.param(
            "scoring: {half_life_days: .nan}",
            "3: workspaces.a.scoring.half_life_days: must be above 0, got nan.",
            id="half-life-that-is-no-number",
        ),
        pytest.param(
            "scoring: {min_score: .nan}",
            "3: workspaces.a.scoring.min_score: must be finite, got nan.",
            id="not-finite",
        ),
        pytest.param(
            "scoring: {method: usefullness}",
            "3: workspaces.a.scoring.method: must be one of weighted_sum, product, usefulness "
            "(did you mean 'usefulness'?), got 'usefullness'.",
            id="unknown-name",
        ),
        pytest.param(
            "complexity_multipliers: {simple: 2, medium: {rag: 0}, hard: 1, expert: x}",
            "3: workspaces.a.complexity_multipliers.simple: must be at most 1, got 2.\n"
            "3: workspaces.a.complexity_multipliers.medium.rag: must be above 0, got 0.\n"
            "3: workspaces.a.complexity_multipliers.hard: no such setting. "
            "Known are: simple, medium, complex, expert.\n"
            "3: workspaces.a.complexity_multipliers.expert: must be a number, "
            "or a mapping of tiers to numbers, got 'x'.",
            id="number-or-one-for-each-tier",
        ),
        pytest.param(
            "borrowing: maybe",
            "3: workspaces.a.borrowing: must be true or false, got 'maybe'.",
            id="truth-value",
        ),
        pytest.param(
            "description: 2026-01-02",
            "3: workspaces.a.description: must be text, got datetime.date(2026, 1, 2).",
            id="date-for-a-text",
        ),
        pytest.param(
            "description: 2026-13-45",
            "3: workspaces.a.description: '2026-13-45' cannot be read as a value.",
            id="date-that-is-none",
        ),
        pytest.param(
            "description: !!python/object:os.system x",
            "3: workspaces.a.description: the tag !!python/object:os.system is not supported; "
            "write a plain value.",
            id="tag",
        ),
        pytest.param(
            "tier_allocation: 0.5",
            "3: workspaces.a.tier_allocation: must be a mapping, got 0.5.",
            id="value-for-a-section",
        ),
        pytest.param(
            "tier_limits: {rag: 5}",
            "3: workspaces.a.tier_limits.rag: must be a mapping, got 5.",
            id="value-for-a-tier",
        ),
        pytest.param(
            "rendering: [xml]",
            "3: workspaces.a.rendering: must be a mapping, got ['xml'].",
            id="list-for-a-group",
        ),
        pytest.param(
            "rendering: {section_order: [rag, web]}",
            "3: workspaces.a.rendering.section_order.1: must be one of working, project, "
            "long_term, rag, got 'web'.",
            id="entry-of-a-list",
        ),
        pytest.param(
            "rendering: {section_order: rag}",
            "3: workspaces.a.rendering.section_order: must be a list, got 'rag'.",
            id="value-for-a-list",
        ),
        pytest.param(
            "tier_limits: {rag: {floor_tokens: 9, cap_tokens: 5}}",
            "3: workspaces.a.tier_limits: tier rag: floor (9) is above its cap (5).",
            id="floor-above-cap",
        ),
        pytest.param(
            "tier_limits: {rag: {floor_tokens: 9000}}",
            "3: workspaces.a: floor_tokens sum to 9,000, more than max_total_tokens less "
            "reserved_tokens (8,192).",
            id="floors-above-the-ceiling",
        ),
        pytest.param(
            "reserved_tokens: 9000",
            "3: workspaces.a: reserved_tokens (9,000) leave nothing of max_total_tokens (8,192).",
            id="reserve-above-the-ceiling",
        ),
        pytest.param(
            "promotion: {promote_threshold: 0.2, min_stay: 1}",
            "3: workspaces.a.promotion.min_stay: no such setting. "
            "Did you mean 'min_stay_days'?\n"
            "3: workspaces.a.promotion: demote_threshold (0.3) must be below "
            "promote_threshold (0.2).",
            id="contradiction-beside-an-unknown-key",
        ),
        pytest.param(
            "borrowing: true\n    rendering: {}\n    borrowing: true",
            "5: workspaces.a.borrowing: the key occurs twice, first in line 3. Remove one.",
            id="key-that-occurs-twice",
        ),
        pytest.param(
            "logging: {max_records: 0}",
            "3: workspaces.a.logging.max_records: must be at least 1, got 0.",
            id="override",
        ),
        pytest.param("<<: 5", "3: workspaces.a.<<: must name a mapping.", id="merge-of-no-mapping"),
        pytest.param(
            "1: 5",
            '3: workspaces.a: keys must be text, got 1 (int). Write "1" in quotes.',
            id="key-that-is-no-text",
        ),
    ],
)
def test_mistake_in_a_workspace_is_named(file: Path, body: str, expected: str) -> None:
    assert problems(file, f"workspaces:\n  a:\n    {body}\n") == expected.splitlines()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "", "1: the file is empty; it must be a mapping with the key 'workspaces'.", id="empty"
        ),
        pytest.param(
            "# nothing\n",
            "1: the file is empty; it must be a mapping with the key 'workspaces'.",
            id="comment-only",
        ),
        pytest.param("[a]", "1: the file must be a mapping, got a list.", id="list"),
        pytest.param("\nx", "2: the file must be a mapping, got a single value.", id="value"),
        pytest.param(
            "version: 1", "1: workspaces: must name at least one workspace.", id="no-workspaces"
        ),
        pytest.param(
            "workspaces: {}", "1: workspaces: must name at least one workspace.", id="none-in-it"
        ),
        pytest.param("workspaces: [a]", "1: workspaces: must be a mapping, got ['a'].", id="ids"),
        pytest.param("workspaces: {a: 5}", "1: workspaces.a: must be a mapping, got 5.", id="id"),
        pytest.param(
            "workspaces: {'': {}}",
            "1: workspaces.: the name of a workspace must not be empty, got ''.",
            id="empty-name",
        ),
        pytest.param(
            "workspaces: {on: {}, b: {}}",
            '1: workspaces: keys must be text, got on (bool). Write "on" in quotes.',
            id="name-that-is-a-truth-value",
        ),
        pytest.param(
            "version: 2\nworkspaces: {a: }",
            "1: version: must be 1, the version of the file format that this release reads, got 2.",
            id="version",
        ),
        pytest.param(
            "workspaces: {a: }\nloging: {}",
            "2: loging: no such setting. Did you mean 'logging'?",
            id="unknown-group",
        ),
        pytest.param(
            "workspaces: {a: }\nzzz: {}", f"2: zzz: no such setting. {KNOWN_AT_TOP}", id="unknown"
        ),
        pytest.param(
            "workspaces: {a: , b: {logging: {path: x}}}\nlogging:\n  max_records: 0\n  patth: x",
            "3: logging.max_records: must be at least 1, got 0.\n"
            "4: logging.patth: no such setting. Did you mean 'path'?",
            id="shared-group-is-told-once",
        ),
        pytest.param(
            "workspaces: {a: }\nlogging: 5",
            "2: logging: must be a mapping, got 5.",
            id="shared-group-that-is-a-value",
        ),
        pytest.param("a: &a [*a]", "1: an alias stands within what it names.", id="endless"),
        pytest.param("a: &a {<<: *a}", "1: an alias stands within what it names.", id="own-merge"),
        pytest.param(
            "[" * 100_000, "1: the file is nested more than 64 levels deep.", id="deeply-nested"
        ),
        pytest.param(
            "- a\n" * 250_000, "199999: the file holds more than 100,000 values.", id="long"
        ),
        pytest.param(
            "a:\n  - \x07", "2: the character U+0007 is not allowed in YAML.", id="control"
        ),
        pytest.param(b"a: b\nc: \xff", "2: the file must be UTF-8, got byte 0xff.", id="encoding"),
        pytest.param(
            b"#" * (MAX_FILE_BYTES + 1), "the file is larger than 1,048,576 bytes.", id="size"
        ),
    ],
)
def test_mistake_in_the_file_as_a_whole_is_named(
    file: Path, text: str | bytes, expected: str
) -> None:
    assert problems(file, text) == expected.splitlines()


@pytest.mark.parametrize(
    ("text", "line"),
    [
        pytest.param("workspaces: [", 1, id="open-bracket"),
        pytest.param("workspaces:\n  a: b: c", 2, id="two-colons"),
        pytest.param("workspaces:\n\t- a", 2, id="tab"),
        pytest.param("workspaces: *nothing", 1, id="unknown-alias"),
        pytest.param("a: 1\n---\nb: 2", 2, id="two-documents"),
    ],
)
def test_text_that_is_not_yaml_is_located(file: Path, text: str, line: int) -> None:
    (problem,) = problems(file, text)
    found = re.match(r"(\d+): not valid YAML in column \d+: \w+", problem)
    assert found, problem
    assert abs(int(found[1]) - line) <= 1, "libyaml sees the end of a text on the line after it"


@pytest.mark.parametrize("merge", [False, True], ids=["aliases", "merges"])
def test_aliases_that_multiply_are_bounded(file: Path, merge: bool) -> None:
    lines = ["l0: &l0 " + ("{a: 1, b: 1}" if merge else "[x, x]")]
    for level in range(1, 40):
        twice = f"[*l{level - 1}, *l{level - 1}]"
        lines.append(f"l{level}: &l{level} " + (f"{{<<: {twice}}}" if merge else twice))
    (problem,) = problems(file, "\n".join(lines))
    assert problem.endswith("the file holds more than 100,000 values.")


def test_all_problems_are_told_at_once_by_line(file: Path) -> None:
    text = (
        "loging: {}\n"
        "workspaces:\n"
        "  a:\n"
        "    max_tokens: 4\n"
        "    reserved_tokens: -1\n"
        "    scoring: {method: x}\n"
        "    tier_allocation: {rag: 0.9}\n"
        "    borrowing: true\n"
        "    borrowing: true\n"
        "  b: {promotion: {promote_threshold: 2, score_weight: 1}}\n"
        "counting: {model: 5}\n"
    )
    found = problems(file, text)
    assert [problem.split(": ")[:2] for problem in found] == [
        ["1", "loging"],
        ["4", "workspaces.a.max_tokens"],
        ["5", "workspaces.a.reserved_tokens"],
        ["6", "workspaces.a.scoring.method"],
        ["7", "workspaces.a.tier_allocation"],
        ["9", "workspaces.a.borrowing"],
        ["10", "workspaces.b.promotion.promote_threshold"],
        ["11", "counting.model"],
    ]
    with pytest.raises(ConfigFileError) as caught:
        load(file)
    assert list(caught.value.problems) == [f"{file}:{problem}" for problem in found]
    assert str(caught.value).splitlines() == list(caught.value.problems)


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


def test_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.yaml"
    assert validate(missing) == (f"{missing}: no such file.",)
    assert validate(tmp_path)[0].startswith(f"{tmp_path}: cannot be read: ")
    assert validate("nul\0.yaml")[0].endswith("cannot be read: embedded null byte.")
    with pytest.raises(ConfigFileError, match="no such file"):
        load(missing)


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


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_content_makes_validation_fail(
    tmp_path_factory: pytest.TempPathFactory, content: bytes
) -> None:
    file = tmp_path_factory.getbasetemp() / "any.yaml"
    file.write_bytes(content)
    assert validate(file)


yaml_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.dates(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORKSPACE_KEYS) | st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=8,
)


@given(body=st.dictionaries(st.sampled_from(WORKSPACE_KEYS), yaml_values, max_size=5))
def test_no_value_makes_validation_fail(
    tmp_path_factory: pytest.TempPathFactory, body: dict[str, Any]
) -> None:
    file = tmp_path_factory.getbasetemp() / "values.yaml"
    text = yaml.safe_dump({"workspaces": {"a": body}})
    file.write_text(text, encoding="utf-8")
    for problem in validate(file):
        assert re.match(rf"{re.escape(str(file))}:\d+: ", problem), problem


# Writing.

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
awkward_words = words | st.sampled_from(
    ["1e-3", "on", "<<", "=", "null", "~", "2026-01-02", "a: b", "#", "'", '"', "\x85", "\u2028"]
)
tiers = st.sampled_from(MemoryTier)
fractions = st.floats(0.0, 1.0)
multipliers = st.floats(0.0, 1.0, exclude_min=True)
half_lives = st.floats(0.0, exclude_min=True) | st.just(float("inf"))
one_line = awkward_words.filter(lambda text: text.strip() and len(text.splitlines()) == 1)


@st.composite
def configs(draw: st.DrawFn) -> WorkspaceConfig:
    """Any settings, those that sum to something in a few forms."""
    working, project = draw(st.sampled_from([(0.5, 0.5), (0.1, 0.2), (0.0, 0.0), (1 / 3, 1 / 3)]))
    relevance = draw(fractions)
    return WorkspaceConfig(
        workspace_id=draw(awkward_words),
        description=draw(awkward_words | st.just("")),
        max_total_tokens=draw(st.integers(1000, 10**9)),
        reserved_tokens=draw(st.integers(0, 999)),
        working_memory_pct=working,
        project_memory_pct=project,
        long_term_memory_pct=0.0,
        rag_memory_pct=1.0 - working - project,
        tier_floor_tokens=draw(st.dictionaries(tiers, st.just(0))),
        tier_cap_tokens=draw(st.dictionaries(tiers, st.integers(0, 10**9))),
        borrowing=draw(st.booleans()),
        complexity_multipliers=draw(
            st.dictionaries(
                st.sampled_from(QueryComplexity), multipliers | st.dictionaries(tiers, multipliers)
            )
        ),
        scoring_method=draw(st.sampled_from(ScoringMethod)),
        relevance_weight=relevance,
        importance_weight=1.0 - relevance,
        freshness_weight=0.0,
        half_life_days=draw(half_lives),
        tier_half_life_days=draw(st.dictionaries(tiers, half_lives)),
        min_score=draw(fractions),
        complexity={"technical_words": draw(st.lists(st.sampled_from(["a*", "no", "1e5"])))},
        rendering={
            "format": draw(st.sampled_from(PromptFormat)),
            "section_order": draw(st.permutations(MemoryTier)),
            "section_titles": draw(st.dictionaries(tiers, one_line)),
            "item_order": draw(st.dictionaries(tiers, st.sampled_from(ItemOrder))),
        },
        promotion={"recency_half_life_days": draw(half_lives)},
        counting={"model": draw(awkward_words)},
        logging={"path": draw(st.none() | one_line.filter(lambda text: "\0" not in text))},
        performance={"prepared_pools": draw(st.integers(0, 9))},
    )


@given(
    written=st.lists(configs(), min_size=1, max_size=2, unique_by=lambda c: c.workspace_id),
    include_defaults=st.booleans(),
)
def test_written_settings_are_read_back(
    tmp_path_factory: pytest.TempPathFactory,
    written: list[WorkspaceConfig],
    include_defaults: bool,
) -> None:
    file = tmp_path_factory.getbasetemp() / "written.yaml"
    text = MemoryBudgetConfigLoader.to_yaml(written, include_defaults=include_defaults)
    file.write_text(text, encoding="utf-8", newline="")
    assert list(load(file).values()) == written


@pytest.mark.parametrize("include_defaults", [False, True])
def test_shipped_workspaces_are_written_and_read_back(file: Path, include_defaults: bool) -> None:
    shipped = load(SHIPPED)
    text = MemoryBudgetConfigLoader.to_yaml(shipped, include_defaults=include_defaults)
    file.write_text(text, encoding="utf-8")
    assert load(file) == shipped


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


def test_workspaces_are_written_once_each_and_at_least_one() -> None:
    config = WorkspaceConfig(workspace_id="a")
    with pytest.raises(ConfigError, match="two workspaces have the id 'a'"):
        MemoryBudgetConfigLoader.to_yaml([config, config])
    with pytest.raises(ConfigError, match="got none"):
        MemoryBudgetConfigLoader.to_yaml([])


def test_importing_the_settings_does_not_import_yaml() -> None:
    code = (
        "import sys, mba_integrations.core.workspace, mba_integrations.core.config_loader; "
        "sys.exit('yaml' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
