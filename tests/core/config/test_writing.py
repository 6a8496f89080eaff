"""Settings files that are written: each setting is read back as it was."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations import (
    ConfigError,
    MemoryBudgetConfigLoader,
    MemoryTier,
    QueryComplexity,
    WorkspaceConfig,
)

OTHER_VALUES: dict[str, Any] = {
    "description": "Notes: # all",
    "max_total_tokens": 9000,
    "reserved_tokens": 12,
    "working_memory_pct": 0.35,
    "project_memory_pct": 0.15,
    "long_term_memory_pct": 0.2,
    "rag_memory_pct": 0.3,
    "tier_floor_tokens": {"working": 5},
    "tier_cap_tokens": {"working": 7, "rag": 8},
    "borrowing": False,
    "complexity_multipliers": {"simple": 0.3, "medium": {"rag": 0.7}},
    "scoring_method": "product",
    "relevance_weight": 0.5,
    "importance_weight": 0.3,
    "freshness_weight": 0.2,
    "half_life_days": math.inf,
    "tier_half_life_days": {"project": math.inf, "working": 2.5},
    "min_score": 0.1,
    "token_price": 1e-5,
    "recent_share": 0.4,
    "duplicate_threshold": None,
    "passage_min_tokens": 300,
    "stability": 0.0,
    "caching": {"cached_read_price": 0.5, "cache_write_price": 1.0},
    "usefulness": {"learned": {"dense": {"intercept": -2.5, "weights": {"lexical_rank": 1.5}}}},
    "complexity": {
        "medium_points": 1.5,
        "signal_points": {"code": 2.0},
        "technical_words": ["a"],
        "learned": {"intercept": -2.0, "weights": {"length": 0.5}},
    },
    "rendering": {"format": "xml", "section_order": ["rag", "working", "project", "long_term"]},
    "promotion": {"promote_threshold": 0.9, "min_stay_days": 2},
    "counting": {"model": "gpt-4", "cache_entries": 3},
    "logging": {"enabled": False, "max_records": 7, "path": "log.jsonl"},
    "performance": {"prepared_pools": 2},
    "gateway": {
        "inject": "system",
        "models": {"simple": "small", "complex": "large"},
        "prices": {"large": {"input": 1.25, "output": 10}},
        "spend": [{"unit": "usd", "amount": 2.5, "period": "rolling", "rolling_seconds": 60}],
    },
    "experiment": {"id": "e1", "share": 0.2, "changes": {"half_life_days": 9, "min_score": 0.2}},
}
"""For every setting a value that is not its default."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "settings.yaml"


def load(path: Path, text: str) -> dict[str, WorkspaceConfig]:
    path.write_text(text, encoding="utf-8")
    return MemoryBudgetConfigLoader.load_from_yaml(path)


def test_other_values_differ_from_the_defaults_in_every_setting() -> None:
    default = WorkspaceConfig(workspace_id="a")
    other = WorkspaceConfig(workspace_id="a", **OTHER_VALUES)
    names = [name for name in WorkspaceConfig.model_fields if name != "workspace_id"]
    assert sorted(names) == sorted(OTHER_VALUES)
    assert not [name for name in names if getattr(default, name) == getattr(other, name)]


@pytest.mark.parametrize("include_defaults", [False, True], ids=["changes", "everything"])
def test_every_setting_can_be_written_and_read(path: Path, include_defaults: bool) -> None:
    config = WorkspaceConfig(workspace_id="a", **OTHER_VALUES)
    text = MemoryBudgetConfigLoader.to_yaml({"a": config}, include_defaults=include_defaults)
    assert load(path, text) == {"a": config}


def test_shipped_workspaces_can_be_written_and_read(path: Path) -> None:
    shipped = MemoryBudgetConfigLoader.load_shipped()
    assert load(path, MemoryBudgetConfigLoader.to_yaml(shipped)) == shipped


@pytest.mark.parametrize(
    "configs",
    [
        pytest.param([], id="none"),
        pytest.param([WorkspaceConfig(workspace_id="a")] * 2, id="same-id"),
    ],
)
def test_workspaces_that_make_no_file_are_refused(configs: list[WorkspaceConfig]) -> None:
    with pytest.raises(ConfigError):
        MemoryBudgetConfigLoader.to_yaml(configs)


AWKWARD = [
    *("", "1", "null", "on", "<<", "=", "~", "a: b", "# c"),
    *("é", "日本", "🙂", "\u2028", "\x85", "\x00", "a\r\nb"),
]
words = st.sampled_from(AWKWARD) | st.text(max_size=12)
fractions = st.floats(0.0, 1.0)
multipliers = st.floats(0.0, 1.0, exclude_min=True)
tiers = st.sampled_from(MemoryTier)
half_lives = st.floats(0.0, exclude_min=True, allow_nan=False)


def in_parts(count: int) -> st.SearchStrategy[list[float]]:
    whole = st.lists(st.integers(0, 9), min_size=count, max_size=count).filter(any)
    return whole.map(lambda parts: [part / sum(parts) for part in parts])


@st.composite
def any_workspace(draw: st.DrawFn) -> WorkspaceConfig:
    shares, weights = draw(in_parts(4)), draw(in_parts(3))
    names = list(OTHER_VALUES)
    return WorkspaceConfig(
        workspace_id=draw(words.filter(bool)),
        description=draw(words),
        max_total_tokens=draw(st.integers(1000, 10**9)),
        reserved_tokens=draw(st.integers(0, 500)),
        **dict(zip([name for name in names if name.endswith("_pct")], shares, strict=True)),
        **dict(zip([name for name in names if name.endswith("_weight")], weights, strict=True)),
        tier_floor_tokens=draw(st.dictionaries(tiers, st.integers(0, 100))),
        tier_cap_tokens=draw(st.dictionaries(tiers, st.integers(100, 900))),
        borrowing=draw(st.booleans()),
        complexity_multipliers=draw(
            st.dictionaries(
                st.sampled_from(QueryComplexity),
                multipliers | st.dictionaries(tiers, multipliers),
            )
        ),
        scoring_method=draw(st.sampled_from(["usefulness", "product", "weighted_sum"])),
        half_life_days=draw(half_lives),
        tier_half_life_days=draw(st.dictionaries(tiers, half_lives)),
        min_score=draw(fractions),
        rendering={"section_titles": draw(st.dictionaries(tiers, st.sampled_from(["A", "# b"])))},
        counting={"model": draw(words)},
        logging={"path": draw(st.none() | st.sampled_from(["~", "a b.jsonl", "null"]))},
        complexity={"technical_words": draw(st.lists(st.sampled_from(["a", "no", "1", "quer*"])))},
    )


@settings(max_examples=40)
@given(configs=st.lists(any_workspace(), min_size=1, max_size=2), everything=st.booleans())
def test_what_is_written_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, configs: list[WorkspaceConfig], everything: bool
) -> None:
    by_id = {config.workspace_id: config for config in configs}
    text = MemoryBudgetConfigLoader.to_yaml(by_id, include_defaults=everything)
    assert load(tmp_path_factory.mktemp("written") / "settings.yaml", text) == by_id
