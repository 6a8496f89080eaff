"""`replay`: equal decisions under the settings of then, those of the allocator under others."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from replay_records import chosen_settings, pools, record_of_facts, sentences, session_of

from mba_integrations import InputError, MemoryBudgetAllocator, WorkspaceConfig
from mba_integrations.learning.replay.records import ReplayRecord
from mba_integrations.learning.replay.replay import replay


@given(
    found=pools,
    settings_=chosen_settings,
    queries=st.lists(sentences, min_size=1, max_size=3),
)
@settings(max_examples=60, deadline=None)
def test_the_settings_of_then_give_the_decisions_of_then(
    found: list[dict[str, Any]], settings_: dict[str, Any], queries: list[str]
) -> None:
    config = WorkspaceConfig(workspace_id="w", **settings_)
    records = list(session_of(config, found, queries))
    again = list(replay(records))
    assert [one.allocation_id for one in again] == [one.allocation_id for one in records]
    assert all(map(lambda one, record: one.is_as_then(record), again, records))


@given(found=pools, before=chosen_settings, after=chosen_settings, query=sentences)
@settings(max_examples=60, deadline=None)
def test_other_settings_give_what_the_allocator_gives(
    found: list[dict[str, Any]], before: dict[str, Any], after: dict[str, Any], query: str
) -> None:
    config = WorkspaceConfig(workspace_id="w", **before)
    for record in session_of(config, found, [query]):
        [again] = replay([record], after)
        allocator = MemoryBudgetAllocator()
        allocator.register_workspace(config.with_changes(**after))
        try:
            expected = allocator.allocate_memory_budget(
                query, list(record.candidates), "w", now=record.at
            )
        except ValueError:
            assert again.problem is not None
            return
        assert again.selected_ids == expected.selected_ids
        assert (again.used_tokens, again.budget_tokens, again.value) == (
            *(expected.used_tokens, expected.budget_tokens, expected.value),
        )
        assert sum(again.tier_tokens.values()) <= again.used_tokens


@pytest.fixture
def record() -> ReplayRecord:
    return record_of_facts(20)


def test_a_budget_of_the_callers_stays_and_another_follows_the_settings(
    record: ReplayRecord,
) -> None:
    given_ = replace(record, budget_given=True)
    free, kept = replay([record, given_], {"max_total_tokens": 60})
    assert free.budget_tokens < record.budget_tokens == kept.budget_tokens


def test_whole_settings_take_the_place_of_those_of_then(record: ReplayRecord) -> None:
    other = WorkspaceConfig(workspace_id="another", max_total_tokens=60)
    [again] = replay([record], other)
    [changed] = replay([record], {"max_total_tokens": 60})
    assert again == changed


def test_where_pins_do_not_fit_there_is_a_problem_and_the_next_goes_on(
    record: ReplayRecord,
) -> None:
    tight = {"max_total_tokens": 4}
    first, second = replay([record, replace(record, allocation_id="b")], tight)
    assert "1 pinned item needs" in (first.problem or "")
    assert second.allocation_id == "b"


def test_a_replay_with_another_counter_is_refused(record: ReplayRecord) -> None:
    with pytest.raises(InputError, match="was counted by"):
        list(replay([record], token_counter=lambda text: len(text.split())))


def test_nothing_is_logged(record: ReplayRecord, tmp_path: Any) -> None:
    path = tmp_path / "log.jsonl"
    logged = replace(
        record, settings={**record.settings, "logging": {"enabled": True, "path": str(path)}}
    )
    assert len(list(replay([logged]))) == 1
    assert not path.exists()
