"""`replay`: equal decisions under the settings of then, those of the allocator under others."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mba_integrations import (
    Allocation,
    InputError,
    MemoryBudgetAllocator,
    MemoryItem,
    WorkspaceConfig,
)
from mba_integrations.learning.replay.records import Decided, ReplayRecord
from mba_integrations.learning.replay.replay import replay

NOW = datetime(2026, 3, 1, tzinfo=UTC)
WORDS = ("Kate", "lives", "Lisbon", "skis", "invoice", "Friday", "paid", "key", "red", "garden")
TIERS = ("working", "project", "long_term", "rag")

sentences = st.lists(st.sampled_from(WORDS), min_size=2, max_size=9).map(
    lambda words: " ".join(words).capitalize() + "."
)
texts = st.one_of(sentences, st.lists(sentences, min_size=6, max_size=16).map(" ".join))
items = st.fixed_dictionaries(
    {
        "content": texts,
        "tier": st.sampled_from(TIERS),
        "importance": st.sampled_from([0.1, 0.5, 0.9]),
        "created_at": st.one_of(
            st.none(), st.integers(0, 400).map(lambda days: NOW - timedelta(days=days))
        ),
        "pinned": st.sampled_from([False] * 9 + [True]),
        "grouped": st.booleans(),
        "relevance": st.sampled_from([None, None, None, 0.3, 0.8]),
        "role": st.sampled_from([None, "user", "assistant"]),
    }
)
pools = st.lists(items, min_size=1, max_size=14)
chosen_settings = st.fixed_dictionaries(
    {},
    optional={
        "scoring_method": st.sampled_from(["usefulness", "weighted_sum", "product"]),
        "half_life_days": st.sampled_from([1.0, 30.0, "infinite"]),
        "stability": st.sampled_from([0.0, 0.7, 1.0]),
        "min_score": st.sampled_from([0.0, 0.2]),
        "token_price": st.sampled_from([None, 0.0, 1e-3]),
        "recent_share": st.sampled_from([0.0, 0.25]),
        "duplicate_threshold": st.sampled_from([None, 0.6, 0.9]),
        "passage_min_tokens": st.sampled_from([None, 20]),
        "borrowing": st.booleans(),
        "max_total_tokens": st.integers(120, 700),
    },
)


def made_items(found: Sequence[dict[str, Any]]) -> tuple[MemoryItem, ...]:
    made = []
    for number, one in enumerate(found):
        values = {**one}
        grouped, role = values.pop("grouped"), values.pop("role")
        tier = values["tier"]
        made.append(
            MemoryItem(
                f"m{number}",
                **values,
                source="chat",
                position=float(number),
                group=f"g-{tier}" if grouped and tier == "rag" else None,
                metadata={} if role is None else {"role": role},
            )
        )
    return tuple(made)


def record_of(
    allocation: Allocation, config: WorkspaceConfig, candidates: tuple[MemoryItem, ...], **more: Any
) -> ReplayRecord:
    return ReplayRecord(
        workspace_id=config.workspace_id,
        settings=json.loads(config.model_dump_json()),
        decided=Decided(
            tokens={one.id: one.tokens for one in allocation.selected},
            used_tokens=allocation.used_tokens,
            counter_id=allocation.counter_id,
            reasons={one.id: one.reason.value for one in allocation.omitted},
        ),
        budget_tokens=allocation.budget_tokens,
        query=allocation.query,
        candidates=candidates,
        **{"allocation_id": "a", "at": NOW, **more},
    )


def session_of(
    config: WorkspaceConfig, found: Sequence[dict[str, Any]], queries: Sequence[str]
) -> Iterator[ReplayRecord]:
    """What a session leaves whose candidates grow from turn to turn."""
    allocator = MemoryBudgetAllocator()
    allocator.register_workspace(config)
    candidates, previous = made_items(found), None
    for turn, query in enumerate(queries):
        there = candidates[: max(1, len(candidates) - (len(queries) - 1 - turn))]
        at = NOW + timedelta(minutes=turn)
        try:
            allocation = allocator.allocate_memory_budget(
                query, there, config.workspace_id, now=at, previous=previous
            )
        except ValueError:  # pins over the budget
            return
        followed = None if previous is None else previous.to_dict()
        yield record_of(
            *(allocation, config, there),
            allocation_id=f"a{turn}",
            at=at,
            session_id="s",
            previous=followed,
        )
        previous = allocation.as_previous


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
    config = WorkspaceConfig(workspace_id="w", max_total_tokens=100)
    found = [
        {
            "content": f"Kate paid invoice {number} on Friday in Lisbon.",
            "tier": "project",
            "importance": 0.5,
            "created_at": None,
            "pinned": number == 0,
            "grouped": False,
            "relevance": None,
            "role": None,
        }
        for number in range(20)
    ]
    [made] = session_of(config, found, ["Which invoices did Kate pay?"])
    return made


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
