"""Settings cannot be changed; changes make another workspace, checked as the first one."""

from __future__ import annotations

import copy
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from workspace_settings import make

from mba_integrations.core.config.group import ReadOnlyDict
from mba_integrations.core.config.problems import InvalidSettingsError
from mba_integrations.core.config.settings import CountingSettings, LoggingSettings
from mba_integrations.core.config.workspace import (
    SHARE_FIELDS,
    InvalidWorkspaceError,
    WorkspaceConfig,
)
from mba_integrations.core.model import MemoryTier, QueryComplexity

# Settings do not change.


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda c: setattr(c, "borrowing", False), id="field"),
        pytest.param(lambda c: setattr(c.logging, "enabled", False), id="field-of-a-group"),
        pytest.param(lambda c: c.tier_cap_tokens.update(rag=1), id="update"),
        pytest.param(lambda c: c.tier_cap_tokens.__setitem__("rag", 1), id="item"),
        pytest.param(lambda c: c.tier_cap_tokens.pop(MemoryTier.RAG), id="pop"),
        pytest.param(lambda c: c.tier_cap_tokens.clear(), id="clear"),
        pytest.param(
            lambda c: c.complexity_multipliers[QueryComplexity.SIMPLE].clear(), id="inner-mapping"
        ),
        pytest.param(lambda c: c.rendering.section_titles.clear(), id="default-of-a-group"),
        pytest.param(lambda c: c.tier_floor_tokens.setdefault("rag", 1), id="default"),
    ],
)
def test_settings_cannot_be_changed(change: Callable[[WorkspaceConfig], None]) -> None:
    values = {"tier_cap_tokens": {"rag": 9}, "complexity_multipliers": {"simple": {"rag": 0.5}}}
    config = make(**values)
    with pytest.raises((TypeError, ValueError)):
        change(config)
    assert config == make(**values)


def test_mapping_that_was_handed_in_is_not_kept() -> None:
    caps = {MemoryTier.RAG: 9}
    config = make(tier_cap_tokens=caps)
    caps[MemoryTier.RAG] = 1
    assert config.tier_cap_tokens == {MemoryTier.RAG: 9}


@pytest.mark.parametrize(
    "copied",
    [
        pytest.param(copy.copy, id="copy"),
        pytest.param(copy.deepcopy, id="deep-copy"),
        pytest.param(lambda config: pickle.loads(pickle.dumps(config)), id="pickle"),
        pytest.param(lambda config: config.with_changes(), id="no-changes"),
        pytest.param(lambda config: WorkspaceConfig(**dict(config)), id="own-values"),
        pytest.param(lambda config: WorkspaceConfig(**config.model_dump()), id="dumped"),
    ],
)
def test_settings_can_be_copied_compared_and_hashed(copied: Callable[[Any], Any]) -> None:
    config = make(tier_cap_tokens={"rag": 9}, complexity_multipliers={"simple": {"rag": 0.5}})
    again = copied(config)
    assert again == config
    assert hash(again) == hash(config)
    assert isinstance(again.tier_cap_tokens, ReadOnlyDict)
    assert isinstance(again.complexity_multipliers[QueryComplexity.SIMPLE], ReadOnlyDict)


# Changes.


def test_changes_make_another_valid_config() -> None:
    config = make(logging={"max_records": 5, "enabled": False})
    changed = config.with_changes(
        workspace_id="v",
        half_life_days="infinite",
        logging={"max_records": 9},
        counting=CountingSettings(model="gpt-4"),
        tier_cap_tokens={"rag": 3},
    )
    assert (changed.workspace_id, changed.half_life_days) == ("v", math.inf)
    assert changed.logging == LoggingSettings(max_records=9, enabled=False)
    assert changed.counting.model == "gpt-4"
    assert changed.tier_cap_tokens == {MemoryTier.RAG: 3}
    assert (config.workspace_id, config.logging.max_records) == ("w", 5)
    assert config.tier_cap_tokens == {}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"max_total_tokens": 0}, "workspace 'w': max_total_tokens: ", id="range"),
        pytest.param({"rag_memory_pct": 0.5}, "shares sum to 1.25", id="together"),
        pytest.param({"maxtotal_tokens": 1}, "Did you mean 'max_total_tokens'", id="name"),
        pytest.param({"logging": {"max_records": 0}}, "max_records: must be", id="in-a-group"),
        pytest.param({"logging": None}, "logging: must be a mapping", id="group"),
    ],
)
def test_changes_are_checked(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidSettingsError, match=said):
        make().with_changes(**changes)


def test_a_problem_of_a_group_has_its_whole_path_beside_those_of_others() -> None:
    with pytest.raises(InvalidWorkspaceError) as caught:
        make().with_changes(logging={"max_records": 0}, counting={"cache_entries": -1}, stability=2)
    assert [problem.path for problem in caught.value.problems] == [
        ("logging", "max_records"),
        ("counting", "cache_entries"),
        ("stability",),
    ]


@given(parts=st.lists(st.integers(0, 9), min_size=4, max_size=4).filter(any))
def test_hint_mends_shares_that_do_not_sum_to_one(parts: list[int]) -> None:
    shares = dict(zip(SHARE_FIELDS.values(), [part / 20 for part in parts], strict=True))
    try:
        make(**shares)
    except InvalidWorkspaceError as error:
        (problem,) = error.problems
        assert problem.fields == tuple(shares)
        words = problem.hint.rstrip(".").split()
        if words[0] == "Divide":
            mended = {name: share / sum(shares.values()) for name, share in shares.items()}
        else:
            step = float(words[-1]) * (1 if words[0] == "Raise" else -1)
            mended = {**shares, words[1]: shares[words[1]] + step}
        assert make(**mended)
    else:
        assert sum(parts) == 20
